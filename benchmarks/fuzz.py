"""A real hub under broken packets, payloads, requests and frames, while one plug and one page live on beside them.

`python -m benchmarks.fuzz [PACKETS [SEED]]` prints what it did; `fuzz` is for the other benchmarks."""

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.mqtt import Plug, packet, text
from benchmarks.mutations import Mutations, seeds
from benchmarks.processes import resident_mb
from benchmarks.watcher import Watcher
from hub.broker.packets import DISCONNECT, MalformedPacket, check, frame
from hub.frames import BINARY, TEXT, encode_frame
from hub.testing.process import HubProcess

Row = dict[str, object]
WORKERS = 24  # a connection spends most of its life waiting for the hub's next turn
STOP_S = 300.0
LIMIT = 256 * 1024
PATIENCE = 5.0
# Share of what is thrown: as a plug, as another client, before a login, payloads, HTTP, the web app's WebSocket, and
# MQTT over WebSocket, TLS handshakes.
SHARES = {"plug": 29, "client": 20, "first": 12, "payload": 30, "http": 3, "websocket": 3, "carried": 2, "tls": 1}
SUFFIXES = ("telemetry", "telemetry", "telemetry/batch", "status", "telemetry/minutes")
CLIENT = "fuzz-client"
HELLO = (
    b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%b\r\n"
)


class Fuzzer:
    """Throws what `Mutations` draws at a hub, and counts it by kind."""

    def __init__(self, hub: HubProcess, mutations: Mutations, plugs: list[tuple[str, str]], secret: str) -> None:
        self.hub, self.draw, self.plugs, self.secret = hub, mutations, plugs, secret
        self.thrown: Counter[str] = Counter()
        self.hung = 0  # connections that were neither answered nor closed in time
        self.refused = 0  # logins that should have been accepted
        self._host = 0

    async def work(self, name: tuple[str, str], packets: int) -> None:
        """Until so many have been thrown by all workers."""
        kinds, weights = list(SHARES), list(SHARES.values())
        while self.thrown.total() < packets:
            # Connections carry many packets or one: draw by what has been thrown, so that the shares hold.
            kind = min(zip(kinds, weights, strict=True), key=lambda pair: self.thrown[pair[0]] / pair[1])[0]
            await getattr(self, "_" + kind)(name)

    async def _plug(self, name: tuple[str, str]) -> None:
        await self._stream("plug", self._login(*name), seeds(*name))

    async def _client(self, name: tuple[str, str]) -> None:
        self._host += 1
        login = self._login(CLIENT, self.secret, f"c{self._host % 300}", clean=self._host % 3 == 0)
        await self._stream("client", login, seeds(*name))

    async def _stream(self, kind: str, login: bytes, good: list[bytes]) -> None:
        """Packets up to the first that ends the connection: what comes after it would not be looked at."""
        thrown = []
        for _ in range(40):
            thrown.append(self.draw.mqtt(good))
            if self._ends(thrown[-1]):
                break
        self.thrown[kind] += len(thrown)
        await self._send(login, b"".join(thrown))

    async def _first(self, name: tuple[str, str]) -> None:
        self.thrown["first"] += 1
        self._host += 1
        # Every wrong login counts for its host: from many of them, so that few are turned away unread.
        host = f"127.{self._host % 251 + 1}.{self._host // 251 % 251}.{self._host % 7 + 1}"
        await self._send(b"", self.draw.mqtt(seeds(*name)[:2]), host)

    async def _payload(self, name: tuple[str, str]) -> None:
        data = []
        for number in range(1, 51):
            suffix = self.draw.random.choice(SUFFIXES)
            topic = text(f"smartplug/{name[0]}/{suffix}".encode())
            qos = self.draw.random.randrange(2)
            data.append(packet(0x30 | qos << 1, topic + number.to_bytes(2, "big") * qos + self.draw.json(suffix)))
        self.thrown["payload"] += len(data)
        await self._send(self._login(*name), b"".join(data))

    async def _http(self, name: tuple[str, str]) -> None:
        self.thrown["http"] += 1
        await self._exchange(self.hub.http_port, b"", self.draw.http())

    async def _websocket(self, name: tuple[str, str]) -> None:
        frames = [self.draw.frame() for _ in range(self.draw.random.choice((1, 3, 10)))]
        self.thrown["websocket"] += len(frames)
        if self.draw.random.random() < 0.5:
            frames.insert(0, masked(TEXT, json.dumps({"type": "auth", "token": self.hub.token}).encode()))
        await self._exchange(self.hub.http_port, HELLO % (b"/api/v1/ws", b""), b"".join(frames))

    async def _carried(self, name: tuple[str, str]) -> None:
        """MQTT over WebSocket: frames and packets are both broken, each on its own."""
        good = seeds(*name)
        frames = [self.draw.frame(self.draw.mqtt(good)) for _ in range(self.draw.random.choice((1, 3, 10)))]
        self.thrown["carried"] += len(frames)
        if self.draw.random.random() < 0.8:
            frames.insert(0, masked(BINARY, self._login(*name)))
        hello = HELLO % (b"/mqtt", b"Sec-WebSocket-Protocol: mqtt\r\n")
        await self._exchange(self.hub.http_port, hello, b"".join(frames))

    async def _tls(self, name: tuple[str, str]) -> None:
        """Broken first messages, on the ports of MQTT and of the web."""
        self.thrown["tls"] += 1
        port = self.draw.random.choice((self.hub.mqtts_port, self.hub.https_port))
        await self._exchange(port, b"", self.draw.damaged(client_hello()))

    async def _send(self, login: bytes, data: bytes, host: str = "127.0.0.1") -> None:
        await self._exchange(self.hub.mqtt_port, login, data, host)

    async def _exchange(self, port: int, login: bytes, data: bytes, host: str = "127.0.0.1") -> None:
        """Connect, log in, send, say that no more will come, and take what is answered until the hub closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(login)
                if login:
                    answer = await reader.read(4)
                    if login[0] == 0x10 and answer[3:] != b"\0":
                        self.refused += 1
                writer.write(data)
                if writer.can_write_eof():
                    writer.write_eof()
                while await reader.read(65_536):
                    pass
        except TimeoutError:
            self.hung += 1
        except OSError:
            pass  # closed before all was sent: what a broken packet deserves
        finally:
            writer.transport.abort()

    def _login(self, name: str, secret: str, client_id: str = "", *, clean: bool = True) -> bytes:
        flags = 0xC0 | 2 * clean
        fields = text((client_id or name).encode()) + text(name.encode()) + text(secret.encode())
        return packet(0x10, text(b"MQTT") + bytes([4, flags, 0, 60]) + fields)

    @staticmethod
    def _ends(data: bytes) -> bool:
        """Does it end the connection, or leave it in the middle of a packet?"""
        try:
            at = 0
            while at < len(data):
                place = frame(data, at, LIMIT)
                if place is None or place[1] > len(data):
                    return True
                if check(data[at], data[place[0] : place[1]]) == DISCONNECT:
                    return True
                at = place[1]
        except MalformedPacket:
            return True
        return False


def client_hello() -> bytes:
    """The first message of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody: the answer is not read
        context.wrap_bio(incoming, outgoing, server_hostname="plughub.local").do_handshake()
    return outgoing.read()


