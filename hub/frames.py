"""WebSocket frames (RFC 6455): those that the hub writes, and a check that aiohttp does not make of those it reads."""

from struct import pack
from typing import Any

from aiohttp import web

TEXT, BINARY, CLOSE = 1, 2, 8
VERSION = "13"
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": VERSION}
"""Headers of an answer 426: what to ask for (4.4)."""
EXTENDED = {126: 2, 127: 8}  # bytes of length after the first two
MASKED, MASK_BYTES = 0x80, 4
RESERVED = b"\xf0\x80"  # a head with all reserved bits, which no reader takes


def encode_frame(kind: int, payload: bytes) -> bytes:
    """Unfragmented and unmasked, as servers send (5.2). Made here because aiohttp's writer waits for a slow reader,
    which would need a task for each connection."""
    length = len(payload)
    if length < 126:
        return pack("!BB", 0x80 | kind, length) + payload
    if length < 65536:
        return pack("!BBH", 0x80 | kind, 126, length) + payload
    return pack("!BBQ", 0x80 | kind, 127, length) + payload


def close_frame(code: int) -> bytes:
    """Goodbye, with a code (7.4) and no reason."""
    return encode_frame(CLOSE, pack("!H", code))


def require_masks(request: web.BaseRequest) -> None:
    """Close with 1002 when the client sends a frame without a mask (5.1). To be called before the handshake: frames
    may come in one segment with it."""
    request.protocol.__class__ = _RequestHandler


class _RequestHandler(web.RequestHandler):
    __slots__ = ()

    def set_parser(self, parser: Any, *others: Any, **named: Any) -> None:
        super().set_parser(MaskCheck(parser), *others, **named)  # type: ignore[arg-type]


class MaskCheck:
    """Stands before aiohttp's reader. In place of a frame without a mask it hands on a head that the reader itself
    refuses with 1002, after all that came before it."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._head = b""  # one that has not arrived in full; at most nine bytes
        self._left = 0  # bytes of the frame under way that are still to come

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """As the reader's: (has it failed?, what it left)."""
        data, self._head = self._head + bytes(data), b""
        at, size = self._left, len(data)
        while size - at >= 2:
            length = data[at + 1]
            if length < MASKED:
                data, at = data[:at] + RESERVED, size
                break
            extended = EXTENDED.get(length & 127, 0)
            start = at + 2 + extended
            if start > size:
                break
            length = int.from_bytes(data[at + 2 : start], "big") if extended else length & 127
            at = start + MASK_BYTES + length
        if at < size:
            data, self._head = data[:at], data[at:]
        self._left = at - min(at, size)
        answer: tuple[bool, bytes] = self._reader.feed_data(data)
        return answer

    def feed_eof(self) -> None:
        """The other end has closed."""
        self._reader.feed_eof()
