"""A small raw MQTT 3.1.1 client for tests, with its own encoding: what it sends is what the test says."""

import asyncio
import contextlib
from types import TracebackType
from typing import NamedTuple, Self

PATIENCE = 10.0


class Packet(NamedTuple):
    """A packet from the broker."""

    head: int
    body: bytes

    @property
    def kind(self) -> int:
        return self.head >> 4


class Message(NamedTuple):
    """A PUBLISH from the broker; packet_id 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    packet_id: int


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2, "big") + data


def packet(head: int, body: bytes) -> bytes:
    length, size = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | (128 if length else 0)])
        if not length:
            return bytes([head]) + size + body


def connect(
    client_id: str | bytes,
    username: str | None = None,
    password: str | bytes | None = None,
    *,
    clean: bool = True,
    keepalive: int = 0,
    will: tuple[str, bytes, int, bool] | None = None,
    level: int = 4,
    name: str = "MQTT",
) -> bytes:
    """will = topic, payload, QoS, retain."""
    flags = 2 * clean
    fields = text(client_id)
    if will is not None:
        flags |= 4 | will[2] << 3 | will[3] << 5
        fields += text(will[0]) + text(will[1])
    if username is not None:
        flags |= 128
        fields += text(username)
    if password is not None:
        flags |= 64
        fields += text(password)
    return packet(0x10, text(name) + bytes([level, flags]) + keepalive.to_bytes(2, "big") + fields)


def publish(
    topic: str | bytes,
    payload: bytes = b"",
    qos: int = 0,
    packet_id: int = 1,
    *,
    retain: bool = False,
    dup: bool = False,
) -> bytes:
    middle = packet_id.to_bytes(2, "big") if qos else b""
    return packet(0x30 | dup << 3 | qos << 1 | retain, text(topic) + middle + payload)


def subscribe(*filters: tuple[str | bytes, int], packet_id: int = 1) -> bytes:
    return packet(0x82, packet_id.to_bytes(2, "big") + b"".join(text(name) + bytes([qos]) for name, qos in filters))


def unsubscribe(*filters: str, packet_id: int = 1) -> bytes:
    return packet(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(text, filters)))


def acknowledge(kind: int, packet_id: int) -> bytes:
    """kind 4 PUBACK, 5 PUBREC, 6 PUBREL, 7 PUBCOMP."""
    return bytes([kind << 4 | (2 if kind == 6 else 0), 2]) + packet_id.to_bytes(2, "big")


PING, DISCONNECT = b"\xc0\0", b"\xe0\0"


class Client:
    """One connection. Waits are bounded by PATIENCE, which is only reached when a test fails."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.messages: list[Message] = []  # those that came while something else was expected
        self._packet_id = 0

    @classmethod
    async def open(cls, port: int, host: str = "127.0.0.1") -> Self:
        """A TCP connection, nothing sent."""
        return cls(*await asyncio.open_connection(host, port))

    @classmethod
    async def connect(
        cls,
        port: int,
        client_id: str,
        username: str | None = None,
        password: str | bytes | None = None,
        **options: object,
    ) -> Self:
        """Logged in; AssertionError when refused."""
        client = await cls.open(port)
        await client.log_in(client_id, username, password, **options)
        return client

    session_present = False

    async def log_in(
        self,
        client_id: str,
        username: str | None = None,
        password: str | bytes | None = None,
        **options: object,
    ) -> None:
        """AssertionError when refused."""
        self.send(connect(client_id, username, password, **options))  # type: ignore[arg-type]
        answer = await self.read()
        assert answer.head == 0x20, answer
        assert answer.body[1] == 0, f"refused with {answer.body[1]}"
        self.session_present = bool(answer.body[0])

    def send(self, data: bytes) -> None:
        """Write (the broker may have closed already)."""
        with contextlib.suppress(RuntimeError):  # uvloop's word for it
            self.writer.write(data)

    async def read(self) -> Packet:
        """The next packet, whatever it is; EOFError when the connection is closed."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = (await self.reader.readexactly(1))[0]
                length = shift = 0
                while True:
                    digit = (await self.reader.readexactly(1))[0]
                    length |= (digit & 127) << shift
                    shift += 7
                    if digit < 128:
                        break
                return Packet(head, await self.reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError from error

    async def expect(self, kind: int) -> Packet:
        """The next packet of that kind; messages that come before it are kept in `messages`."""
        while True:
            answer = await self.read()
            if answer.kind == kind:
                return answer
            assert answer.kind == 3, f"expected {kind}, got {answer}"
            self.messages.append(self.decode(answer))

    async def publish(self, topic: str, payload: bytes = b"", qos: int = 0, *, retain: bool = False) -> None:
        """Publish with QoS 0, or with QoS 1 and wait for the PUBACK."""
        self._packet_id = self._packet_id % 65535 + 1
        self.send(publish(topic, payload, qos, self._packet_id, retain=retain))
        if qos:
            answer = await self.expect(4)
            assert answer.body == self._packet_id.to_bytes(2, "big"), answer

    async def subscribe(self, *filters: tuple[str, int]) -> list[int]:
        """The codes of SUBACK."""
        self._packet_id = self._packet_id % 65535 + 1
        self.send(subscribe(*filters, packet_id=self._packet_id))
        answer = await self.expect(9)
        assert answer.body[:2] == self._packet_id.to_bytes(2, "big"), answer
        return list(answer.body[2:])

    async def message(self) -> Message:
        """The next message; QoS 1 is acknowledged."""
        message = self.messages.pop(0) if self.messages else self.decode(await self.expect_publish())
        if message.qos == 1:
            self.send(acknowledge(4, message.packet_id))
        return message

    async def expect_publish(self) -> Packet:
        answer = await self.read()
        assert answer.kind == 3, answer
        return answer

    async def ping(self) -> None:
        """Everything that was sent before has been handled when this returns."""
        self.send(PING)
        await self.expect(13)

    async def nothing(self) -> None:
        """No message has come (the PINGRESP overtakes none)."""
        await self.ping()
        assert not self.messages, self.messages

    async def closed(self) -> bytes:
        """What the broker still sends until it closes the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""

    async def disconnect(self) -> None:
        """Say goodbye and wait until the broker closes."""
        self.send(DISCONNECT)
        await self.closed()
        await self.close()

    async def close(self) -> None:
        """Close without a word."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def end_of_stream(self) -> None:
        """Send nothing more (the broker may have closed already)."""
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.write_eof()

    def abort(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @staticmethod
    def decode(answer: Packet) -> Message:
        size = int.from_bytes(answer.body[:2], "big") + 2
        qos = answer.head >> 1 & 3
        end = size + 2 * bool(qos)
        return Message(
            answer.body[2:size].decode(),
            answer.body[end:],
            qos,
            bool(answer.head & 1),
            bool(answer.head & 8),
            int.from_bytes(answer.body[size:end], "big"),
        )
