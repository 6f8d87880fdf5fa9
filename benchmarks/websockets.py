"""Pages open on a home of a hundred live plugs: what 500 of them cost and how late they are, and that who reads nothing
neither fills the hub's memory nor is left with old values."""

import asyncio
import json
import socket
import sys
import time
from typing import Any, cast

import uvloop

from benchmarks.processes import Load, cpu_seconds, pin, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from hub.testing.process import PASSWORD, HubProcess

CLIENTS = 500
EACH = 20
"""Connections of one person: the hub's limit."""
SLOW = 20
SLOW_S = 25
"""Not so long that the hub cuts off who answers no ping."""
RATE_OF_SLOW = 4000
"""Samples a second: meanwhile more than the kernel would hold for a reader that takes nothing."""
WAITING_KB = 512
"""Of one of them, in the hub and the kernel together."""
CONFIGURATION = "network:\n  mdns: false\nsecurity:\n  writes_per_minute: 1000000\n"
PING = 9
SAMPLES = b'{"type":"samples"'
DEVICE, COUNTER = 0, 7  # places in an item of a frame


async def websockets(quick: bool) -> list[Row]:
    """The hub on one core; plugs and pages on the other."""
    hub = HubProcess(CONFIGURATION)
    try:
        plugs = await prepare(hub, 100)
        tokens = [await member(hub, k) for k in range(CLIENTS // EACH)]
        names = {d["id"]: d["hardware_id"] for d in (await hub.call("GET", "/devices"))["items"]}
        many = await run(hub, plugs, {"tokens": tokens, "pages": CLIENTS, "slow": 0}, 100, 5 if quick else 30)
        rows = rows_of_many(many, names)
        order = {"tokens": tokens[:2], "pages": 1, "slow": SLOW}
        slow = await run(hub, plugs, order, RATE_OF_SLOW, 10 if quick else SLOW_S)
        return rows + rows_of_slow(slow, names)
    finally:
        await hub.close()


async def run(
    hub: HubProcess, plugs: list[tuple[str, str]], order: dict[str, Any], rate: int, seconds: float
) -> dict[str, Any]:
    """What a process of pages saw while plugs sent at this rate, what they sent, and what the hub used for it."""
    pages = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.websockets",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 28,
    )
    pin(pages.pid, {1})
    assert pages.stdin is not None
    assert pages.stdout is not None
    pages.stdin.write(json.dumps({**order, "port": hub.http_port, "home": hub.home}).encode() + b"\n")
    await pages.stdout.readline()
    load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=rate, seconds=seconds, qos=0, trace=True)
    await load.connect()
    memory, before, begin = resident_mb(hub.pid), cpu_seconds(hub.pid), time.monotonic()
    report = await load.run()
    share = (cpu_seconds(hub.pid) - before) / (time.monotonic() - begin)
    grown = resident_mb(hub.pid) - memory
    await asyncio.sleep(3)
    pages.stdin.write(b"end\n")
    found = json.loads((await pages.communicate())[0])
    await load.end()
    return {**found, "sent": report["sent"], "sent_at": report["sent_at"], "share": share, "grown": grown}


