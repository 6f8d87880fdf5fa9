"""Streams: places, ranges, holes that close, acks, the order of runs."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.plugins.contract import SeriesKey
from hub.telemetry.ranges import Ranges
from hub.telemetry.stream import MOST_NOTES, OPEN_RANGES, Place, Settled, Stream
from hub.telemetry.streams import Streams


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5))))
def test_ranges_are_a_set_of_numbers(added: list[tuple[int, int]]) -> None:
    ranges, truth = Ranges(), set[int]()
    for first, length in added:
        opens = not truth & {first - 1, first, first + 1}
        assert ranges.touches(first) is not opens
        ranges.add(first, first + length)
        truth |= set(range(first, first + length + 1))
    assert [n for a, b in ranges for n in range(a, b + 1)] == sorted(truth)
    assert all(b + 1 < c for (_, b), (c, _) in zip(list(ranges), list(ranges)[1:], strict=False))
    for number in range(70):
        assert (number in ranges) is (number in truth)
        reach = number - 1
        while reach + 1 in truth:
            reach += 1
        assert ranges.reach(number) == reach
        holes = {n for a, b in ranges.holes(number) for n in range(a, b + 1)}
        assert holes == {
            n for n in range(min(truth, default=0), number) if n not in truth and n < max(truth, default=0)
        }


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 9))),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 9)), min_size=1),
)
def test_ranges_are_a_set_that_can_shrink_and_be_asked(
    changes: list[tuple[bool, int, int]], asked: list[tuple[int, int]]
) -> None:
    ranges, truth = Ranges(), set[int]()
    for put_in, first, length in changes:
        (ranges.add if put_in else ranges.remove)(first, first + length)
        numbers = set(range(first, first + length + 1))
        truth = truth | numbers if put_in else truth - numbers
    assert [n for a, b in ranges for n in range(a, b + 1)] == sorted(truth)
    assert all(b + 1 < c for (_, b), (c, _) in zip(list(ranges), list(ranges)[1:], strict=False))
    assert ranges.total() == len(truth)
    other = Ranges((first, first + length) for first, length in asked)
    wanted = {n for first, length in asked for n in range(first, first + length + 1)}
    assert {n for a, b in ranges.minus(other) for n in range(a, b + 1)} == truth - wanted
    assert {n for a, b in ranges.common(other) for n in range(a, b + 1)} == truth & wanted
    for first, length in asked:
        numbers = set(range(first, first + length + 1))
        assert ranges.covers(first, first + length) is (numbers <= truth)
        assert ranges.meets(first, first + length) is bool(numbers & truth)
        assert {n for a, b in ranges.within(first, first + length) for n in range(a, b + 1)} == numbers & truth
        starts = [n for n in sorted(truth) if n > first and n - 1 not in truth]
        assert ranges.above(first) == (starts[0] if starts else None)


def stream() -> Stream:
    return Streams().open("d", 0, "r", "hw")


def make_durable(streams: Streams) -> None:
    streams.durable(streams.take())


def test_a_sample_has_one_place() -> None:
    one = stream()
    assert [one.place(seq) for seq in (5, 6, 5, 4, 4)] == [
        Place.NEW,
        Place.NEW,
        Place.DUPLICATE,
        Place.NEW,
        Place.DUPLICATE,
    ]


def test_only_what_is_durable_is_acknowledged() -> None:
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in range(10):
        one.place(seq)
    one.holds_from(0)
    assert one.ack() == (-1, -1)
    make_durable(streams)
    for seq in (10, 11, 14):
        one.place(seq)
    assert one.ack() == (9, 9)
    make_durable(streams)
    assert one.ack() == (11, 14)
    one.place(12)
    one.place(13)
    make_durable(streams)
    assert one.ack() == (14, 14)


def test_the_ack_begins_at_oldest() -> None:
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in range(100, 110):
        one.place(seq)
    one.holds_from(50)
    make_durable(streams)
    assert one.ack() == (49, 109)
    one.holds_from(100)
    assert one.ack() == (109, 109)


def test_without_oldest_the_newest_is_the_oldest() -> None:
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in (3, 7):
        one.place(seq)
    make_durable(streams)
    assert one.ack() == (7, 7)


def test_a_hole_below_oldest_closes_at_the_commit_after_next_and_not_before() -> None:
    """A replayed batch that was on its way when the memory moved on is still taken."""
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in (0, 1, 5, 6, 300):
        one.place(seq)
    one.holds_from(4)
    make_durable(streams)
    assert list(one.settled) == [(0, 1), (5, 6), (300, 300)]
    assert one.place(2) is Place.NEW
    one.place(301)
    delta = streams.take()
    streams.durable(delta)
    assert list(one.durable) == [(0, 3), (5, 6), (300, 301)]
    assert delta[0].notes == [(3, 3, int(Settled.MEMORY))]
    assert one.place(3) is Place.DUPLICATE
    assert one.place(4) is Place.NEW


def test_what_a_plug_gives_up_is_told_from_what_its_memory_lost() -> None:
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in [*range(100), *range(101, 200)]:
        one.place(seq)
    one.holds_from(0)
    one.holds_from(101)  # 200 fitted before, so this is no memory moving on
    make_durable(streams)
    one.place(200)
    one.holds_from(101)
    assert streams.take()[0].notes == [(100, 100, int(Settled.GIVEN_UP))]


def test_a_rejected_sample_is_settled_with_a_note() -> None:
    streams = Streams()
    one = streams.open("d", 0, "r", "hw")
    one.place(0)
    assert one.reject(1)
    assert not one.reject(1)
    one.place(2)
    assert not one.reject(2), "a good sample stands there"
    (delta,) = streams.take()
    assert (delta.settled, delta.notes) == ([(0, 2)], [(1, 1, int(Settled.REJECTED))])


def test_refused_samples_in_a_row_are_one_note() -> None:
    streams, copy = Streams(), Streams()
    one = streams.open("d", 0, "r", "hw")
    for until in (5000, 8000):
        for seq in range(until - 3000 if until > 5000 else 0, until):
            one.reject(seq)
        (delta,) = deltas = streams.take()
        streams.durable(deltas)
        assert len(delta.notes) == 1
        assert copy.apply(delta)
    assert one.notes == copy.get(*one.key).notes == [(0, 7999, int(Settled.REJECTED))]


def test_notes_are_bounded_and_those_of_lost_samples_outlast_refused_ones() -> None:
    """Minutes may still fill what the memory of a plug lost: refused samples must not make that forgotten."""
    streams, copy = Streams(), Streams()
    one = streams.open("d", 0, "r", "hw")
    for seq in (0, 50):
        one.place(seq)
    one.holds_from(50)
    for seq in (51, 52):
        for delta in (deltas := streams.take()):
            copy.apply(delta)
        streams.durable(deltas)
        one.place(seq)
    lost = (1, 49, int(Settled.MEMORY))
    for seq in range(100, 100 + 20 * MOST_NOTES, 2):
        one.reject(seq)
        one.place(seq + 1)
    assert len(one.notes) <= 2 * MOST_NOTES
    assert lost in one.notes
    assert one.lost.covers(1, 49)
    assert one.notes[-1][0] == 98 + 20 * MOST_NOTES, "the oldest went"
    assert one.forgotten == 10 * MOST_NOTES + 1 - len(one.notes)
    (delta,) = streams.take()
    assert len(delta.notes) <= 2 * MOST_NOTES
    assert copy.apply(delta)
    other = copy.get(*one.key)
    assert len(other.notes) <= 2 * MOST_NOTES
    assert (other.notes[0], other.notes[-1], other.forgotten) == (lost, one.notes[-1], one.forgotten)


def test_notes_of_lost_samples_are_bounded_too() -> None:
    one = stream()
    for seq in range(0, 10 * MOST_NOTES, 2):
        one.note(seq, seq, Settled.MEMORY)
    assert len(one.notes) <= 2 * MOST_NOTES
    assert len(one.lost) == len(one.notes)
    assert one.forgotten == 5 * MOST_NOTES - len(one.notes)


def test_too_many_open_ranges_are_refused_until_holes_close() -> None:
    one = stream()
    for seq in range(0, 2 * OPEN_RANGES, 2):
        assert one.place(seq) is Place.NEW
        one.holds_from(0)
    assert one.place(2 * OPEN_RANGES + 2) is Place.TOO_MANY_OPEN
    assert one.place(2 * OPEN_RANGES - 1) is Place.NEW, "what touches a range opens none"
    assert one.place(1) is Place.NEW, "what fills a hole opens none"
    one.holds_from(1000)
    assert one.place(2 * OPEN_RANGES + 2) is Place.NEW


def test_runs_stand_in_the_order_in_which_they_were_heard_live() -> None:
    streams = Streams()
    first, second = streams.open("d", 0, "b", "hw"), streams.open("d", 0, "a", "hw")
    streams.heard_live(first)
    streams.heard_live(second)
    late, later = streams.open("d", 0, "y", "hw"), streams.open("d", 0, "x", "hw")
    streams.heard_late(late)
    streams.heard_late(later)
    assert [s.run for s in streams.of_series(SeriesKey("d"))] == ["b", "y", "x", "a"]
    streams.heard_live(late)
    assert [s.run for s in streams.of_series(SeriesKey("d"))] == ["b", "x", "a", "y"]
    assert streams.live("d", 0) is late


@pytest.mark.parametrize("seed", range(5))
def test_what_the_log_says_restores_the_streams(seed: int) -> None:
    rng = random.Random(seed)
    streams, copy = Streams(), Streams()
    for _ in range(20):
        for run in ("r1", "r2"):
            one = streams.open("d", 0, run, "hw")
            start = max(0, one.newest - rng.randrange(30))
            for seq in range(start, start + rng.randrange(60)):
                place = one.reject(seq) if rng.random() < 0.05 else one.place(seq)
                if place is Place.NEW:
                    one.offsets.heard(seq * 1000, 10**12 + seq * 1000 + rng.randrange(400), certain=True)
            streams.heard_live(one)
            one.holds_from(max(0, one.newest - 200))
        deltas = streams.take()
        streams.durable(deltas)
        for delta in deltas:
            assert copy.apply(delta)
    for one in streams.of_device("d"):
        other = copy.get(*one.key)
        assert other is not None
        assert other.settled == one.durable
        assert other.durable == one.durable
        assert other.notes == one.notes
        assert (other.order, other.hardware, other.newest) == (one.order, one.hardware, one.newest)
        assert other.offsets.wall.known() == one.offsets.wall.known()
    assert copy.live("d", 0).run == streams.live("d", 0).run
