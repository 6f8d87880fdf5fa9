"""The commit record: the samples of one interval and everything that makes them acknowledged, as bytes of the log."""

from collections.abc import Container, Mapping

import msgspec

from hub.history.readings import Run, Traits
from hub.plugins.codec import pack_raw, unpack_raw
from hub.plugins.contract import RawColumns, SeriesKey
from hub.telemetry.buffer import Columns
from hub.telemetry.stream import StreamDelta

COMMIT = 1
"""Kind of a commit's record in the log."""
GROUP = 16
"""Streams in one chunk of a record: together they take a third less than each alone, and few are decoded for one."""


class Taken(msgspec.Struct):
    """What one commit is to write; kept until it is written. `outlets`: whose samples they are, as known just then."""

    at: int
    certain: bool
    shift: int
    deltas: list[StreamDelta]
    columns: dict[int, Columns]
    outlets: dict[SeriesKey, tuple[Traits, list[Run]]]


class Commit(msgspec.Struct):
    """One interval. `session` names the hub run, to which arrivals on the monotonic clock belong."""

    at: int
    certain: bool
    session: int
    streams: list[StreamDelta]
    raw: dict[int, RawColumns]  # by stream number; `run` is empty: the stream knows it
    number: int = 0

    @property
    def samples(self) -> int:
        """How many samples."""
        return sum(len(columns.seq) for columns in self.raw.values())


class _Head(msgspec.Struct, array_like=True):
    at: int
    certain: bool
    session: int
    streams: list[StreamDelta]
    stored: list[int]  # stream numbers, in the order in which their columns follow
    sizes: list[int]  # bytes of each group's chunk


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Head).decode


def columns_of(taken: Mapping[int, Columns]) -> dict[int, RawColumns]:
    """The buffer's columns as numpy arrays, by stream number."""
    return {number: columns.raw("") for number, columns in taken.items()}


def encode(commit: Commit) -> bytes:
    """The record's payload."""
    numbers = sorted(commit.raw)
    groups = [numbers[k : k + GROUP] for k in range(0, len(numbers), GROUP)]
    chunks = [pack_raw([commit.raw[number] for number in group]) for group in groups]
    sizes = [len(chunk) for chunk in chunks]
    head = _encode(_Head(commit.at, commit.certain, commit.session, commit.streams, numbers, sizes))
    return b"".join([len(head).to_bytes(4, "little"), head, *chunks])


def decode(number: int, payload: bytes, only: Container[int] | None = None) -> Commit:
    """A record read back; with `only` the samples of these stream numbers.

    Raises DamagedChunk, msgspec.DecodeError.
    """
    at = 4 + int.from_bytes(payload[:4], "little")
    head = _decode(payload[4:at])
    raw: dict[int, RawColumns] = {}
    for k, size in enumerate(head.sizes):
        group = head.stored[k * GROUP : (k + 1) * GROUP]
        places = [place for place, stream in enumerate(group) if only is None or stream in only]
        if places:
            raw.update(
                zip((group[place] for place in places), unpack_raw(payload[at : at + size], places), strict=True)
            )
        at += size
    return Commit(head.at, head.certain, head.session, head.streams, raw, number)
