"""500 pages open at once on a home of a hundred live plugs: what they cost, how late they are, and that none is lost."""

import asyncio
import contextlib
import json
import socket
import sys
import time

import aiohttp
import uvloop

from benchmarks.processes import Load, cpu_seconds, pin, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from hub.testing.process import PASSWORD, HubProcess

CLIENTS = 500
EACH = 20
"""Connections of one person: the hub's limit."""
CONFIGURATION = "network:\n  mdns: false\nsecurity:\n  writes_per_minute: 1000000\n"
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
        order = {"url": hub.url, "port": hub.http_port, "token": hub.token, "tokens": tokens, "home": hub.home}
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


class Page:
    """One that keeps up; the first notes when it saw which counter."""

    def __init__(self) -> None:
        self.items = 0
        self.seen: list[tuple[str, int, int]] = []
        self.open = False

    async def show(self, session: aiohttp.ClientSession, order: dict[str, str], token: str, notes: bool) -> None:
        """Until cancelled."""
        async with session.ws_connect(f"{order['url']}/ws") as socket:
            await socket.send_json({"type": "auth", "token": token})
            await socket.send_json({"type": "subscribe", "rooms": [f"home:{order['home']}"]})
            async for message in socket:
                if not self.open:
                    self.open = '"subscribed"' in message.data
                elif message.data.startswith('{"type":"samples"'):
                    now = time.time_ns()
                    items = json.loads(message.data)["items"]
                    self.items += len(items)
                    if notes:
                        self.seen += [(item[DEVICE], item[COUNTER], now) for item in items]
        self.open = False


class SlowReader:
    """A client by hand that reads nothing until `finish`, through a small window."""

    def __init__(self, order: dict[str, str], token: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", int(order["port"])))
        head = "GET /api/v1/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        self._socket.sendall((head + key).encode())
        for message in ({"type": "auth", "token": token}, {"type": "subscribe", "rooms": [f"home:{order['home']}"]}):
            raw = json.dumps(message).encode()
            self._socket.sendall(b"\x81\xfe" + len(raw).to_bytes(2, "big") + b"\0\0\0\0" + raw)

    def finish(self) -> list[tuple[str, int]]:
        """(device, counter) of every sample that comes until nothing more does."""
        self._socket.settimeout(1.5)
        data = b""
        with contextlib.suppress(TimeoutError):
            while piece := self._socket.recv(65536):
                data += piece
        self._socket.close()
        data = data.partition(b"\r\n\r\n")[2]
        found: list[tuple[str, int]] = []
        while len(data) >= 10:
            size, begin = data[1], 2
            if size > 125:
                begin = 4 if size == 126 else 10
                size = int.from_bytes(data[2:begin], "big")
            frame, data = data[begin : begin + size], data[begin + size :]
            if frame.startswith(b'{"type":"samples"'):
                found += [(item[DEVICE], item[COUNTER]) for item in json.loads(frame)["items"]]
        return found


async def main() -> None:
    """All pages, until told."""
    order = json.loads(sys.stdin.readline())
    tokens = order["tokens"]
    pages = [Page() for _ in range(CLIENTS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = []
        for number, page in enumerate(pages):
            tasks.append(asyncio.create_task(page.show(session, order, tokens[number % len(tokens)], number % 50 == 0)))
            while not page.open and not tasks[-1].done():
                await asyncio.sleep(0.002)
        slow = SlowReader(order, order["token"])
        print(json.dumps({"open": sum(page.open for page in pages)}), flush=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.readline)
        report = {
            "open": sum(page.open for page in pages),
            "items": sum(page.items for page in pages),
            "seen": [each for page in pages for each in page.seen],
            "late": await loop.run_in_executor(None, slow.finish),
        }
        print(json.dumps(report), flush=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main())
