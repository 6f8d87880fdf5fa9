"""MQTT over TLS: files that are wrong, versions, handshakes that do not end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.broker import Certificate, Limits, Listener
from hub.broker.tls import Handshakes, TlsDoor, server_context
from hub.messages import HubError
from tests.broker.certificates import make_certificate, trusting
from tests.broker.client import PATIENCE, Client, connect, publish
from tests.broker.parts import PASSWORD, Bench


class TlsBench(Bench):
    """A broker with a TLS listener."""

    def __init__(self, files: Certificate, limits: Limits | None = None) -> None:
        super().__init__(limits, [Listener("127.0.0.1", 0, "mqtts", files)])
        self.context = trusting(files)

    @property
    def tls_port(self) -> int:
        return self.broker.port("mqtts")

    async def secure(self, context: ssl.SSLContext | None = None) -> Client:
        """A connection after the handshake."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.tls_port, ssl=context or self.context, server_hostname="localhost"
        )
        client = Client(reader, writer)
        self._clients.append(client)
        return client


@pytest.fixture
async def tls(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[TlsBench]:
    bench = TlsBench(make_certificate(tmp_path), getattr(request, "param", None))
    await bench.start()
    yield bench
    await bench.stop()
    await asyncio.sleep(0)
    assert bench.clock.pending == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("user", ["plug-1", "all"])
async def test_a_session_over_tls(tls: TlsBench, version: ssl.TLSVersion, user: str) -> None:
    tls.context.minimum_version = tls.context.maximum_version = version
    client = await tls.secure()
    will = ("smartplug/plug-1/status", b"gone", 1, False)
    client.send(connect(user, user, PASSWORD, will=will) + publish("smartplug/plug-1/telemetry", b"x" * 100_000, 1))
    assert (await client.read()).body == b"\0\0"
    assert (await client.expect(4)).body == b"\0\1"
    await client.ping()
    reader = await tls.login("other")
    await reader.subscribe(("smartplug/+/status", 1))
    client.abort()
    assert (await reader.message())[:2] == ("smartplug/plug-1/status", b"gone")


async def test_connect_may_come_with_the_last_of_the_handshake(tls: TlsBench) -> None:
    """In TLS 1.3 a client may send right after its Finished, in one segment with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", tls.tls_port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await reader.read(65536))
    session.write(connect("plug-1", "plug-1", PASSWORD))
    writer.write(outgoing.read())
    await tls.receiver.until("connected", "plug-1", "127.0.0.1")
    writer.close()
    await tls.receiver.until("disconnected", "plug-1", "closed")


async def test_tls_below_1_2_and_what_is_no_tls_are_refused(tls: TlsBench) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await tls.secure(old)
    plain = await Client.open(tls.tls_port)
    plain.send(connect("plug-1", "plug-1", PASSWORD))
    await plain.closed()
    await plain.close()
    await tls.settled("refused:tls", 2)
    await tls.settled("connections", 0)


@pytest.mark.parametrize("cut", [0, 1, 60])
async def test_a_handshake_has_the_time_of_a_login(tls: TlsBench, cut: int) -> None:
    client = await Client.open(tls.tls_port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    client.send(outgoing.read()[:cut])
    await tls.settled("waiting", 1)
    await client.writer.drain()
    tls.clock.advance(tls.limits.connect_time + 2)
    assert await client.closed() == b""
    await tls.settled("refused:connect_time", 1)
    await tls.settled("connections", 0)
    await client.close()


@pytest.mark.parametrize("tls", [Limits(connections=1, surplus=1)], indirect=True)
async def test_connections_count_before_their_handshake(tls: TlsBench) -> None:
    first, second = await Client.open(tls.tls_port), await Client.open(tls.tls_port)
    await tls.settled("waiting", 2)
    third = await Client.open(tls.tls_port)
    assert await third.closed() == b""
    await tls.settled("refused:connections", 1)
    first.abort()
    await tls.settled("connections", 1)
    for client in (second, third):
        client.abort()


@pytest.mark.parametrize("tls", [Limits(connections_per_host=2, surplus=0)], indirect=True)
async def test_of_one_host_only_so_many_may_be_silent(tls: TlsBench) -> None:
    silent = [await Client.open(tls.tls_port) for _ in range(2)]
    for _ in range(3):
        client = await Client.open(tls.tls_port)
        assert await client.closed() == b""
        await client.close()
    await tls.settled("refused:host", 3)
    tls.clock.advance(tls.limits.connect_time + 2)
    for client in silent:
        assert await client.closed() == b""
        await client.close()
    await tls.settled("connections", 0)
    assert (await tls.secure()).writer.get_extra_info("cipher")


@pytest.mark.parametrize("tls", [Limits(waiting=3)], indirect=True)
async def test_silent_connections_are_no_obstacle_for_one_that_speaks(tls: TlsBench) -> None:
    """The oldest ends, so that who speaks at once gets in however many others say nothing."""
    silent = [await Client.open(tls.tls_port) for _ in range(8)]
    await tls.settled("refused:waiting", 5)
    client = await tls.secure()
    client.send(connect("plug-1", "plug-1", PASSWORD))
    assert (await client.read()).body == b"\0\0"
    assert tls.broker.stats()["waiting"] == 2
    for other in silent:
        other.abort()


async def test_a_storm_of_handshakes_is_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each turn's time others are served, and then the next goes on."""
    monkeypatch.setattr("hub.broker.tls.TURN_S", 0.0)
    order: list[str] = []
    loop, handshakes, over = asyncio.get_running_loop(), Handshakes(), asyncio.Event()

    class Door:
        def advance(self) -> None:
            order.append("handshake")
            loop.call_soon(others)

    def others() -> None:
        order.append("others")
        if order.count("others") == 50:
            over.set()

    for _ in range(50):
        handshakes.put(Door())  # type: ignore[arg-type]
    await asyncio.wait_for(over.wait(), PATIENCE)
    assert order == ["handshake", "others"] * 50


async def test_what_fails_in_a_handshake_ends_it_and_no_other(tls: TlsBench, monkeypatch: pytest.MonkeyPatch) -> None:
    shake = TlsDoor._go_on
    failing: list[TlsDoor] = []

    def broken(door: TlsDoor) -> None:
        if not failing:
            failing.append(door)
            raise RuntimeError("broken")
        shake(door)

    monkeypatch.setattr(TlsDoor, "_go_on", broken)
    results = await asyncio.gather(*(tls.secure() for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(result, Client) for result in results) == 2
    assert tls.broker.stats()["read_errors"] == 1


async def test_another_certificate_is_for_new_connections(tls: TlsBench, tmp_path: Path) -> None:
    """Those that are open go on; who trusts only the old one does not get in any more."""
    old = await tls.secure()
    old.send(connect("plug-1", "plug-1", PASSWORD))
    assert (await old.read()).body == b"\0\0"
    half = await Client.open(tls.tls_port)
    await tls.settled("connections", 2)
    new = make_certificate(tmp_path, "new")
    tls.broker.replace(new)
    await old.ping()
    with pytest.raises(ssl.SSLCertVerificationError):
        await tls.secure()
    client = await tls.secure(trusting(new))
    client.send(connect("plug-2", "plug-2", PASSWORD))
    assert (await client.read()).body == b"\0\0"
    assert tls.broker.is_connected("plug-1")
    half.abort()


async def test_a_certificate_that_is_wrong_changes_nothing(tls: TlsBench, tmp_path: Path) -> None:
    good, other = make_certificate(tmp_path, "good"), make_certificate(tmp_path, "other")
    for files in (
        Certificate(tmp_path / "none.pem", good.key),
        Certificate(good.certificate, other.key),
        Certificate(good.key, good.key),
    ):
        with pytest.raises(HubError):
            tls.broker.replace(files)
    assert (await tls.secure()).writer.get_extra_info("cipher")


async def test_a_handshake_that_breaks_off_leaves_nothing(tls: TlsBench) -> None:
    for _ in range(5):
        client = await Client.open(tls.tls_port)
        await tls.settled("connections", 1)
        client.abort()
        await tls.settled("connections", 0)


async def test_a_slow_reader_over_tls_is_bounded(tls: TlsBench) -> None:
    slow, writer = await tls.secure(), await tls.login("other")
    slow.send(connect("slow", "all", PASSWORD))
    await slow.read()
    await slow.subscribe(("flood", 0))
    async with asyncio.timeout(PATIENCE):
        while not tls.broker.stats().get("dropped:slow"):
            writer.send(publish("flood", b"x" * 100_000))
            await writer.ping()


def test_what_is_wrong_with_the_files_is_said(tmp_path: Path) -> None:
    good, other = make_certificate(tmp_path, "good"), make_certificate(tmp_path, "other")
    locked = make_certificate(tmp_path, "locked", b"a passphrase")
    nothing, folder = tmp_path / "nothing.pem", tmp_path / "folder"
    nothing.write_text("nothing\n")
    folder.mkdir()
    for certificate, key, id in (
        (tmp_path / "none.pem", good.key, "tls-file-missing"),
        (good.certificate, tmp_path / "none.key", "tls-file-missing"),
        (folder, good.key, "tls-file-unreadable"),
        (nothing, good.key, "tls-certificate-wrong"),
        (good.certificate, nothing, "tls-key-wrong"),
        (good.key, good.key, "tls-certificate-wrong"),
        (good.certificate, good.certificate, "tls-key-wrong"),
        (good.certificate, other.key, "tls-key-mismatch"),
        (locked.certificate, locked.key, "tls-key-encrypted"),
    ):
        with pytest.raises(HubError) as error:
            server_context(Certificate(certificate, key))
        assert error.value.id == id, (certificate, key)
    server_context(good)


async def test_a_broker_with_wrong_files_does_not_start_and_leaves_nothing(tmp_path: Path) -> None:
    bench = Bench(None, [Listener("127.0.0.1", 0, "mqtts", Certificate(tmp_path / "a", tmp_path / "b"))])
    with pytest.raises(HubError, match="does not exist"):
        await bench.start()
    assert bench.broker.addresses == []
    assert bench.clock.pending == 0
