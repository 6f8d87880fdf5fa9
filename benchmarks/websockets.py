"""500 pages open at once on a home of a hundred live plugs: what they cost, how late they are, that none is lost."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from typing import cast

import uvloop

from benchmarks.processes import Load, cpu_seconds, pin, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from hub.testing.process import PASSWORD, HubProcess

CLIENTS = 500
EACH = 20
"""Connections of one person: the hub's limit."""
CONFIGURATION = "network:\n  mdns: false\nsecurity:\n  writes_per_minute: 1000000\n"
PING = 9
SAMPLES = b'{"type":"samples"'
DEVICE, COUNTER = 0, 7  # places in an item of a frame


async def websockets(quick: bool) -> list[Row]:
    """The hub on one core; plugs and pages on the other."""
    hub = HubProcess(CONFIGURATION)
    seconds = 5 if quick else 30
    try:
        plugs = await prepare(hub, 100)
        tokens = [await member(hub, k) for k in range(CLIENTS // EACH)]
        pages = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.websockets", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        pin(pages.pid, {1})
        assert pages.stdin is not None
        assert pages.stdout is not None
        order = {"port": hub.http_port, "token": hub.token, "tokens": tokens, "home": hub.home}
        pages.stdin.write(json.dumps(order).encode() + b"\n")
        await pages.stdout.readline()
        load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=100, seconds=seconds, qos=0, trace=True)
        await load.connect()
        before, begin = cpu_seconds(hub.pid), time.monotonic()
        report = await load.run()
        share = (cpu_seconds(hub.pid) - before) / (time.monotonic() - begin)
        memory = resident_mb(hub.pid)
        await asyncio.sleep(3)
        pages.stdin.write(b"end\n")
        found = json.loads((await pages.communicate())[0])
        await load.end()
        sent: dict[str, int] = report["sent_at"]
        names = {d["id"]: d["hardware_id"] for d in (await hub.call("GET", "/devices"))["items"]}
        seen = [(f"{names[device]}/{counter}", at) for device, counter, at in found["seen"]]
        delays = [(at - sent[sample]) / 1e6 for sample, at in seen if sample in sent]
        late = [f"{names[device]}/{counter}" for device, counter in found["late"]]
        newest = {sample.rpartition("/")[0]: sent.get(sample, 0) for sample in late}
        last = {sample.rpartition("/")[0]: at for sample, at in sent.items()}
        age = max((last[name] - newest.get(name, 0)) / 1e9 for name in last)
        return [
            row(f"{CLIENTS} pages, 100 samples/s: share of one core", share * 100, "%", at_most=100),
            row(f"{CLIENTS} pages: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
            row(f"{CLIENTS} pages: publish to WebSocket, p99", percentile(delays, 0.99), "ms"),
            row(f"{CLIENTS} pages: still open at the end", found["open"], "", at_least=CLIENTS),
            row("samples that reached the pages", found["items"] / (report["sent"] * CLIENTS) * 100, "%", at_least=99),
            row("who reads nothing until the end: age of what it has then", age, "s", at_most=2),
            row("who reads nothing until the end: samples it is spared", report["sent"] - len(late), ""),
            row("resident", memory, "MB"),
        ]
    finally:
        await hub.close()


async def member(hub: HubProcess, number: int) -> str:
    """A further person of the home; returns an access token."""
    email = f"member{number}@home.example"
    user = {"name": f"Member {number}", "email": email, "role": "admin", "password": PASSWORD}
    await hub.call("POST", "/users", user)
    session = await hub.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
    return str(session["access_token"])


class Page(asyncio.Protocol):
    """One that keeps up, by hand so that 500 of them take little of their core. Some note when they saw what."""

    def __init__(self, order: dict[str, str], token: str, notes: bool) -> None:
        self.items = 0
        self.seen: list[tuple[str, int, int]] = []
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._notes = notes
        self._data = b""
        self._hello = handshake(order, token)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(self._hello)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._data.startswith(b"HTTP/"):
            _, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            self._data = rest
        now = time.time_ns()
        frames, self._data = split(self._data)
        for kind, frame in frames:
            if kind == PING:
                self._transport.write(bytes([0x8A, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
            elif frame.startswith(SAMPLES):
                self.items += frame.count(b'["')
                if self._notes:
                    self.seen += [(item[DEVICE], item[COUNTER], now) for item in json.loads(frame)["items"]]
            elif b'"subscribed"' in frame and not self.open.done():
                self.open.set_result(None)


def handshake(order: dict[str, str], token: str) -> bytes:
    """Everything that a page says: hello, who it is, what it wants to see."""
    head = "GET /api/v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    said = f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    for message in ({"type": "auth", "token": token}, {"type": "subscribe", "rooms": [f"home:{order['home']}"]}):
        raw = json.dumps(message).encode()
        said += b"\x81\xfe" + len(raw).to_bytes(2, "big") + b"\0\0\0\0" + raw
    return said


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames of a server, each with its kind, and what is left."""
    found: list[tuple[int, bytes]] = []
    place = 0
    while len(data) - place >= 2:
        size, begin = data[place + 1], place + 2
        if size > 125:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(data[place + 2 : begin], "big")
        if len(data) < begin + size or len(data) < begin:
            break
        found.append((data[place] & 0xF, data[begin : begin + size]))
        place = begin + size
    return found, data[place:]


class SlowReader:
    """A client by hand that reads nothing until `finish`, through a small window."""

    def __init__(self, order: dict[str, str], token: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", int(order["port"])))
        self._socket.sendall(handshake(order, token))

    def finish(self) -> list[tuple[str, int]]:
        """(device, counter) of every sample that comes until nothing more does."""
        self._socket.settimeout(1.5)
        data = b""
        with contextlib.suppress(TimeoutError):
            while piece := self._socket.recv(65536):
                data += piece
        self._socket.close()
        frames, _ = split(data.partition(b"\r\n\r\n")[2])
        samples = [item for _, frame in frames if frame.startswith(SAMPLES) for item in json.loads(frame)["items"]]
        return [(item[DEVICE], item[COUNTER]) for item in samples]


async def main() -> None:
    """All pages, until told."""
    order = json.loads(sys.stdin.readline())
    tokens, loop = order["tokens"], asyncio.get_running_loop()
    pages = [Page(order, tokens[number % len(tokens)], number % 50 == 0) for number in range(CLIENTS)]
    for page in pages:
        await loop.create_connection(lambda page=page: page, "127.0.0.1", order["port"])  # type: ignore[misc]
        await asyncio.wait_for(page.open, 30)
    slow = SlowReader(order, order["token"])
    print(json.dumps({"open": len(pages)}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    report = {
        "open": sum(not page.lost for page in pages),
        "items": sum(page.items for page in pages),
        "seen": [each for page in pages for each in page.seen],
        "late": await loop.run_in_executor(None, slow.finish),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
