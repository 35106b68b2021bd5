"""A model in memory, with what the API derives from it or reads with it on first use."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from marquee.contracts import Pick, Rating
from marquee.recommender.liked_share import LikedShare
from marquee.recommender.likely_seen import seen_in
from marquee.recommender.links import ExternalIds, read_links
from marquee.recommender.model import Model, ModelError, Series
from marquee.recommender.model_folder import LINKS, TITLES, read_beside
from marquee.recommender.picks import Recommender
from marquee.recommender.questionnaire import Questioner
from marquee.recommender.scorers import RANKING
from marquee.recommender.similarity import SIMILAR, Likenesses, SimilarOnDemand, read_similar
from marquee.serving.movie_matching import MovieMatcher
from marquee.serving.portrait import Portraitist
from marquee.serving.title_search import TitleSearch

_logger = logging.getLogger(__name__)

type ReadFile = Callable[[str], bytes]  # reads a file of the model folder; raises LookupError


class LoadedModel:
    """A model with the objects that are derived from it or read with it on first use."""

    def __init__(self, model: Model, read: ReadFile) -> None:
        self.model, self._read = model, read
        self._recommenders: dict[str, Recommender] = {}

    def recommender(self, name: str = RANKING) -> Recommender:
        """Return the recommender of that name; raises UnknownModelError if there is none."""
        if name not in self._recommenders:
            self._recommenders[name] = Recommender(self.model, name)
        return self._recommenders[name]

    @cached_property
    def questioner(self) -> Questioner:
        """The object that chooses the next movies to ask about; made on first use, then kept."""
        return Questioner(self.model.rating, seen_in(self.model), self.model.movies)

    @cached_property
    def portraitist(self) -> Portraitist:
        """The object that describes visitors' tastes; made on first use, then kept."""
        return Portraitist(self.model)

    @cached_property
    def titles(self) -> TitleSearch:
        """The search in titles; without a readable title index, one is made in memory."""
        try:
            index = read_beside(self._read, TITLES)
            if index is not None:
                return TitleSearch(self.model, index)
            _logger.info("the model has no title index; building one in memory")
        except ModelError:
            _logger.exception("the title index cannot be read; building one in memory")
        return TitleSearch(self.model)

    @cached_property
    def matcher(self) -> MovieMatcher:
        """The object that finds movies by IMDb id or title; made on first use, then kept."""
        return MovieMatcher(self.titles, self.model.movies, self.links)

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
        return SimilarOnDemand(self.model)

    @cached_property
    def series(self) -> Mapping[int, Series]:
        """The series of each movie that is a part of one, by movie id."""
        return {movie_id: each for each in self.model.series for movie_id in each.movie_ids}

    def liked_share(self, ratings: Iterable[Rating], picks: Sequence[Pick]) -> float | None:
        """Return the predicted share of the picks that the visitor will like, to two decimals.

        Args:
            ratings: the visitor's ratings.
            picks: picks by the ranking model, perhaps of another training.

        Returns:
            From 0 to 1; None if this model has no calibration or knows none of the picks.
        """
        if self._liked_share is None or not picks:
            return None
        share = self._liked_share.of({each.movie_id: each.stars for each in ratings}, picks)
        return None if share is None else round(share, 2)

    @cached_property
    def _liked_share(self) -> LikedShare | None:
        calibration = self.model.liked_share
        return None if calibration is None else LikedShare(self.model.rating, calibration)

    @cached_property
    def links(self) -> Mapping[int, ExternalIds]:
        """Movies' ids on other sites, by movie id; empty if the model has no readable links."""
        try:
            content = read_beside(self._read, LINKS)
            return {} if content is None else read_links(content)
        except ModelError:
            _logger.exception("the links cannot be read; serving movies without links")
            return {}
