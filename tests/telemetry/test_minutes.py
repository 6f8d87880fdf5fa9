"""Minutes: what of a message is new, whatever its records overlap; what an ack names of them, and how much is held."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.telemetry.minutes import MOST_HELD, Heard, Novelty
from hub.telemetry.ranges import Ranges
from hub.telemetry.stream import Settled
from hub.telemetry.streams import Streams
from tests.telemetry.test_ingest import Bench

RECORDS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=12)


@given(arrived=RECORDS, lost=RECORDS, known=RECORDS, records=RECORDS)
def test_a_record_is_new_where_neither_samples_nor_minutes_stand(
    arrived: list[tuple[int, int]],
    lost: list[tuple[int, int]],
    known: list[tuple[int, int]],
    records: list[tuple[int, int]],
) -> None:
    streams = Streams()
    stream = streams.open("d", 0, "r", "hw")
    minutes = streams.open_minutes(stream)
    for first, length in arrived:
        stream.settled.add(first, first + length)
    for first, length in lost:
        stream.settled.add(first, first + length)
        stream.note(first, first + length, Settled.MEMORY)
    for first, length in known:
        minutes.place_minutes(first, first + length)
    samples = numbers(arrived) - numbers(lost)
    present = numbers(known)
    novelty = Novelty(stream, minutes)
    for first, length in records:
        wanted = numbers([(first, length)]) - samples - present
        assert novelty.any(first, first + length) is bool(wanted)
        if wanted:
            minutes.place_minutes(first, first + length)
            present |= numbers([(first, length)])


def numbers(records: list[tuple[int, int]]) -> set[int]:
    return {n for first, length in records for n in range(first, first + length + 1)}


class Counting(Ranges):
    """Counts how often it is asked."""

    __slots__ = ("asked",)

    def reach(self, number: int) -> int:
        self.asked = getattr(self, "asked", 0) + 1
        return super().reach(number)


@pytest.mark.parametrize("where", ["holes", "lost", "minutes"])
def test_records_that_overlap_cost_no_more_than_those_that_do_not(where: str) -> None:
    """What is asked of 600 records over 1,000 places is their sum, not their product."""
    streams = Streams()
    stream = streams.open("d", 0, "r", "hw")
    minutes = streams.open_minutes(stream)
    for seq in range(0, 2000, 2):
        if where == "minutes":
            minutes.place_minutes(seq, seq)
        else:
            stream.place(seq)
            if where == "lost":
                stream.note(seq, seq, Settled.GIVEN_UP)
    if where == "minutes":
        for seq in range(2600):
            stream.place(seq)
    minutes.settled = counting = Counting(minutes.settled)
    novelty = Novelty(stream, minutes)
    for number in range(600):
        first, last = number % 7, 2000 + number
        if novelty.any(first, last):
            minutes.place_minutes(first, last)
    assert counting.asked < 6000


def test_an_ack_names_only_so_many_ranges_and_the_rest_stays() -> None:
    heard, everything = Heard(), Ranges([(0, 10_000)])
    for number in range(100):
        heard.remember(heard.stored if number % 2 else heard.refused, 3 * number, 3 * number)
    told: set[int] = set()
    while ranges := heard.durable(everything, everything, 32):
        assert len(ranges) <= 32
        told |= {first for first, _ in ranges}
        left = heard.told(ranges)
    assert told == {3 * number for number in range(100)}
    assert not left


def test_what_is_held_for_the_next_ack_is_bounded() -> None:
    bench = Bench()
    for message in range(4):
        records = [{"seq_from": 4 * n, "seq_to": 4 * n} for n in range(600 * message, 600 * message + 600)]
        bench.send({"run": "a" * 16, "minutes": records}, "telemetry/minutes")
    stream = bench.streams.get("d1", 0, "a" * 16)
    assert stream is not None
    assert stream.minutes_heard is not None
    assert len(stream.minutes_heard.refused) == MOST_HELD
    assert bench.rejects.counts["d1", "type"] == 2400


def channels(count: int) -> bytes:
    return msgspec.json.encode({"status": "on", "channels": {str(n): {"on": True} for n in range(count)}})


def batch(voltages: int, currents: int) -> bytes:
    columns = b"1," * currents, b"1," * voltages
    return b'{"run":"a","seq":0,"up":0,"dt":1,"current":[%b1],"voltage":[%b1]}' % columns


@pytest.mark.parametrize(
    ("suffix", "body", "reason"),
    [
        ("telemetry", b'{"voltage":1,"current":1,"x":"%b"}' % (b"x" * 17_000), "size"),
        ("telemetry/batch", batch(49_200, 0), "size"),
        ("telemetry/batch", batch(9000, 9000), "batch"),
        ("telemetry/minutes", b'{"run":"a","minutes":[%b{}]}' % (b"{}," * 43_700), "size"),
        ("telemetry/minutes", b'{"run":"a","minutes":[%b{}]}' % (b"{}," * 5000), "minutes"),
        ("status", channels(9999), "size"),
        ("status", channels(17), "channels"),
        ("status", b'{"status":"on","run":"a","channels":{"16":{"oldest":1}}}', "channel"),
        ("status", b'{"status":"on","channels":{"-1":{"on":true}}}', "channel"),
    ],
)
def test_what_is_too_much_is_refused_and_counted(suffix: str, body: bytes, reason: str) -> None:
    bench = Bench()
    bench.send(body, suffix)
    assert bench.rejects.counts == {("d1", reason): 1}
    assert bench.statuses == []
    assert bench.streams.every() == []
