"""A checksum on each value of the history state: a flipped bit would make the hub acknowledge what it never had."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")

SUM = 4  # bytes


class Unreadable(Exception):
    """A value is not what was written."""


def seal(key: Sequence[object], value: object) -> bytes:
    """The value as bytes, with a checksum over it and the columns beside it."""
    data = msgspec.msgpack.encode(value)
    return data + _sum(key, data)


def unseal(key: Sequence[object], sealed: bytes, kind: type[T]) -> T:
    """The value again. Raises Unreadable."""
    data = sealed[:-SUM]
    if sealed[-SUM:] != _sum(key, data):
        raise Unreadable(f"the checksum of {key} does not fit")
    return decode(data, kind)


def decode(data: bytes, kind: type[T]) -> T:
    """A value without a checksum. Raises Unreadable."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error


def _sum(key: Sequence[object], data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(repr(tuple(key)).encode())).to_bytes(SUM, "little")
