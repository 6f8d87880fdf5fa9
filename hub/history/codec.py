"""Columns as bytes, for history: the codec that storage plugins use too (hub.plugins.codec)."""

from hub.plugins.codec import (
    DamagedChunk,
    NewerChunk,
    decode_raw,
    decode_rollup,
    encode_raw,
    encode_rollup,
    pack_raw,
    unpack_raw,
)

__all__ = [
    "DamagedChunk",
    "NewerChunk",
    "decode_raw",
    "decode_rollup",
    "encode_raw",
    "encode_rollup",
    "pack_raw",
    "unpack_raw",
]
