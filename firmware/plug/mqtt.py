"""MQTT 3.1.1 client for one connection: login, will, QoS 0 and 1 with PUBACK, ping. Who wants another connects anew."""

import asyncio

from . import packet
from .tasks import cancel, sleep_ms, wait_ms

_LONGEST = 4096  # bytes of an incoming message; a longer one is read and dropped


class Refused(Exception):
    """The broker refused the login; args[0] is CONNACK's code (4 and 5: wrong secret)."""


class Client:
    """One connection. After `closed` is set nothing works any more; `close` ends it in any case."""

    def __init__(self, login: tuple, will: tuple, settings, uptime, on_message, log) -> None:  # noqa: PLR0917
        """login = (client id, user, password); will = (topic, payload), retained, or (None, b"");
        on_message(topic: bytes, payload: bytes, retained: bool) is called synchronously."""
        self._login = login
        self._will = will
        self._uptime = uptime
        self._on_message = on_message
        self._log = log
        self._keepalive_s = settings.keepalive_s
        self._answer_ms = settings.answer_ms  # for CONNACK, SUBACK and PUBACK
        self.longest = _LONGEST
        self.closed = asyncio.Event()
        self._reader = None
        self._writer = None
        self._writing = asyncio.Lock()  # a packet goes out whole
        self._tasks = []
        self._waiting = {}  # packet id -> (event of its PUBACK or SUBACK, since when)
        self._last_id = 0
        self._heard = 0

    async def connect(self, host: str, port: int, tls=None) -> None:
        """Open the connection and log in. Raises OSError, EOFError or Refused."""
        options = {"ssl": tls} if tls else {}
        try:
            self._reader, self._writer = await wait_ms(asyncio.open_connection(host, port, **options), self._answer_ms)
            client_id, user, password = self._login
            await self._write(packet.connect(client_id, user, password, self._keepalive_s, *self._will))
            answer = await wait_ms(self._reader.readexactly(4), self._answer_ms)
        except asyncio.TimeoutError:
            raise OSError("the broker does not answer")
        if answer[0] >> 4 != packet.CONNACK or answer[1] != 2:
            raise OSError("this is not an MQTT broker")
        if answer[3]:
            raise Refused(answer[3])
        self._heard = self._uptime.ms()
        self._tasks = [asyncio.create_task(self._guard(self._read)), asyncio.create_task(self._guard(self._ping))]

    async def subscribe(self, topics: list) -> None:
        """`topics` holds (filter, QoS); returns after SUBACK."""
        packet_id = self._next_id()
        await self._exchange(packet_id, packet.subscribe(packet_id, topics))

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """With QoS 1 returns after PUBACK. Raises OSError when the connection is lost before."""
        if qos:
            packet_id = self._next_id()
            await self._exchange(packet_id, packet.publish(topic, payload, packet_id, retain))
        else:
            await self._write(packet.publish(topic, payload, 0, retain))

    async def close(self, clean: bool = True) -> None:
        """Let go of everything; a clean end says so, so that the broker sends no will."""
        self._fail()
        await cancel(self._tasks)
        self._tasks = []
        writer = self._writer
        if writer is None:
            return
        self._writer = None
        try:
            if clean and not self._writing.locked():
                writer.write(packet.DISCONNECT)
                await wait_ms(writer.drain(), 1000)
        except (OSError, asyncio.TimeoutError):
            pass  # it is closed next in any case
        transport = getattr(writer, "transport", None)
        if transport is not None and not clean:
            transport.abort()  # CPython only: do not wait for what was not read
        try:
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass  # the other end was faster

    def _fail(self) -> None:
        self.closed.set()
        for event, _ in self._waiting.values():
            event.set()

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if self._last_id not in self._waiting:
                return self._last_id

    async def _exchange(self, packet_id: int, data: bytes) -> None:
        answered = asyncio.Event()
        self._waiting[packet_id] = (answered, self._uptime.ms())
        try:
            await self._write(data)
            # No wait_for around it: MicroPython's loses a cancellation that comes together with the answer. The ping
            # task looks for answers that are overdue.
            await answered.wait()
            if packet_id in self._waiting:  # an answer takes it out; a lost connection only wakes us
                raise OSError("connection lost")
        finally:
            self._waiting.pop(packet_id, None)

    async def _write(self, data: bytes) -> None:
        async with self._writing:
            if self.closed.is_set() or self._writer is None:
                raise OSError("connection lost")
            self._writer.write(data)
            await self._writer.drain()

    async def _guard(self, work) -> None:
        try:
            await work()
        except (OSError, EOFError) as error:
            self._log("connection ended: %r" % error)
        except Exception as error:
            self._log("connection failed: %r" % error)
        self._fail()

    async def _ping(self) -> None:
        half = self._keepalive_s * 500
        while True:
            await sleep_ms(half)
            now = self._uptime.ms()
            if now - self._heard > 3 * half:
                raise OSError("the broker is silent")
            for _, since in self._waiting.values():
                if now - since > self._answer_ms:
                    raise OSError("no acknowledgement")
            # A write that is stuck in a dead connection holds the lock: only the silence above ends it.
            if not self._writing.locked():
                await self._write(packet.PINGREQ)

    async def _read(self) -> None:
        read = self._reader.readexactly
        while True:
            first = (await read(1))[0]
            length = await self._length()
            if length > self.longest:
                self._log("dropped a message of %d bytes" % length)
                while length:
                    length -= len(await read(min(length, 512)))
                continue
            body = await read(length)
            self._heard = self._uptime.ms()
            kind = first >> 4
            if kind == packet.PUBLISH:
                await self._published(first, body)
            elif kind in (packet.PUBACK, packet.SUBACK):
                waiting = self._waiting.pop(int.from_bytes(body[:2], "big"), None)
                if waiting is not None:
                    waiting[0].set()
            elif kind != packet.PINGRESP:
                raise OSError("unexpected packet %d" % kind)

    async def _length(self) -> int:
        length = 0
        for shift in (0, 7, 14, 21):
            digit = (await self._reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            if not digit & 0x80:
                return length
        raise OSError("malformed length")

    async def _published(self, first: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:end]
        if first & 0x06:
            packet_id = body[end : end + 2]
            end += 2
        if len(body) < end:
            raise OSError("malformed message")
        try:
            self._on_message(topic, body[end:], bool(first & 1))
        except Exception as error:  # a message must never cost the connection
            self._log("message not handled: %r" % error)
        if first & 0x06:
            await self._write(packet.puback(packet_id))
