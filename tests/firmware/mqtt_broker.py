"""A small MQTT 3.1.1 broker for tests: it shows what a plug sends, and misbehaves when it is told to."""

import asyncio
import contextlib
from dataclasses import dataclass


@dataclass
class Hello:
    """What a CONNECT said."""

    client_id: str
    user: str
    password: str
    keepalive: int
    flags: int
    will_topic: str
    will: bytes


@dataclass
class Message:
    """What a client published."""

    topic: str
    payload: bytes
    qos: int
    retained: bool


@dataclass
class Faults:
    """What the broker does wrong."""

    refuse: int = 0  # CONNACK code
    silent: bool = False  # never answers CONNECT
    withhold_pubacks: bool = False
    drip: bool = False  # sends byte by byte
    answer_pings: bool = True


class Connection:
    """One client."""

    def __init__(self, broker: "Broker", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._broker = broker
        self._reader = reader
        self._writer = writer
        self.hello: Hello | None = None
        self.subscriptions: list[tuple[str, int]] = []
        self.pubacks: list[int] = []
        self.pings = 0
        self.clean = False  # ended with DISCONNECT
        self._next_id = 0
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        while True:
            first = (await self._reader.readexactly(1))[0]
            length, shift = 0, 0
            while True:
                digit = (await self._reader.readexactly(1))[0]
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    break
            body = await self._reader.readexactly(length)
            kind = first >> 4
            if kind == 1:
                self.hello = _hello(body)
                if self._broker.faults.silent:
                    continue
                await self.send(bytes((0x20, 2, 0, self._broker.faults.refuse)))
                if self._broker.faults.refuse:
                    return
                self._broker.arrived(self)
            elif kind == 3:
                qos = first >> 1 & 3
                topic, rest = _text(body)
                if qos:
                    packet_id, rest = rest[:2], rest[2:]
                self._broker.published(self, Message(topic, rest, qos, bool(first & 1)))
                if qos and not self._broker.faults.withhold_pubacks:
                    await self.send(b"\x40\x02" + packet_id)
            elif kind == 4:
                self.pubacks.append(int.from_bytes(body, "big"))
            elif kind == 8:
                rest = body[2:]
                while rest:
                    topic, rest = _text(rest)
                    self.subscriptions.append((topic, rest[0]))
                    rest = rest[1:]
                await self.send(bytes((0x90, 2 + len(self.subscriptions))) + body[:2] + bytes(len(self.subscriptions)))
                self._broker.subscribed(self)
            elif kind == 12:
                self.pings += 1
                if self._broker.faults.answer_pings:
                    await self.send(b"\xd0\x00")
            elif kind == 14:
                self.clean = True
                return
            else:
                raise AssertionError(f"packet type {kind}")

    async def send(self, data: bytes) -> None:
        step = 1 if self._broker.faults.drip else len(data)
        async with self._sending:
            for i in range(0, len(data), step):
                self._writer.write(data[i : i + step])
                await self._writer.drain()
                await asyncio.sleep(0)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retained: bool = False) -> None:
        """To this client."""
        name = topic.encode()
        self._next_id += 1
        body = len(name).to_bytes(2, "big") + name + (self._next_id.to_bytes(2, "big") if qos else b"") + payload
        head = bytearray((0x30 | qos << 1 | retained,))
        length = len(body)
        while True:
            length, digit = divmod(length, 128)
            head.append(digit | (0x80 if length else 0))
            if not length:
                break
        await self.send(bytes(head) + body)

    def abort(self) -> None:
        self._writer.transport.abort()


class Broker:
    """Listens on a free port. `messages` is everything published, `on_message` is called with each."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.messages: list[Message] = []
        self.connections: list[Connection] = []
        self.port = 0
        self.connects = 0
        self.on_message = lambda connection, message: None
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As when it is killed; start() listens on the same port again."""
        assert self._server is not None
        self._server.close()
        for connection in self.connections:
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connects += 1
        connection = Connection(self, reader, writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await connection.serve()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()
            self._tasks.discard(task)
            await self._notify()

    def arrived(self, connection: Connection) -> None:
        self.connections.append(connection)
        self._wake()

    def subscribed(self, connection: Connection) -> None:
        self._wake()

    def published(self, connection: Connection, message: Message) -> None:
        self.messages.append(message)
        self.on_message(connection, message)
        self._wake()

    def _wake(self) -> None:
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition, seconds: float = 30.0):
        """Wait until condition() is true and return what it gave; fails after `seconds`."""
        async with asyncio.timeout(seconds), self._changed:
            while not (value := condition()):
                await self._changed.wait()
            return value

    def on(self, suffix: str) -> list[Message]:
        """Messages whose topic ends in /suffix."""
        return [message for message in self.messages if message.topic.endswith("/" + suffix)]


def _text(data: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(data[:2], "big")
    return data[2:end].decode(), data[end:]


def _hello(body: bytes) -> Hello:
    assert body[:7] == b"\x00\x04MQTT\x04", body
    flags, keepalive = body[7], int.from_bytes(body[8:10], "big")
    client_id, rest = _text(body[10:])
    will_topic, rest = _text(rest)
    end = 2 + int.from_bytes(rest[:2], "big")
    will, rest = rest[2:end], rest[end:]
    user, rest = _text(rest)
    password, rest = _text(rest)
    assert not rest
    return Hello(client_id, user, password, keepalive, flags, will_topic, will)
