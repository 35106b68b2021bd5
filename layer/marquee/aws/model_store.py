"""The model in memory: each execution environment loads it and follows changes of `current.json`.

An unreadable model does not fail the request: the model in memory stays. An execution environment
that has no model yet falls back to the newest other readable model of the same data set.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import islice

from marquee.aws.buckets import ModelsBucket
from marquee.contracts import ContractError, CurrentModel
from marquee.links import Ids, read_links
from marquee.model import LINKS, TITLES, Model, ModelError, read_beside, read_model
from marquee.profile import Portraitist
from marquee.questionnaire import Questioner
from marquee.recommending import Recommender
from marquee.scoring import RANKING
from marquee.searching import Titles
from marquee.seen import seen_in
from marquee.similarity import SIMILAR, Likenesses, SimilarAsAsked, read_similar

_logger = logging.getLogger(__name__)

MOST_FALLBACKS = 5  # other models that are tried, newest first

type _Read = Callable[[str], bytes]  # reads a file of the model folder; raises LookupError


class LoadedModel:
    """A model with the objects that are derived from it or read with it on first use."""

    def __init__(self, model: Model, read: _Read) -> None:
        self.model, self._read = model, read
        self._recommenders: dict[str, Recommender] = {}

    def recommender(self, name: str = RANKING) -> Recommender:
        """Return the recommender of that name; raises UnknownModelError if there is none."""
        if name not in self._recommenders:
            self._recommenders[name] = Recommender(self.model, name)
        return self._recommenders[name]

    @cached_property
    def questioner(self) -> Questioner:
        return Questioner(self.model.rating, seen_in(self.model))

    @cached_property
    def portraitist(self) -> Portraitist:
        return Portraitist(self.model)

    @cached_property
    def titles(self) -> Titles:
        """The search in titles; without a readable title index, one is made in memory."""
        try:
            index = read_beside(self._read, TITLES)
            if index is not None:
                return Titles(self.model, index)
            _logger.info("the model has no title index; building one in memory")
        except ModelError:
            _logger.exception("the title index cannot be read; building one in memory")
        return Titles(self.model)

    @cached_property
    def similar(self) -> Likenesses:
        """The similar movies; without a readable file, they are computed on request."""
        try:
            return read_similar(self._read(SIMILAR))
        except LookupError:
            # Normal for a model that was trained while a visitor waited, and for a model whose
            # similar step has not run yet.
            _logger.info("the model has no similar movies; computing them on request")
        except ModelError:
            _logger.exception("the similar movies cannot be read; computing them on request")
        return SimilarAsAsked(self.model)

    @cached_property
    def links(self) -> Mapping[int, Ids]:
        """Movies' ids on other sites, by movie id; empty if the model has no readable links."""
        try:
            content = read_beside(self._read, LINKS)
            return {} if content is None else read_links(content)
        except ModelError:
            _logger.exception("the links cannot be read; serving movies without links")
            return {}


class ModelStore:
    """Serves the active model.

    Args:
        bucket: the bucket of models.
        refresh_seconds: how long a newly published model may go unnoticed.
        clock: returns the time in seconds; must be monotonic.
        unreadable: called each time the active model or `current.json` cannot be read.
    """

    def __init__(
        self,
        bucket: ModelsBucket,
        refresh_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        unreadable: Callable[[], None] = lambda: None,
    ) -> None:
        self._bucket, self._refresh_seconds, self._clock = bucket, refresh_seconds, clock
        self._unreadable = unreadable
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

    def _other_of(self, named: CurrentModel) -> LoadedModel | None:
        """Return the newest other readable model of the same data set; None if there is none.

        The next refresh tries the active model again.
        """
        others = (each for each in self._bucket.model_ids() if each != named.model_id)
        for model_id in islice(others, MOST_FALLBACKS):
            try:
                loaded = self._read(model_id)
            except ModelError:
                continue
            if loaded.model.dataset == named.dataset:
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