def rows_of_many(seen: dict[str, Any], names: dict[str, str]) -> list[Row]:
    """500 pages that keep up."""
    sent: dict[str, int] = seen["sent_at"]
    arrived = [(f"{names[device]}/{counter}", at) for device, counter, at in seen["seen"]]
    delays = [(at - sent[sample]) / 1e6 for sample, at in arrived if sample in sent]
    reached = seen["items"] / (seen["sent"] * CLIENTS)
    return [
        row(f"{CLIENTS} pages, 100 samples/s: share of one core", seen["share"] * 100, "%", at_most=100),
        row(f"{CLIENTS} pages: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
        row(f"{CLIENTS} pages: publish to WebSocket, p99", percentile(delays, 0.99), "ms"),
        row(f"{CLIENTS} pages: still open at the end", seen["open"], "", at_least=CLIENTS),
        row("samples that reached the pages", reached * 100, "%", at_least=99),
    ]


def rows_of_slow(seen: dict[str, Any], names: dict[str, str]) -> list[Row]:
    """Those that read nothing while a page beside them read everything."""
    sent: dict[str, int] = seen["sent_at"]
    last = {sample.rpartition("/")[0]: at for sample, at in sent.items()}
    age, least, most = 0.0, seen["sent"], 0
    for late in seen["late"]:
        had = {names[device]: sent.get(f"{names[device]}/{counter}", 0) for device, counter in late["items"]}
        age = max(age, *((at - had.get(name, 0)) / 1e9 for name, at in last.items()))
        least, most = min(least, seen["sent"] - len(late["items"])), max(most, late["bytes"])
    what = f"{SLOW} that read nothing"
    return [
        row(f"{what}: the same as a page beside them got", seen["bytes"] / 1024, "KB"),
        row(f"{what}: most that waited for one, hub and kernel", most / 1024, "KB", at_most=WAITING_KB),
        row(f"{what}: growth of the hub meanwhile", seen["grown"], "MB"),
        row(f"{what}: still open", len(seen["late"]), "", at_least=SLOW),
        row(f"{what}: samples that they are spared", least / seen["sent"] * 100, "%"),
        row(f"{what}: age of what they have when they read", age, "s", at_most=0.1),
        row(f"{what}: samples that reached the page", seen["items"] / seen["sent"] * 100, "%", at_least=99),
    ]


async def member(hub: HubProcess, number: int) -> str:
    """A further person of the home; returns an access token."""
    email = f"member{number}@home.example"
    user = {"name": f"Member {number}", "email": email, "role": "admin", "password": PASSWORD}
    await hub.call("POST", "/users", user)
    session = await hub.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
    return str(session["access_token"])


class Page(asyncio.Protocol):
    """One that keeps up, by hand so that 500 of them take little of their core. Some note when they saw what."""

    def __init__(self, order: dict[str, Any], token: str, notes: bool) -> None:
        self.items = self.bytes = 0
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
        self.bytes += len(data)
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


def handshake(order: dict[str, Any], token: str) -> bytes:
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
    """A client by hand that reads nothing from its subscription until `finish`, through a window as small as can be."""

    def __init__(self, order: dict[str, Any], token: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes it its least
        self._socket.connect(("127.0.0.1", int(order["port"])))
        self._socket.settimeout(30)
        self._socket.sendall(handshake(order, token))
        data = b""
        while b'"subscribed"' not in data:
            data += self._socket.recv(4096)
        _, self._rest = split(data.partition(b"\r\n\r\n")[2])

    def finish(self) -> dict[str, Any] | None:
        """All that was kept for it, read until nothing more comes: "bytes", and (device, counter) of every sample as
        "items". None: it was cut off."""
        self._socket.settimeout(2)
        data, over = self._rest, False
        while not over:
            try:
                piece = self._socket.recv(65536)
            except TimeoutError:
                over = True
            except ConnectionError:
                return None
            else:
                if not piece:
                    return None
                data += piece
        self._socket.close()
        frames, _ = split(data)
        samples = [item for _, frame in frames if frame.startswith(SAMPLES) for item in json.loads(frame)["items"]]
        return {"bytes": len(data), "items": [(item[DEVICE], item[COUNTER]) for item in samples]}


async def main() -> None:
    """All pages, until told: {"port", "home", "tokens", "pages", "slow": how many of each}; the first person's
    connections are the slow ones."""
    order = json.loads(sys.stdin.readline())
    tokens, loop = order["tokens"], asyncio.get_running_loop()
    slow = [SlowReader(order, tokens[0]) for _ in range(order["slow"])]
    quick = tokens[1:] if slow else tokens
    pages = [Page(order, quick[number % len(quick)], number % 50 == 0) for number in range(order["pages"])]
    for page in pages:
        await loop.create_connection(lambda page=page: page, "127.0.0.1", order["port"])  # type: ignore[misc]
        await asyncio.wait_for(page.open, 30)
    print(json.dumps({"open": len(pages)}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    late = await asyncio.gather(*(loop.run_in_executor(None, reader.finish) for reader in slow))
    report = {
        "open": sum(not page.lost for page in pages),
        "items": sum(page.items for page in pages),
        "bytes": sum(page.bytes for page in pages),
        "seen": [each for page in pages for each in page.seen],
        "late": [found for found in late if found is not None],
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
