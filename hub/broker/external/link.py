"""The way to an external broker: connect, connect again with jittered back-off, and say what is in the way."""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import msgspec

from hub.broker.external import packets
from hub.broker.external.connection import INFLIGHT_IN, KEEPALIVE_S, MOST_PACKET, Connection
from hub.clock import Clock, Timer
from hub.messages import Message, render
from hub.tasks import Tasks

ANSWER_S = 10.0  # for the connection with its TLS, and for CONNACK
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
TAKEN_OVER_BACKOFF_S = 60.0
TAKEN_OVER = "external-broker-taken-over"
COMING_BACK = (TAKEN_OVER, "external-broker-lost", "external-broker-ended")
STABLE_S = 10.0  # a connection that lasted this long starts the back-off anew
T = TypeVar("T")
log = logging.getLogger(__name__)


class Tls(msgspec.Struct, frozen=True):
    """Paths of PEM files. `ca` None = the system's; `server_name` where the certificate names another than the host."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    server_name: str | None = None


class Server(msgspec.Struct, frozen=True):
    """Where the broker is and who the hub is there. `client_id` is the hub's id."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: Tls | None = None


class Owner(Protocol):
    """Who has the link."""

    def logged_in(self, connection: Connection) -> None:
        """A connection is there; nothing is subscribed yet."""

    def arrived(self, message: packets.Message) -> None:
        """A message came."""

    def answered(self, connection: Connection, packet_id: int, code: int) -> None:
        """The answer to a PUBLISH, SUBSCRIBE or UNSUBSCRIBE."""

    def logged_out(self) -> None:
        """The connection of `logged_in` has ended."""


