"""TLS for listeners: the certificate from its files, and a connection during its handshake."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hub.broker.connection import Waiting
from hub.messages import HubError

if TYPE_CHECKING:
    from hub.broker.lane import Lane

log = logging.getLogger(__name__)

READ_SIZE = 256 * 1024  # more than a socket gives at once
TURN_S = 0.005  # of handshakes, until others are served


class Certificate(msgspec.Struct, frozen=True):
    """Two PEM files: the certificate with those that lead to its root, and its key without a passphrase."""

    certificate: Path
    key: Path


def server_context(files: Certificate) -> ssl.SSLContext:
    """TLS 1.2 and 1.3 with this certificate. Blocking. HubError: tls-file-missing, tls-file-unreadable (file, reason),
    tls-certificate-wrong, tls-key-wrong, tls-key-encrypted (file), tls-key-mismatch (certificate, key),
    tls-certificate-refused (file, reason)."""
    for file in (files.certificate, files.key):
        require_readable(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # Only to tell which of the two files is wrong: the next call names neither.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=files.certificate)
    except ssl.SSLError:
        raise HubError("tls-certificate-wrong", file=str(files.certificate)) from None

    def passphrase() -> str:
        raise HubError("tls-key-encrypted", file=str(files.key))

    try:
        context.load_cert_chain(files.certificate, files.key, password=passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise HubError("tls-key-mismatch", certificate=str(files.certificate), key=str(files.key)) from None
        if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"):
            raise HubError("tls-certificate-refused", file=str(files.certificate), reason=error.reason) from None
        raise HubError("tls-key-wrong", file=str(files.key)) from None
    return context


def valid(certificate: Path) -> tuple[datetime, datetime]:
    """From when until when the certificate of a file that `server_context` took is valid. Blocking."""
    from cryptography import x509

    found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    return found.not_valid_before_utc, found.not_valid_after_utc


def require_readable(file: Path) -> None:
    """HubError: tls-file-missing, tls-file-unreadable (file, reason)."""
    try:
        with file.open("rb"):
            pass
    except FileNotFoundError:
        raise HubError("tls-file-missing", file=str(file)) from None
    except OSError as error:
        raise HubError("tls-file-unreadable", file=str(file), reason=error.strerror or str(error)) from None


class Handshakes:
    """Goes on with handshakes in turns. Each costs a signature, about 0.5 ms, and after a power cut all plugs of a
    house come at once: what they would take together nobody else has to wait for."""

    def __init__(self) -> None:
        self._queue: deque[TlsDoor] = deque()
        self._next: asyncio.Handle | None = None

    def put(self, door: "TlsDoor") -> None:
        """Let it have its turn."""
        self._queue.append(door)
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._next = None
        end = time.perf_counter() + TURN_S
        while self._queue:
            door = self._queue.popleft()
            try:
                door.advance()
            except Exception:
                door.lane.counts["read_errors"] += 1
                log.exception("What %s sent ended its connection", door.peer)
                door.transport.abort()
            if self._queue and time.perf_counter() > end:
                # After what has arrived meanwhile for others.
                self._next = asyncio.get_running_loop().call_soon(self._turn)
                return


class TlsDoor(Waiting):
    """Speaks TLS on a socket and hands what is inside to `inner`. The event loops' own TLS is not used: their servers
    say nothing of a connection before its handshake, which could then neither be counted nor be timed."""

    __slots__ = ("_handshakes", "_inner", "_session", "_tunnel", "incoming", "outgoing")

    def __init__(
        self, lane: "Lane", listener: str, context: ssl.SSLContext, handshakes: Handshakes, inner: Waiting
    ) -> None:
        super().__init__(lane, listener)
        self._handshakes = handshakes
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self._inner: Waiting | None = inner
        self._tunnel: TlsTransport | None = None  # once the handshake is done

    def data_received(self, data: bytes) -> None:
        if self.ended:
            return
        self.incoming.write(data)
        if self._tunnel is None:
            self.transport.pause_reading()
            self._handshakes.put(self)
        else:
            self._go_on()

    def advance(self) -> None:
        """It is this handshake's turn."""
        if not self.ended and not self.transport.is_closing():
            self.transport.resume_reading()
            self._go_on()

    def _go_on(self) -> None:
        try:
            if self._tunnel is None:
                self._session.do_handshake()
                self.flush()
                self._tunnel = TlsTransport(self)
                inner, self._inner = self._inner, None
                assert inner is not None
                inner.adopt(self, self._tunnel)
            self._read(self._tunnel)
        except ssl.SSLWantReadError:
            self.flush()
        except ssl.SSLError as error:
            log.debug("TLS with %s failed: %s", self.peer, error)
            self.flush()  # the alert that says why
            self.ended = True
            self.lane.counts["refused:tls"] += 1
            self.transport.close()

    def _read(self, tunnel: "TlsTransport") -> None:
        while not tunnel.is_closing():
            data = self._session.read(READ_SIZE)
            if not data:
                tunnel.close()  # the other end said that it sends no more
                return
            tunnel.protocol.data_received(data)

    def flush(self) -> None:
        """Send what TLS has made of it."""
        if self.outgoing.pending and not self.transport.is_closing():
            self.transport.write(self.outgoing.read())

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        self._session.write(data)
        self.flush()

    def goodbye(self) -> None:
        """Send close_notify; nobody waits for the other end's."""
        with contextlib.suppress(ssl.SSLError):
            self._session.unwrap()
        self.flush()

    def pause_writing(self) -> None:
        if self._tunnel is None:
            super().pause_writing()
        else:
            self._tunnel.protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._tunnel is None:
            super().resume_writing()
        else:
            self._tunnel.protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is None:
            self.lane.left(self)
        else:
            protocol, tunnel.protocol = tunnel.protocol, None  # which refers to the tunnel: a circle
            protocol.connection_lost(exc)


class TlsTransport:
    """What is inside the TLS connection; for whoever uses it, a transport like any other."""

    def __init__(self, door: TlsDoor) -> None:
        raw = door.transport
        self._door, self._raw = door, raw
        self.protocol: Any = None
        self.is_closing = raw.is_closing
        self.abort = raw.abort
        self.pause_reading = raw.pause_reading
        self.resume_reading = raw.resume_reading
        self.set_write_buffer_limits = raw.set_write_buffer_limits
        self.get_write_buffer_size = raw.get_write_buffer_size
        self.get_extra_info = raw.get_extra_info

    def write(self, data: bytes) -> None:
        """Send all of it."""
        if data and not self._raw.is_closing():
            self._door.write(data)

    def close(self) -> None:
        """Say goodbye and close, when everything is sent."""
        if not self._raw.is_closing():
            self._door.goodbye()
            self._raw.close()

    def get_protocol(self) -> Any:
        """Who gets what arrives."""
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        """Another one gets what arrives from now on."""
        self.protocol = protocol
