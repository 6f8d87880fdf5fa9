"""Buckets as kept beside the chunks that they were made of: power, energy and time covered, quicker read than those."""

import zlib
from typing import Any, NamedTuple

import numpy as np

from hub.plugins import RollupColumns
from hub.plugins.contract import Int64

FORMAT = 1  # first byte of what is kept
HEAD = 5  # bytes of a chunk that tell it from any other: its version and checksum
FIELDS = ("mean_power", "min_power", "max_power", "import_mwh", "export_mwh", "estimated_mwh", "covered_ms")
NONE = -1.0  # time covered where there is no bucket


class Kept(NamedTuple):
    """The heads of the chunks that it is made of, where buckets begin and the last ends, a row for a field."""

    heads: bytes
    edges: Int64
    rows: Any


def columns(starts: Int64, rows: Any) -> RollupColumns:
    """Buckets of rows; all else of them is unknown."""
    there = rows[-1] != NONE
    if not there.all():
        starts, rows = starts[there], rows[:, there]
    fields = dict(zip(FIELDS, rows, strict=True))
    unknown, nothing = np.full(len(starts), np.nan), np.zeros(len(starts), np.int64)
    fields["covered_ms"] = fields["covered_ms"].astype(np.int64)
    return RollupColumns(
        start=starts, mean_voltage=unknown, mean_current=unknown, on_ms=nothing, count=nothing, **fields
    )


def packed(edges: Int64, buckets: RollupColumns) -> bytes:
    """The steps of the edges, and a row of floats for each field: all first bytes, then all second bytes and so on."""
    rows = np.full((len(FIELDS) + 1, len(edges)), NONE)
    rows[0].view(np.int64)[:] = np.diff(edges, prepend=0)
    place = np.searchsorted(edges, buckets.start)
    for row, name in zip(rows[1:], FIELDS, strict=True):
        row[place] = getattr(buckets, name)
    planes = rows.astype("<f8").view(np.uint8).reshape(-1, 8).T
    return bytes([FORMAT]) + zlib.compress(planes.tobytes())


def unpacked(heads: bytes, data: bytes) -> Kept | None:
    """None where it is of another format or damaged: it is made anew."""
    try:
        if not data or data[0] != FORMAT:
            return None
        planes = np.frombuffer(zlib.decompress(data[1:]), np.uint8).reshape(8, -1)
        rows = np.ascontiguousarray(planes.T).view("<f8").reshape(len(FIELDS) + 1, -1)
    except (zlib.error, ValueError):
        return None
    edges = np.cumsum(rows[0].view(np.int64))
    return Kept(heads, edges, rows[1:, :-1]) if len(edges) else None
