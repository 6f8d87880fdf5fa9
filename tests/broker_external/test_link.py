"""What is in the way between hub and broker: each is said, once, and is over when it is over."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.broker.external import Tls, password_line
from hub.broker.external import link as link_module
from tests.broker_external.mosquitto import HUB, Certificates, Mosquitto
from tests.broker_external.parts import HUB_ID, Made, Side

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses: the tests wait for several attempts."""
    monkeypatch.setattr(link_module, "FIRST_BACKOFF_S", 0.1)
    monkeypatch.setattr(link_module, "LONGEST_BACKOFF_S", 0.3)


class Fake:
    """Something on a port that is not quite a broker."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[Fake]:
    fake = Fake()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        fake.connections += 1
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_wrong_password_is_said_until_it_is_right(made: Made, mosquitto: Mosquitto) -> None:
    side = await made.side(mosquitto, login=("second", "later"))
    sentence = await side.problem("external-broker-login")
    assert "second" in sentence
    assert "later" not in sentence
    mosquitto.add(password_line("second", "later"), ["user second", "topic readwrite smartplug/#"])
    await mosquitto.reload()
    await side.fine()
    assert [event for event in side.heard.events if event[0] in ("raised", "ended")] == [
        ("raised", "external-broker-login"),
        ("ended", "external-broker-login"),
    ]


async def test_what_the_broker_forbids_is_named_by_topic(made: Made, mosquitto: Mosquitto) -> None:
    mosquitto.add(password_line("poor", "x"), ["user poor", "topic read smartplug/#"])
    await mosquitto.reload()
    side = await made.side(mosquitto, "plug-one", "plug-two", login=("poor", "x"))
    await side.ready()
    side.broker.retain("plug-one", "config", b"{}")
    side.broker.retain("plug-two", "config", b"{}")
    await side.until(lambda: side.broker.stats().get("refused:broker") == 3)  # two configs and the hub's sign
    assert "smartplug/+/config, smartplug/+/hub" in side.problems["external-broker-rights"]
    assert not side.broker.stats().get("receiver_errors")


async def test_two_hubs_with_one_id_say_so_and_leave_each_other_time(made: Made, mosquitto: Mosquitto) -> None:
    first = await made.side(mosquitto)
    await first.ready()
    second = await made.side(mosquitto)
    for side in (first, second):
        assert HUB_ID in await side.problem("external-broker-taken-over")
    logins = first.broker.stats()["logins"] + second.broker.stats()["logins"]
    assert logins <= 5
    await asyncio.sleep(1)
    assert first.broker.stats()["logins"] + second.broker.stats()["logins"] == logins, "each waits half a minute"


async def test_the_one_that_stays_says_so_for_a_while_and_then_no_more(
    made: Made, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "TAKEN_OVER_BACKOFF_S", 0.5)
    first = await made.side(mosquitto)
    await first.ready()
    second = await made.side(mosquitto)
    await second.problem("external-broker-taken-over")
    await first.problem("external-broker-taken-over")
    await second.broker.stop()
    await first.fine()
    assert first.heard.events.count(("ended", "external-broker-taken-over")) == 1


async def test_a_hub_that_starts_again_is_no_copy(made: Made, mosquitto: Mosquitto) -> None:
    first = await made.side(mosquitto)
    await first.ready()
    await first.broker.stop()
    second = await made.side(mosquitto)
    await second.ready()
    await mosquitto.stop()
    await second.problem("external-broker-unreachable")
    await mosquitto.start()
    await second.fine()
    await second.ready()
    assert not second.problems


async def test_a_broker_that_says_it_itself(made: Made) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x03\x00\x00\x00" + b"\xe0\x01\x8e")
        await reader.read()

    async with listening(serve) as fake:
        side = await made.side(fake)  # type: ignore[arg-type]
        await side.problem("external-broker-taken-over")


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


@pytest.fixture
async def secure(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path, tls=certificates)
    await broker.start()
    yield broker
    await broker.stop()


async def test_tls_with_the_homes_own_authority(made: Made, secure: Mosquitto, certificates: Certificates) -> None:
    side = await made.side(secure, "plug-one", host="localhost", tls=Tls(ca=str(certificates.ca)))
    await side.ready()
    await secure.publish("smartplug/plug-one/telemetry", "{}", "-h", "localhost")
    await side.heard.event("message", "plug-one", "telemetry", "{}", False)
    assert not side.problems
    by_address = await made.side(
        secure, tls=Tls(ca=str(certificates.ca), server_name="localhost"), client_id="another-id"
    )
    await by_address.ready()
    assert not by_address.problems


async def test_a_certificate_that_proves_nothing_is_not_taken(
    made: Made, secure: Mosquitto, certificates: Certificates, tmp_path: Path
) -> None:
    other = Certificates(tmp_path / "others")
    for side in (
        await made.side(secure, host="localhost", tls=Tls(ca=str(other.ca)), client_id="other-ca"),
        await made.side(secure, tls=Tls(ca=str(certificates.ca)), client_id="other-name"),
        await made.side(secure, host="localhost", tls=Tls(), client_id="systems-ca"),
    ):
        await side.problem("external-broker-certificate")
        assert side.broker.stats()["logins"] == 0
    assert "the hub's secret" not in secure.log()


async def test_a_file_that_is_not_there_yet_is_named_and_then_taken(
    made: Made, secure: Mosquitto, certificates: Certificates, tmp_path: Path
) -> None:
    later = tmp_path / "later.pem"
    side = await made.side(secure, host="localhost", tls=Tls(ca=str(later)))
    assert str(later) in await side.problem("external-broker-file")
    later.write_text("not a certificate")
    await side.until(lambda: "No such file" not in side.problems.get("external-broker-file", ""))
    later.write_bytes(certificates.ca.read_bytes())
    await side.fine()


async def test_tls_where_there_is_none_and_none_where_there_is(
    made: Made, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    folder = tmp_path / "secure"
    certificates = Certificates(folder)
    side = await made.side(mosquitto, tls=Tls(ca=str(certificates.ca)))
    await side.heard.until(lambda: side.problems)
    secure = Mosquitto(folder, tls=certificates)
    await secure.start()
    plain = await made.side(secure)
    await plain.heard.until(lambda: plain.problems)
    assert plain.broker.stats()["logins"] == side.broker.stats()["logins"] == 0
    await secure.stop()


async def said(made: Made, answer: bytes) -> tuple[Side, str]:
    """Which problem there is with a server that answers CONNECT like this, and ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with listening(serve) as fake:
        side = await made.side(fake)  # type: ignore[arg-type]  # it needs no more than a port
        await side.heard.until(lambda: side.problems)
        (id,) = side.problems
        return side, id


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        (b"\x20\x02\x00\x01", "external-broker-version"),  # of MQTT 3.1.1
        (b"\x20\x03\x00\x84\x00", "external-broker-version"),
        (b"\x20\x02\x00\x05", "external-broker-login"),
        (b"\x20\x03\x00\x88\x00", "external-broker-refused"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "external-broker-lost"),
        (b"\x30\x03\x00\x01x", "external-broker-lost"),  # a message before CONNACK
        (b"", "external-broker-lost"),
    ],
)
async def test_answers_of_other_servers(made: Made, answer: bytes, id: str) -> None:
    _, found = await said(made, answer)
    assert found == id


async def test_a_silent_server_is_not_waited_for(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "ANSWER_S", 0.2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(serve) as fake:
        side = await made.side(fake)  # type: ignore[arg-type]
        assert "timeout" in await side.problem("external-broker-unreachable")
        await side.until(lambda: fake.connections > 2)


async def test_a_broker_that_falls_silent_is_left(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "KEEPALIVE_S", 1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x03\x00\x00\x00")
        await reader.read()

    async with listening(serve) as fake:
        side = await made.side(fake)  # type: ignore[arg-type]
        assert "silent" in await side.problem("external-broker-lost")
        assert side.broker.stats()["logins"] > 2


async def test_no_name_and_no_port(made: Made) -> None:
    fake = Fake()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        fake.port = closed.getsockname()[1]
        side = await made.side(fake)  # type: ignore[arg-type]
        await side.problem("external-broker-unreachable")
        nowhere = await made.side(fake, host="no-such-host.invalid", login=HUB)  # type: ignore[arg-type]
        assert "no-such-host.invalid" in await nowhere.problem("external-broker-unreachable")