class Link:
    """Keeps one connection for ever. `connection` is the one that is logged in, None while there is none."""

    def __init__(
        self,
        server: Server,
        owner: Owner,
        clock: Clock,
        *,
        raised: Callable[[Message], None],
        ended: Callable[[str], None],
    ) -> None:
        """`raised` and `ended` tell people of a problem, and by its id that it is over; there is one at a time."""
        self._server = server
        self._owner = owner
        self._clock = clock
        self._raised, self._ended = raised, ended
        self._problem: Message | None = None
        self._all_clear: Timer | None = None
        self._life: Timer | None = None
        self._tasks = Tasks(log, "the way to the external broker has ended")
        self._current: Connection | None = None  # the one whose end `_over` waits for
        self._answered: asyncio.Future[None] | None = None  # CONNACK came, or it never will
        self._over: asyncio.Future[Message] | None = None
        self.connection: Connection | None = None
        self.logins = 0

    def start(self) -> None:
        """Begin, in the background."""
        self._tasks.spawn(self._run(), "external broker")

    async def stop(self) -> None:
        """Log out and end."""
        await self._tasks.cancel()
        self._cancel_timers()

    def accepted(self, connection: Connection, answer: packets.Accepted) -> None:
        """For Connection."""
        if answer.code:
            self._finish(connection, self._refusal(answer.code))
            return
        self.connection = connection
        self.logins += 1
        _resolve(self._answered, None)
        self._plan_life(connection, (answer.keepalive or KEEPALIVE_S) / 2)
        if self._problem is not None and self._problem.id in COMING_BACK:
            self._plan_all_clear(self._problem.id)
        else:
            self._tell(None)
        log.info("logged in to the broker %s:%d", self._server.host, self._server.port)
        self._owner.logged_in(connection)

    def taken_over(self) -> None:
        """Another hub with this one's id has used the broker since this one did."""
        self._tell(self._rival())
        self._plan_all_clear(TAKEN_OVER)

    def arrived(self, message: packets.Message) -> None:
        """For Connection."""
        self._owner.arrived(message)

    def answered(self, connection: Connection, packet_id: int, code: int) -> None:
        """For Connection."""
        self._owner.answered(connection, packet_id, code)

    def lost(self, connection: Connection, code: int | None, error: Exception | None) -> None:
        """For Connection."""
        rival = self._problem is not None and self._problem.id == TAKEN_OVER and self.connection is connection
        if code == packets.TAKEN_OVER or rival:
            self._finish(connection, self._rival())
        elif code is not None:
            self._finish(connection, self._message("external-broker-ended", code=f"0x{code:02x}"))
        else:
            reason = str(error) if error is not None else "EOF"
            self._finish(connection, self._message("external-broker-lost", reason=reason))

    async def _run(self) -> None:
        backoff, failures = FIRST_BACKOFF_S, 0
        while True:
            started, logins = self._clock.monotonic(), self.logins
            trouble = await self._connect()
            if self._clock.monotonic() - started > STABLE_S and self.logins > logins:
                backoff, failures = FIRST_BACKOFF_S, 0
            failures += 1
            taken_over = trouble.id == TAKEN_OVER
            # A broker that restarts, or that enforces a change of rights, is back at the next attempt.
            if taken_over or self.logins == logins or failures > 2:
                self._tell(trouble)
            else:
                log.info("external broker: %s", render(trouble))
            wait = TAKEN_OVER_BACKOFF_S if taken_over else backoff
            await self._clock.sleep(wait / 2 + random.uniform(0, wait / 2))  # noqa: S311 - not for secrecy
            backoff = min(2 * backoff, LONGEST_BACKOFF_S)

    async def _connect(self) -> Message:
        """One connection, to its end; returns why it ended."""
        server, loop = self._server, asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()
        over: asyncio.Future[Message] = loop.create_future()
        self._answered, self._over = answered, over
        connection = self._current = Connection(self, self._hello)
        try:
            async with asyncio.timeout(ANSWER_S):
                context = None if server.tls is None else await asyncio.to_thread(tls_context, server.tls)
                name = server.tls.server_name or server.host if server.tls is not None else None
                await loop.create_connection(
                    lambda: connection, server.host, server.port, ssl=context, server_hostname=name
                )
                await answered
            return await over
        except ssl.SSLCertVerificationError as error:
            return self._message("external-broker-certificate", reason=error.verify_message)
        except ssl.SSLError as error:
            return self._message("external-broker-tls", reason=error.reason or str(error))
        except TlsFileError as error:
            return Message("external-broker-file", {"file": error.file, "reason": error.why})
        except TimeoutError:
            return self._message("external-broker-unreachable", reason="timeout")
        except OSError as error:
            return self._message("external-broker-unreachable", reason=error.strerror or str(error))
        finally:
            if connection.open:
                connection.close()
            else:
                connection.abort()
            self._logged_out(connection)

    def _hello(self) -> bytes:
        server = self._server
        return packets.connect(
            server.client_id,
            server.username,
            server.password,
            keepalive=KEEPALIVE_S,
            inflight=INFLIGHT_IN,
            packet=MOST_PACKET,
        )

    def _refusal(self, code: int) -> Message:
        if code in packets.BAD_LOGIN:
            return self._message("external-broker-login", username=self._server.username or "")
        if code in packets.BAD_VERSION:
            return self._message("external-broker-version")
        return self._message("external-broker-refused", code=f"0x{code:02x}")

    def _rival(self) -> Message:
        return Message("external-broker-taken-over", {"id": self._server.client_id})

    def _message(self, id: str, **values: str) -> Message:
        return Message(id, {"host": self._server.host, "port": self._server.port, **values})

    def _finish(self, connection: Connection, why: Message) -> None:
        self._logged_out(connection)
        if connection is self._current:
            _resolve(self._over, why)
            _resolve(self._answered, None)

    def _logged_out(self, connection: Connection) -> None:
        if self.connection is connection:
            self.connection = None
            self._cancel_timers()
            self._owner.logged_out()

    def _tell(self, problem: Message | None) -> None:
        before, self._problem = self._problem, problem
        if before is not None and (problem is None or problem.id != before.id):
            self._ended(before.id)
        if problem is not None and problem != before:
            log.warning("external broker: %s", render(problem))
            self._raised(problem)

    def _plan_all_clear(self, problem: str) -> None:
        """What comes and goes is over when it has had the time to come again and did not."""
        if self._all_clear is not None:
            self._all_clear.cancel()
        wait = 3 * TAKEN_OVER_BACKOFF_S if problem == TAKEN_OVER else STABLE_S
        self._all_clear = self._clock.call_later(wait, lambda: self._tell(None))

    def _plan_life(self, connection: Connection, seconds: float) -> None:
        def check() -> None:
            connection.check_life()
            self._plan_life(connection, seconds)

        self._life = self._clock.call_later(seconds, check)

    def _cancel_timers(self) -> None:
        for timer in (self._life, self._all_clear):
            if timer is not None:
                timer.cancel()
        self._life = self._all_clear = None


def _resolve(future: asyncio.Future[T] | None, value: T) -> None:
    if future is not None and not future.done():
        future.set_result(value)


class TlsFileError(Exception):
    """A file of the TLS settings cannot be used."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file, why)
        self.file, self.why = file, why


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or newer; the broker's certificate is always checked. Raises TlsFileError."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with _using(tls.ca):
            context.load_verify_locations(tls.ca)
    if tls.certificate is not None:
        with _using(tls.certificate):
            context.load_cert_chain(tls.certificate, tls.key, password="")  # never ask on the terminal
    return context


@contextlib.contextmanager
def _using(file: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ssl.SSLError) as error:
        raise TlsFileError(file, error.strerror or str(error)) from error
