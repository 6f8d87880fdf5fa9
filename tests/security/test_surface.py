"""The hub as a stranger, a chatterbox and a liar in the log find it."""

import asyncio
import dataclasses
import gzip
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.api import ApiServer
from hub.api.addresses import Networks
from hub.api.connection import MESSAGES_A_SECOND, MESSAGES_AT_ONCE
from hub.api.door import Door
from hub.auth.audit import MOST_NAMED, Asked
from hub.auth.limits import RateLimits, Rates
from hub.cli.place import print_table
from hub.log import Mask, TextFormatter
from hub.testing.clock import FakeClock
from tests.api.house import House

WITHIN = 20


@pytest.fixture
async def fake_house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, FakeClock())
    await house.start()
    await house.move_in()
    yield house
    await house.stop()


class Echo(asyncio.Protocol):
    """Says what it heard."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def is_let_in(streams: list[asyncio.StreamWriter], port: int, address: str = "127.0.0.1") -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    streams.append(writer)
    writer.write(b"x")
    try:
        async with asyncio.timeout(WITHIN):
            return await reader.read(1) == b"x"
    except ConnectionError:
        return False


async def test_connections_are_bounded_of_a_host_and_in_all() -> None:
    door = Door(Echo, Networks(("127.0.0.9",)), per_host=2, total=4)
    server = await asyncio.get_running_loop().create_server(door, "127.0.0.1", 0)
    port, streams = server.sockets[0].getsockname()[1], list[asyncio.StreamWriter]()
    try:
        assert [await is_let_in(streams, port) for _ in range(3)] == [True, True, False]
        assert [await is_let_in(streams, port, "127.0.0.9") for _ in range(3)] == [True, True, False]  # of the whole
        assert not await is_let_in(streams, port, "127.0.0.2")
        assert door.refused == 3
        for writer in streams:
            writer.close()
            await writer.wait_closed()
        assert await is_let_in(streams, port, "127.0.0.2")
    finally:
        for writer in streams:
            writer.close()
        server.close()
        await server.wait_closed()
    assert door.enter("::ffff:127.0.0.2") == "127.0.0.2"
    assert door.enter("2001:db8::1") == door.enter("2001:db8::2") == "2001:db8::/64"


async def test_who_talks_without_end_waits(fake_house: House) -> None:
    async with fake_house.http.ws_connect("/api/v1/ws") as socket:
        await socket.send_json({"type": "auth", "token": await fake_house.token("guest")})
        assert (await socket.receive_json())["type"] == "ready"
        for _ in range(MESSAGES_AT_ONCE + 500):
            await socket.send_json({"type": "ping"})
        heard = 1  # the login
        async with asyncio.timeout(WITHIN):
            while heard < MESSAGES_AT_ONCE:
                assert (await socket.receive_json())["type"] == "pong"
                heard += 1
            with pytest.raises(TimeoutError):  # nothing more comes while time stands still
                await socket.receive(timeout=0.2)
    assert MESSAGES_A_SECOND < MESSAGES_AT_ONCE


async def test_strangers_are_counted_and_fill_no_audit_log(house: House, tmp_path: Path) -> None:
    """Each asks for another thing, so that no two refusals are alike; nothing of it may grow."""
    services = dataclasses.replace(house.services, limits=RateLimits(house.clock, Rates(reads=200)))
    server = ApiServer(services, host="127.0.0.1", port=0, static=tmp_path / "none")
    await server.start()
    codes = []
    try:
        for number in range(300):
            headers = {"Authorization": "Bearer wrong"} if number % 2 else {}
            url = f"http://127.0.0.1:{server.port}/api/v1/devices/thing-{number}"
            async with house.http.get(url, headers=headers) as response:
                codes.append(response.status)
    finally:
        await server.stop()
    assert set(codes[:200]) == {401}
    assert codes.count(429) >= 90
    await house.identity.audit.flush()
    lines = await house.identity.audit.page(house.principal("admin"), Asked(refused=True), below=None, limit=500)
    assert len(lines) <= MOST_NAMED + 2
    assert sum(line.count for line in lines) == codes.count(401)


async def test_the_document_is_packed_once(house: House) -> None:
    async with house.http.get("/api/v1/openapi.json", headers={"Accept-Encoding": "identity"}) as response:
        plain = await response.read()
        assert "Content-Encoding" not in response.headers
    async with house.http.get("/api/v1/openapi.json") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert await response.read() == plain
    assert gzip.decompress(house.server._packed) == plain
    assert msgspec.json.decode(plain)["openapi"].startswith("3.1")


EVIL = ["\r\n12:00:00 info auth: login", "\x1b[2J", "\x9b31m", "\u202egnp.exe", "\u2066", "\u200bx", "\x00", "\ud800"]


@pytest.mark.parametrize("evil", EVIL)
def test_a_log_line_stays_one_and_reads_as_it_is(evil: str) -> None:
    formatter = TextFormatter(Mask(), terminal=False)
    record = logging.LogRecord("hub.auth", logging.WARNING, "x", 1, "login refused: %s", (evil,), None)
    line = formatter.format(record)
    assert line.isprintable()
    assert line.encode()
    try:
        raise ValueError(evil)
    except ValueError:
        record.exc_info = sys.exc_info()
    text = formatter.format(record)
    assert all(line.isprintable() for line in text.replace("\r", "?").split("\n"))


@pytest.mark.parametrize("evil", EVIL)
def test_a_table_of_the_command_line_too(evil: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "firmware"], [["Lamp", evil.replace("\ud800", "")], ["Kettle", "1.0"]])
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.rstrip("\n").split("\n"))
    assert out.count("\n") == 3


async def test_no_account_can_be_found_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known and unknown, disabled and without a password: one answer, and one check of a password each."""
    checked: list[bool] = []
    real = house.identity.passwords._run

    async def counted(work: Any, *most: int) -> Any:
        checked.append(True)
        return await real(work, *most)

    monkeypatch.setattr(house.identity.passwords, "_run", counted)
    admin = house.principal("admin")
    asleep = await house.people.add(admin, email="asleep@example.org", name="asleep", role="guest")
    guest = house.principal("guest").user
    await house.people.change(admin, guest, disabled=True)
    answers = set()
    for email in ("admin@example.org", "guest@example.org", asleep.email, "nobody@example.org", "no address", ""):
        checked.clear()
        async with house.http.post("/api/v1/auth/login", json={"email": email, "password": "wrong one"}) as response:
            answers.add((response.status, await response.text(), len(response.headers)))
        assert checked == [True], email
    assert len(answers) == 1
