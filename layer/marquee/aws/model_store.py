"""The model in memory: each execution environment loads it and follows changes of `current.json`.

An unreadable model does not fail the request: the model in memory stays. An execution environment
that has no model yet falls back to the newest other readable model of the same data.
"""

import logging
import time
from collections.abc import Callable
from itertools import islice

from marquee.aws.buckets import ModelsBucket
from marquee.contracts import ContractError, CurrentModel, DataVersion
from marquee.recommender.model import Model, ModelError
from marquee.recommender.model_folder import read_model
from marquee.recommender.picks import Recommender
from marquee.recommender.scorers import RANKING
from marquee.serving.loaded_model import LoadedModel

_logger = logging.getLogger(__name__)

MOST_FALLBACKS = 5  # other models that are tried, newest first


class ModelStore:
    """Serves the active model.

    Args:
        bucket: the bucket of models.
        refresh_seconds: how long a newly published model may go unnoticed.
        clock: returns the time in seconds; must be monotonic.
        unreadable: called each time the active model or `current.json` cannot be read.
        loads: called with the active model each time it is loaded.
    """

    def __init__(
        self,
        bucket: ModelsBucket,
        refresh_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        unreadable: Callable[[], None] = lambda: None,
        loads: Callable[[Model], None] = lambda _: None,
    ) -> None:
        self._bucket, self._refresh_seconds, self._clock = bucket, refresh_seconds, clock
        self._unreadable, self._loads = unreadable, loads
        self._checked_at = float("-inf")
        self._named: CurrentModel | None = None
        self._loaded: LoadedModel | None = None

    def loaded(self) -> LoadedModel | None:
        """Return the newest model that could be read; None if there is none."""
        now = self._clock()
        if now - self._checked_at >= self._refresh_seconds:
            self._checked_at = now
            self._refresh()
        return self._loaded

    def current(self, name: str = RANKING) -> tuple[Model, Recommender] | None:
        """Return the newest readable model and its recommender; None if there is no model.

        Args:
            name: the recommender's name.

        Raises:
            UnknownModelError: if the model has no recommender of that name.
        """
        loaded = self.loaded()
        return None if loaded is None else (loaded.model, loaded.recommender(name))

    def _refresh(self) -> None:
        try:
            named = self._bucket.current()
        except ContractError:
            self._report("current.json cannot be read")
            return
        if named is None or named == self._named:
            return
        try:
            self._loaded = self._read(named.model_id)
            self._named = named
        except ModelError:
            self._report(f"model {named.model_id} cannot be read")
            if self._loaded is None:
                self._loaded = self._other_of(named)
        else:
            self._loads(self._loaded.model)

    def _other_of(self, named: CurrentModel) -> LoadedModel | None:
        """Return the newest other readable model of the same data; None if there is none.

        The next refresh tries the active model again.
        """
        others = (each for each in self._bucket.model_ids() if each != named.model_id)
        for model_id in islice(others, MOST_FALLBACKS):
            try:
                loaded = self._read(model_id)
            except ModelError:
                continue
            if DataVersion(loaded.model.dataset, loaded.model.data_version) == named.data:
                _logger.warning("serving model %s instead of %s", model_id, named.model_id)
                return loaded
        return None

    def _read(self, model_id: str) -> LoadedModel:
        def read(name: str) -> bytes:
            return self._bucket.read(model_id, name)

        return LoadedModel(read_model(read), read)

    def _report(self, what: str) -> None:
        _logger.exception("%s; keeping the last readable model", what)
        self._unreadable()
