"""MQTT over WebSocket, on a port of its own and on a web server's."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from hub.broker import Limits, Listener
from hub.messages import Message, render
from tests.broker.certificates import make_certificate, trusting
from tests.broker.client import DISCONNECT, PATIENCE, PING, Client, connect, publish, subscribe
from tests.broker.parts import PASSWORD, Bench
from tests.broker.websocket import (
    BINARY,
    CONTINUATION,
    TEXT,
    FrameReader,
    FrameWriter,
    frame,
    handshake,
    open_websocket,
)
from tests.broker.websocket import CLOSE as CLOSE_FRAME
from tests.broker.websocket import PING as PING_FRAME
from tests.broker.websocket import PONG as PONG_FRAME

LOGIN = connect("plug-1", "plug-1", PASSWORD)
VALUES = {"version": "13"}


class WebBench(Bench):
    """A broker with a WebSocket port, and a web server that has /mqtt; `where` says which of both a test uses."""

    where = "own"

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits, [Listener("127.0.0.1", 0, "websocket", websocket=True)])

    async def start(self) -> None:
        await super().start()
        application = web.Application()
        application.router.add_get("/mqtt", self.broker.websocket)
        self.runner = web.AppRunner(application, shutdown_timeout=1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        await super().stop()
        await self.runner.cleanup()

    @property
    def web_port(self) -> int:
        return int(self.runner.addresses[0][1]) if self.where == "web" else self.broker.port("websocket")

    async def socket(self) -> Client:
        client = await open_websocket(self.web_port)
        self._clients.append(client)
        return client


@pytest.fixture
def limits() -> Limits | None:
    """A test parametrizes it where the usual ones do not fit."""
    return None


@pytest.fixture(params=["own", "web"])
async def sockets(request: pytest.FixtureRequest, limits: Limits | None) -> AsyncIterator[WebBench]:
    bench = WebBench(limits)
    bench.where = request.param
    await bench.start()
    yield bench
    await bench.stop()
    await asyncio.sleep(0)
    assert bench.clock.pending == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_plug_and_a_client_over_websocket(sockets: WebBench) -> None:
    plug, reader = await sockets.socket(), await sockets.socket()
    plug.send(connect("plug-1", "plug-1", PASSWORD, will=("smartplug/plug-1/status", b"gone", 1, False)))
    reader.send(connect("reader", "all", PASSWORD))
    assert (await plug.read()).body == (await reader.read()).body == b"\0\0"
    await reader.subscribe(("smartplug/#", 1))
    await plug.publish("smartplug/plug-1/telemetry", b"x" * 70_000, 1)
    assert (await reader.message())[:3] == ("smartplug/plug-1/telemetry", b"x" * 70_000, 1)
    assert sockets.receiver.messages() == [("plug-1", "telemetry", b"x" * 70_000)]
    plug.abort()
    assert (await reader.message())[:2] == ("smartplug/plug-1/status", b"gone")
    await sockets.receiver.until("disconnected", "plug-1", "will")
    await reader.disconnect()
    assert isinstance(reader.reader, FrameReader)
    assert reader.reader.code == 1000
    await sockets.settled("connections", 0)


async def test_packets_are_split_at_every_byte_and_merged_in_every_way(sockets: WebBench) -> None:
    stream = LOGIN + subscribe(("smartplug/plug-1/control", 1)) + publish("smartplug/plug-1/telemetry", b"one", 1)
    stream += PING + publish("smartplug/plug-1/telemetry", b"two")
    expected = None
    for cut in range(1, len(stream)):
        client = await sockets.socket()
        client.send(stream[:cut])
        client.send(stream[cut:] + DISCONNECT)
        answer = await client.closed()
        expected = expected or answer
        assert answer == expected, cut
        await client.close()
        await sockets.settled("connections", 0)
    assert len(sockets.receiver.messages()) == 2 * (len(stream) - 1)


async def test_byte_by_byte_and_in_fragments_with_pings_between(sockets: WebBench) -> None:
    client = await sockets.socket()
    raw = client.writer.raw  # type: ignore[attr-defined]
    for byte in LOGIN:
        client.send(bytes([byte]))
    assert (await client.read()).body == b"\0\0"
    packet = publish("smartplug/plug-1/telemetry", b"in pieces", 1)
    raw.write(frame(BINARY, packet[:3], final=False))
    raw.write(frame(PING_FRAME, b"there?"))
    raw.write(frame(CONTINUATION, packet[3:9], final=False) + frame(CONTINUATION, packet[9:]))
    await client.expect(4)
    assert sockets.receiver.messages() == [("plug-1", "telemetry", b"in pieces")]
    assert client.reader.others == [(PONG_FRAME, b"there?")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-WebSocket-Protocol": None}, 400),
        ({"Sec-WebSocket-Protocol": "mqttv3.1"}, 400),
        ({"Sec-WebSocket-Protocol": "chat, mqtt"}, 101),
        ({"Upgrade": None}, 426),
        ({"Sec-WebSocket-Version": "7"}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
    ],
)
async def test_handshakes(sockets: WebBench, headers: dict[str, str | None], status: int) -> None:
    answer, answered, reader, writer = await handshake(sockets.web_port, headers={**headers, "Accept-Language": "de"})
    assert answer == status
    if status != 101 and "Sec-WebSocket-Key" not in headers:  # that one is aiohttp's
        assert answered["content-type"] == "application/problem+json"
        problem = json.loads(await reader.readexactly(int(answered["content-length"])))
        assert (problem["status"], problem["detail"]) == (status, render(Message(problem["code"], VALUES), "de"))
    if status == 426:
        assert (answered["upgrade"], answered["sec-websocket-version"]) == ("websocket", "13")
    assert answered.get("sec-websocket-protocol") == ("mqtt" if status == 101 else None)
    writer.close()
    await sockets.settled("connections", 0)


@pytest.mark.parametrize("last", [DISCONNECT, b"\xf0\0"])
async def test_a_ping_after_the_end_is_no_error(
    sockets: WebBench, caplog: pytest.LogCaptureFixture, last: bytes
) -> None:
    client = await sockets.socket()
    assert isinstance(client.writer, FrameWriter)
    client.writer.raw.write(frame(BINARY, LOGIN) + frame(BINARY, last) + frame(PING_FRAME, b"there?"))
    assert await client.closed() in (b"", b"\x20\2\0\0")
    await sockets.settled("connections", 0)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_page_of_the_hub_itself_may_connect(sockets: WebBench) -> None:
    port = sockets.web_port
    status, _, _, writer = await handshake(port, headers={"Origin": f"http://127.0.0.1:{port}"})
    assert status == 101
    writer.close()


async def test_text_ends_the_connection(sockets: WebBench) -> None:
    client = await sockets.socket()
    client.send(LOGIN)
    await client.read()
    client.writer.raw.write(frame(TEXT, b"hello"))  # type: ignore[attr-defined]
    await client.closed()
    assert client.reader.code == 1003  # type: ignore[attr-defined]
    await sockets.receiver.until("disconnected", "plug-1", "closed")


async def test_a_close_frame_without_disconnect_sends_the_will(sockets: WebBench) -> None:
    client = await sockets.socket()
    client.send(connect("plug-1", "plug-1", PASSWORD, will=("smartplug/plug-1/status", b"gone", 0, False)))
    await client.read()
    client.writer.raw.write(frame(CLOSE_FRAME, b"\x03\xe8"))  # type: ignore[attr-defined]
    await sockets.receiver.until("disconnected", "plug-1", "will")


@pytest.mark.parametrize("limits", [Limits(packet=20_000)])
async def test_a_message_that_is_too_large_ends_the_connection(sockets: WebBench) -> None:
    client = await sockets.socket()
    client.send(LOGIN)
    await client.read()
    client.send(b"\0" * 50_000)
    await client.closed()
    await sockets.receiver.until("disconnected", "plug-1", "closed")
    assert client.reader.code == 1009  # type: ignore[attr-defined]


async def test_who_does_not_log_in_over_websocket_is_cut_off(sockets: WebBench) -> None:
    client = await sockets.socket()
    await sockets.settled("waiting", 1)
    sockets.clock.advance(sockets.limits.connect_time + 2)
    assert await client.closed() == b""
    assert sockets.broker.stats()["refused:connect_time"] == 1
    await sockets.settled("connections", 0)


async def test_http_that_never_becomes_a_websocket_has_the_time_of_a_login(sockets: WebBench) -> None:
    if sockets.where == "web":
        return  # the web server's own matter
    silent, busy = await Client.open(sockets.web_port), await Client.open(sockets.web_port)
    busy.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await busy.reader.readline()).startswith(b"HTTP/1.1 426")
    await sockets.settled("waiting", 2)
    sockets.clock.advance(sockets.limits.connect_time + 2)
    for client in (silent, busy):
        await client.closed()
        await client.close()
    await sockets.settled("connections", 0)


@pytest.mark.parametrize("limits", [Limits(waiting_websockets=2)])
async def test_the_oldest_websocket_that_does_not_log_in_makes_room(sockets: WebBench) -> None:
    first, second, third = [await sockets.socket() for _ in range(3)]
    await first.closed()
    assert sockets.broker.stats()["refused:waiting"] == 1
    for client in (second, third):
        client.send(connect("", "all", PASSWORD))
        assert (await client.read()).body == b"\0\0"
    another = await sockets.socket()
    another.send(LOGIN)
    assert (await another.read()).body == b"\0\0"


@pytest.mark.parametrize("limits", [Limits(connections=1)])
async def test_one_too_many_is_told_so_over_websocket(sockets: WebBench) -> None:
    await sockets.login("plug-2")
    client = await sockets.socket()
    client.send(LOGIN)
    assert await client.closed() == b"\x20\2\0\3"
    assert sockets.broker.stats()["refused:connections"] == 1


async def test_a_slow_reader_over_websocket_is_bounded(sockets: WebBench) -> None:
    slow, writer = await sockets.socket(), await sockets.login("other")
    slow.send(connect("slow", "all", PASSWORD))
    await slow.read()
    await slow.subscribe(("flood", 0))
    async with asyncio.timeout(PATIENCE):
        while not sockets.broker.stats().get("dropped:slow"):
            writer.send(publish("flood", b"x" * 100_000))
            await writer.ping()
    slow.abort()
    await sockets.settled("connections", 1)


@pytest.mark.parametrize("limits", [Limits(rate=10)])
async def test_a_fast_sender_over_websocket_is_slowed_down(sockets: WebBench) -> None:
    client = await sockets.socket()
    client.send(LOGIN)
    await client.read()
    for number in range(30):
        client.send(publish("smartplug/plug-1/telemetry", b"%d" % number, 1, number + 1))
    await sockets.settled("throttled", 1)
    taken = len(sockets.receiver.messages())
    assert taken < 30
    async with asyncio.timeout(PATIENCE):
        while len(sockets.receiver.messages()) < 30:
            sockets.clock.advance(1)
            await asyncio.sleep(0)
    for _ in range(30):
        await client.expect(4)
    assert [payload for _, _, payload in sockets.receiver.messages()] == [b"%d" % number for number in range(30)]


async def test_websocket_over_tls(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    bench = Bench(None, [Listener("127.0.0.1", 0, "websocket", files, websocket=True)])
    await bench.start()
    client = await open_websocket(bench.broker.port("websocket"), "/", tls=trusting(files))
    client.send(LOGIN + PING)
    assert (await client.read()).body == b"\0\0"
    await client.expect(13)
    await bench.stop()
    assert await client.closed() == b""
    await client.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_port_in_use_is_no_reason_not_to_start_where_nobody_asked_for_it() -> None:
    bench = WebBench()
    await bench.start()
    taken = bench.broker.port("websocket")
    other = Bench(None, [Listener("127.0.0.1", taken, "websocket", websocket=True, optional=True)])
    await other.start()
    assert other.broker.port("websocket") == 0
    client = await other.login("plug-1")
    await client.ping()
    await other.stop()
    await bench.stop()
