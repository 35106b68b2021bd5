"""Spans of visitors behave as the visitors would one by one."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation.crowd import IdSpan, SimulatedCrowd, first, ids, joined_spans, total
from marquee.requests.visitor import Status

SIZE = 60
MOVES = (
    (Status.RECEIVED, Status.SUBMITTED),
    (Status.SUBMITTED, Status.RECOMMENDED),
    (Status.RECEIVED, Status.RECOMMENDED),
)

spans = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda pair: (min(pair), max(pair))),
    max_size=5,
).map(lambda pairs: [pair for pair in pairs if pair[0] < pair[1]])


@given(spans)
def test_joined_spans_hold_each_id_once(some: list[IdSpan]) -> None:
    assert list(ids(joined_spans(some))) == sorted(set(ids(some)))


@given(spans, st.integers(0, SIZE))
def test_first_splits_without_loss(some: list[IdSpan], count: int) -> None:
    distinct = joined_spans(some)
    taken, left = first(distinct, count)
    assert list(ids(taken)) + list(ids(left)) == list(ids(distinct))
    assert total(taken) == min(count, total(distinct))


@given(st.lists(st.tuples(st.sampled_from(MOVES), spans), max_size=8))
def test_moves_of_spans_are_moves_of_visitors(
    moves: list[tuple[tuple[Status, Status], list[IdSpan]]],
) -> None:
    crowd = SimulatedCrowd(SIZE)
    crowd.arrive(SIZE, 0.0)
    expected = [Status.RECEIVED] * SIZE
    for number, ((before, after), some) in enumerate(moves):
        moving = {each for each in ids(some) if expected[each] is before}
        for each in moving:
            expected[each] = after
        assert set(ids(crowd.move(some, [before], after, float(number)))) == moving
    assert [crowd.status(visitor) for visitor in range(SIZE)] == expected


@given(st.sets(st.integers(0, SIZE - 1)), st.integers(1, 7))
def test_slices_of_who_waits_hold_everybody_once(failed: set[int], most: int) -> None:
    crowd = SimulatedCrowd(SIZE)
    for at in range(6):
        crowd.arrive(SIZE // 6, 100.0 * at)
    for visitor in failed:
        crowd.fail(visitor, [Status.RECEIVED])
    found: list[int] = []
    after = None
    while True:
        piece, after = crowd.open(Status.RECEIVED, 1e9, most, after)
        found += [visitor for visitor, _ in piece]
        if after is None:
            break
    assert found == [visitor for visitor in range(SIZE) if visitor not in failed]


def test_only_those_who_waited_long_enough_are_listed() -> None:
    crowd = SimulatedCrowd(20)
    crowd.arrive(10, 0.0)
    crowd.arrive(10, 100.0)
    listed, _ = crowd.open(Status.RECEIVED, 50.0, 100, None)
    assert [visitor for visitor, _ in listed] == list(range(10))
    assert crowd.arrived_since(50.0) == 10
    assert crowd.arrived_since(101.0) == 0
