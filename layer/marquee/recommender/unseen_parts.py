"""Pick the parts of a series in order: of each series only the first part that is unseen."""

from collections.abc import Sequence

import numpy as np

from marquee.recommender.fold_in import Rows
from marquee.recommender.model import Floats


class UnseenParts:
    """The parts of all series, for the rule by which they are picked.

    Args:
        series: the rows of each series' parts, in the order of the series. A row is in at most one.
    """

    def __init__(self, series: Sequence[Sequence[int]]) -> None:
        self._rows = np.array([row for rows in series for row in rows], dtype=np.intp)
        lengths = np.array([len(rows) for rows in series], dtype=np.intp)
        self._starts = np.cumsum(lengths) - lengths
        self._ends = self._starts + lengths

    def keep_first(self, open_: Floats, seen: Sequence[Rows]) -> None:
        """Leave open, of each series, only the first part that the visitor has not seen.

        It gets the highest score of the series' open parts, so that it stands in the place of the
        part that would be picked. If it is not open itself, no part of the series is. A visitor has
        seen the movies that they rated.

        Args:
            open_: the scores, V by M, minus infinity for movies that must not be picked; changed
                in place.
            seen: the rows of the movies that each visitor has rated.
        """
        if not len(self._rows):
            return
        of_parts = open_[:, self._rows]  # V by P, the number of all parts
        highest = np.maximum.reduceat(of_parts, self._starts, axis=1)  # V by S, the series
        first = self._first_unseen(open_.shape, seen)
        visitors, series = np.nonzero(first < self._ends)
        places = first[visitors, series]
        is_open = np.isfinite(of_parts[visitors, places])
        open_[:, self._rows] = -np.inf
        visitors, series, places = visitors[is_open], series[is_open], places[is_open]
        open_[visitors, self._rows[places]] = highest[visitors, series]

    def _first_unseen(self, shape: tuple[int, ...], seen: Sequence[Rows]) -> Rows:
        """Return the place, among all parts, of each series' first unseen part: V by S.

        It is at least the place of the series' end if all parts are seen.
        """
        is_seen = np.zeros(shape, dtype=bool)
        for visitor, rows in enumerate(seen):
            is_seen[visitor, rows] = True
        count = len(self._rows)
        places = np.where(is_seen[:, self._rows], count, np.arange(count))
        first: Rows = np.minimum.reduceat(places, self._starts, axis=1)
        return first
