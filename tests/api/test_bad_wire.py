"""What no route has seen, as bytes on the wire: the web server's own refusals are problems like all others."""

import asyncio
import gzip
import json
import zlib
from typing import Any, NamedTuple

import pytest

from tests.api.house import PASSWORD, House

POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
GET = b"GET /api/v1/system/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
LOGIN = json.dumps({"email": "admin@example.org", "password": PASSWORD}).encode()


class Wire(NamedTuple):
    """Bytes, and what must be answered."""

    name: str
    sent: bytes
    status: int
    code: str


def body(content: bytes, *headers: bytes) -> bytes:
    """A sign-in with these headers."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return POST + lines + b"Content-Length: %d\r\n\r\n" % len(content) + content


def chunked(chunks: bytes) -> bytes:
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


TABLE = [
    # Compressed
    *(
        Wire(f"body as {name}", body(LOGIN, b"Content-Encoding: " + name.encode()), 415, "content-encoding-wrong")
        for name in ("br", "zstd", "compress", "x-gzip", "gzip, gzip", "gzip, br", "none", "BR")
    ),
    Wire(
        "two encodings",
        body(LOGIN, b"Content-Encoding: gzip", b"Content-Encoding: zstd"),
        415,
        "content-encoding-wrong",
    ),
    Wire("br in chunks", chunked(b"0\r\n\r\n").replace(b"\r\n\r\n", b"\r\nContent-Encoding: br\r\n\r\n", 1), 415,
         "content-encoding-wrong"),
    Wire("broken gzip", body(b"junk", b"Content-Encoding: gzip"), 400, "request-invalid"),
    Wire("half of a gzip", body(gzip.compress(LOGIN)[:20], b"Content-Encoding: gzip"), 400, "request-invalid"),
    Wire("much in a little", body(gzip.compress(b"x" * 1_100_000), b"Content-Encoding: gzip"), 413, "body-too-large"),
    Wire("broken deflate", body(b"junk", b"Content-Encoding: deflate"), 400, "request-invalid"),
    # Chunks
    Wire("no size of a chunk", chunked(b"ZZ\r\n"), 400, "request-invalid"),
    Wire("negative chunk", chunked(b"-5\r\n"), 400, "request-invalid"),
    Wire("chunk without its end", chunked(b"2\r\n{}xx0\r\n\r\n"), 400, "request-invalid"),
    Wire("chunks and a length", POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
         "request-invalid"),
    Wire("unknown transfer", POST + b"Transfer-Encoding: rot13\r\n\r\n{}", 400, "request-invalid"),
    # Lengths
    Wire("negative length", POST + b"Content-Length: -5\r\n\r\n", 400, "request-invalid"),
    Wire("length in words", POST + b"Content-Length: many\r\n\r\n", 400, "request-invalid"),
    Wire("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "request-invalid"),
    Wire("too large", body(b"x" * 1_100_000), 413, "body-too-large"),
    # Heads
    Wire("no HTTP", b"NONSENSE\r\n\r\n", 400, "request-invalid"),
    Wire("no such version", b"GET /api/v1/devices HTTP/9.9\r\n\r\n", 400, "request-invalid"),
    Wire("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "request-invalid"),
    Wire("a zero in the address", b"GET /api/v1/\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "request-invalid"),
    Wire("unknown method", GET.replace(b"GET", b"FETCH", 1) + b"\r\n", 400, "request-invalid"),
    Wire("header without a name", GET + b": x\r\n\r\n", 400, "request-invalid"),
    Wire("header without a colon", GET + b"nothing\r\n\r\n", 400, "request-invalid"),
    Wire("blank in a name", GET + b"X y: 1\r\n\r\n", 400, "request-invalid"),
    Wire("zero in a value", GET + b"X: a\x00b\r\n\r\n", 400, "request-invalid"),
    Wire("folded header", GET + b"X: a\r\n b\r\n\r\n", 400, "request-invalid"),
    Wire("many headers", GET + b"".join(b"X-%d: 1\r\n" % n for n in range(300)) + b"\r\n", 400, "request-invalid"),
    Wire("long address", b"GET /api/v1/" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "url-too-long"),
    Wire("long header", GET + b"X: " + b"a" * 9_000 + b"\r\n\r\n", 431, "head-too-long"),
    Wire("long name of a header", GET + b"a" * 9_000 + b": 1\r\n\r\n", 431, "head-too-long"),
    # Expectations
    Wire("expects something", GET + b"Expect: miracles\r\n\r\n", 417, "expectation-unknown"),
    Wire("expects something nowhere", GET.replace(b"system/info", b"nothing") + b"Expect: x\r\n\r\n", 417,
         "expectation-unknown"),
    # Methods and addresses
    Wire("another method", GET.replace(b"GET", b"DELETE", 1) + b"\r\n", 405, "method-not-allowed"),
    Wire("options", GET.replace(b"GET", b"OPTIONS", 1) + b"\r\n", 405, "method-not-allowed"),
    Wire("trace", GET.replace(b"GET", b"TRACE", 1) + b"\r\n", 405, "method-not-allowed"),
    Wire("of the description", GET.replace(b"GET", b"POST", 1).replace(b"system/info", b"docs") + b"\r\n", 405,
         "method-not-allowed"),
    Wire("options of everything", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "path-unknown"),
    Wire("nothing there", GET.replace(b"system/info", b"..%2f..%2fetc") + b"\r\n", 404, "path-unknown"),
    Wire("the API itself", GET.replace(b"/v1/system/info", b"") + b"\r\n", 404, "path-unknown"),
    Wire("no WebSocket", GET.replace(b"system/info", b"ws") + b"\r\n", 426, "upgrade-missing"),
    Wire("another WebSocket", GET.replace(b"system/info", b"ws").replace(b"close", b"Upgrade, close")
         + b"Upgrade: websocket\r\nSec-WebSocket-Version: 7\r\n\r\n", 426, "websocket-version"),
    Wire(
        "half a handshake",
        GET.replace(b"system/info", b"ws").replace(b"close", b"Upgrade, close") + b"Upgrade: websocket\r\n\r\n",
        400,
        "request-invalid",
    ),
]  # fmt: skip


async def answers(house: House, sent: bytes) -> bytes:
    """What comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def read(answer: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, json.loads(content)


@pytest.mark.parametrize("wire", TABLE, ids=lambda wire: wire.name)
async def test_every_refusal_is_a_problem(house: House, wire: Wire) -> None:
    status, headers, problem = read(await answers(house, wire.sent))
    assert (status, problem["status"], problem["code"]) == (wire.status, wire.status, wire.code)
    assert headers["content-type"].startswith("application/problem+json")
    assert headers["server"] == "plughub"
    assert headers["x-content-type-options"] == "nosniff"
    assert problem["detail"].endswith(".")
    if status == 426:
        assert (headers["upgrade"], headers["connection"]) == ("websocket", "Upgrade")
        assert headers["sec-websocket-version"] == "13"
    if status == 415:
        assert headers["accept-encoding"] == "gzip, deflate"
        assert "gzip, deflate" in problem["detail"]
    async with house.http.get("/api/v1/system/info") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (None, LOGIN),
        ("identity", LOGIN),
        ("gzip", gzip.compress(LOGIN)),
        ("deflate", zlib.compress(LOGIN)),
        ("deflate", zlib.compress(LOGIN)[2:-4]),
        ("GZip", gzip.compress(LOGIN)),
    ],
    ids=("plain", "identity", "gzip", "deflate", "bare deflate", "large letters"),
)
async def test_what_is_accepted_is_read(house: House, encoding: str | None, packed: bytes) -> None:
    headers = () if encoding is None else (b"Content-Encoding: " + encoding.encode(),)
    status, _, session = read(await answers(house, body(packed, *headers)))
    assert status == 200
    assert session["user"]["name"] == "admin"


async def test_a_body_that_waits_for_leave_gets_it(house: House) -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(LOGIN)
    answer = await answers(house, head + LOGIN)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_a_refusal_is_in_the_readers_language_where_the_head_was_read(house: House) -> None:
    wire = body(LOGIN, b"Content-Encoding: compress", b"Accept-Language: de")
    _, _, problem = read(await answers(house, wire))
    assert problem["detail"].startswith("Die Anfrage ist auf eine Art komprimiert")
