"""The model in memory: loaded once an environment, swapped when `current.json` changes."""

import logging
import time
from collections.abc import Callable

from marquee.aws.buckets import ModelsBucket
from marquee.contracts import ContractError, CurrentModel
from marquee.model import Model, ModelError, read_model
from marquee.questionnaire import Questioner
from marquee.recommending import Recommender
from marquee.scoring import RANKING

_logger = logging.getLogger(__name__)


class ModelStore:
    """Serves the current model; `refresh_seconds` is how late a swap may be noticed."""

    def __init__(
        self,
        bucket: ModelsBucket,
        refresh_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket, self._refresh_seconds, self._clock = bucket, refresh_seconds, clock
        self._checked_at = float("-inf")
        self._named: CurrentModel | None = None
        self._model: Model | None = None
        self._recommenders: dict[str, Recommender] = {}  # of the model in memory, by their names
        self._questioner: Questioner | None = None

    def current(self, name: str = RANKING) -> tuple[Model, Recommender] | None:
        """Give the newest model that could be read and its recommender of that name, None before
        the first.

        A model that is corrupt or of a newer format is logged and the one in memory stays.
        Raises UnknownModelError where the model has none of that name.
        """
        now = self._clock()
        if now - self._checked_at >= self._refresh_seconds:
            self._checked_at = now
            self._refresh()
        if self._model is None:
            return None
        if name not in self._recommenders:
            self._recommenders[name] = Recommender(self._model, name)
        return self._model, self._recommenders[name]

    def questioner(self) -> Questioner | None:
        """Give who asks by the model of the last `current()`, None before the first."""
        if self._questioner is None and self._model is not None:
            self._questioner = Questioner(self._model.rating, self._model.counts.users)
        return self._questioner

    def _refresh(self) -> None:
        try:
            named = self._bucket.current()
            if named is None or named == self._named:
                return
            model = read_model(lambda name: self._bucket.read(named.model_id, name))
            recommenders = {RANKING: Recommender(model)}
        except (ContractError, ModelError):
            _logger.exception("the current model cannot be read, the last good one stays")
            return
        self._named, self._model, self._recommenders = named, model, recommenders
        self._questioner = None