def masked(kind: int, message: bytes) -> bytes:
    """A frame of a client, with a mask of zeros."""
    data = encode_frame(kind, message)
    head = len(data) - len(message)
    return data[:1] + bytes([data[1] | 0x80]) + data[2:head] + bytes(4) + message


async def live_on(plug: Plug, sent: list[str], over: asyncio.Event) -> None:
    """One sample a second."""
    while not over.is_set():
        plug.publish()
        sent.append(f"{plug.hardware_id}/{plug.energy}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 1)


async def settle(hub: HubProcess, sockets: int) -> int:
    """Wait until no more than so many files are open, for ten seconds at most; how many there are."""
    end = time.monotonic() + 10
    while (count := files(hub)) > sockets and time.monotonic() < end:
        await asyncio.sleep(0.1)
    return count


def files(hub: HubProcess) -> int:
    """Open files and sockets of the hub."""
    return len(list(Path(f"/proc/{hub.pid}/fd").iterdir()))


def tracebacks(log: str) -> list[str]:
    """Those of the log, with the line before and the error after them; of the same error the first only."""
    found: dict[str, str] = {}
    lines = log.splitlines()
    for start, line in enumerate(lines):
        if line.startswith("Traceback"):
            end = next(
                k for k in range(start + 1, len(lines) + 1) if k == len(lines) or lines[k][:1] not in (" ", "\t")
            )
            found.setdefault("".join(lines[end : end + 1]), "\n".join(lines[max(start - 1, 0) : end + 1]))
    return list(found.values())


async def fuzz(packets: int, seed: int) -> list[Row]:
    """Throw so many; rows of {"name", "value", "unit"}. Nothing but the counters and the memory may be above zero.

    RuntimeError with the hub's last words when it dies."""
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        devices = {}
        for name in ("fuzz-live", *(f"fuzz-{k}" for k in range(WORKERS))):
            id, secret = await hub.add_plug(name)
            devices[name] = id, secret
        answer = await hub.call("POST", "/mqtt-clients", {"name": CLIENT, "read": ["#"], "write": ["#"]})
        plugs = [(name, secret) for name, (_, secret) in devices.items()]
        fuzzer = Fuzzer(hub, Mutations(seed), plugs[1:], answer["secret"])

        watcher = Watcher(hub)
        watching = asyncio.create_task(watcher.watch({devices["fuzz-live"][0]: "fuzz-live"}))
        await watcher.ready()
        loop = asyncio.get_running_loop()
        run = os.urandom(8).hex()
        _, plug = await loop.create_connection(lambda: Plug(*plugs[0], 0, run), "127.0.0.1", hub.mqtt_port)
        await asyncio.wait_for(plug.ready, 10)
        sent: list[str] = []
        over = asyncio.Event()
        living = asyncio.create_task(live_on(plug, sent, over))

        async def throw(count: int) -> None:
            await asyncio.gather(*(fuzzer.work(name, count) for name in plugs[1:]))
            if not hub.running:
                raise RuntimeError(f"the hub died:\n{hub.output()[-3000:]}")

        begin = time.monotonic()
        await throw(packets // 5)  # until then caches and pools fill
        await asyncio.sleep(2)
        open_before, memory_before = files(hub), resident_mb(hub.pid)
        middle = []
        for part in range(2, 6):
            await throw(packets * part // 5)
            middle.append(resident_mb(hub.pid))
        took = time.monotonic() - begin
        over.set()
        await living
        await asyncio.sleep(2)
        open_after = await settle(hub, open_before)
        connected = not plug.transport.is_closing()
        missed = [key for key in sent if key not in watcher.seen]
        health = await hub.call("GET", "/system/info")
        watched = not watching.done()
        watching.cancel()
        await asyncio.wait([watching])
        plug.transport.close()
        memory = resident_mb(hub.pid)
        begun = time.monotonic()
        code = await hub.stop(within=STOP_S)
        stopped = time.monotonic() - begun
        log = hub.output()
        rows: list[Row] = [
            {"name": f"fuzz: {kind}", "value": count, "unit": "thrown"} for kind, count in fuzzer.thrown.items()
        ]
        rows += [
            {"name": "fuzz: in all", "value": fuzzer.thrown.total(), "unit": "thrown"},
            {"name": "fuzz: a second", "value": fuzzer.thrown.total() / took, "unit": "1/s"},
            {"name": "fuzz: hub answers at the end", "value": int(bool(health)), "unit": "yes=1"},
            {"name": "fuzz: exit code at the end", "value": code, "unit": ""},
            {"name": "fuzz: seconds until it has stopped", "value": stopped, "unit": "s"},
            {"name": "fuzz: tracebacks in the log", "value": log.count("Traceback"), "unit": ""},
            {"name": "fuzz: log", "value": len(log) / 1024, "unit": "KiB"},
            {"name": "fuzz: connections left hanging", "value": fuzzer.hung, "unit": ""},
            {"name": "fuzz: right logins refused", "value": fuzzer.refused, "unit": ""},
            {"name": "fuzz: open files more than before", "value": open_after - open_before, "unit": ""},
            {"name": "fuzz: memory after a fifth", "value": memory_before, "unit": "MB"},
            *({"name": f"fuzz: memory after {k}/5", "value": mb, "unit": "MB"} for k, mb in enumerate(middle, 2)),
            {"name": "fuzz: memory growth since a fifth", "value": memory - memory_before, "unit": "MB"},
            {"name": "fuzz: live plug disconnected", "value": int(not connected), "unit": ""},
            {"name": "fuzz: live page disconnected", "value": int(not watched), "unit": ""},
            {"name": "fuzz: live samples sent", "value": len(sent), "unit": ""},
            {"name": "fuzz: live samples missed", "value": len(missed), "unit": ""},
        ]
        for trace in tracebacks(log):
            print(trace, file=sys.stderr)
        return rows
    finally:
        await hub.close()


async def main() -> None:
    """Run from the command line."""
    given = [int(argument) for argument in sys.argv[1:]]
    packets, seed = given + [20_000, 1][len(given) :]
    for row in await fuzz(packets, seed):
        print(f"  {row['name']!s:44} {row['value']!s:>12} {row['unit']}")


if __name__ == "__main__":
    asyncio.run(main())
