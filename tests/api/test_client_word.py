"""The client keeps its word: renewed by itself, and nothing but its own errors, whatever answers and however."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.client import AddressInvalid, ApiError, HubClient, HubUnreachable, IdInvalid, KeyInvalid
from hub.testing.clock import FakeClock
from tests.api.house import PASSWORD, House

Ask = Callable[[HubClient], Awaitable[Any]]


async def export(hub: HubClient) -> bytes:
    return b"".join([piece async for piece in hub.export(["nothing"], 0, 1)])


ASKED: dict[str, Ask] = {
    "a call": HubClient.me,
    "a list": HubClient.devices,
    "the audit log": HubClient.audit,
    "a report": lambda hub: hub.report_file("day", form="csv"),
    "the audit log as a file": HubClient.audit_file,
    "an export": export,
}


@pytest.fixture
async def aging(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, FakeClock, HubClient]]:
    clock = FakeClock()
    house = House(tmp_path_factory.mktemp("data"), clock)
    await house.start()
    await house.move_in()
    async with HubClient(f"http://127.0.0.1:{house.server.port}") as hub:
        await hub.login("admin@example.org", PASSWORD)
        yield house, clock, hub
    await house.stop()


@pytest.mark.parametrize("name", ASKED)
async def test_each_way_renews_a_token_that_ran_out(aging: tuple[House, FakeClock, HubClient], name: str) -> None:
    _, clock, hub = aging
    first = hub.token
    await clock.advance(31 * 60)
    try:
        await ASKED[name](hub)
    except ApiError as error:
        assert (name, error.code) == ("an export", "device-unknown")
    assert hub.token != first


async def test_calls_at_once_renew_once(aging: tuple[House, FakeClock, HubClient]) -> None:
    _, clock, hub = aging
    for _ in range(2):
        await clock.advance(31 * 60)
        await asyncio.gather(*(hub.me() for _ in range(5)), hub.audit_file(), hub.devices())
    assert len(await hub.sessions()) == 1, "a refresh token that came back would have ended it"


@pytest.mark.parametrize("name", ["a call", "the audit log as a file"])
async def test_a_hub_that_signs_differently_is_asked_for_a_new_token(
    aging: tuple[House, FakeClock, HubClient], name: str
) -> None:
    house, _, hub = aging
    house.identity.signer.algorithm = "RS256"
    house.identity.signer.load()
    await ASKED[name](hub)


async def test_who_was_signed_out_is_told_so(aging: tuple[House, FakeClock, HubClient]) -> None:
    _, _, hub = aging
    async with HubClient(hub.url) as other:
        await other.login("admin@example.org", PASSWORD)
        await hub.end_sessions()
        with pytest.raises(ApiError) as caught:
            await other.audit_file()
    assert caught.value.code == "session-ended"


ADDRESSES = ["", "foo", "foo:8080", "http://", "http://[::1", "http://x:99999", "ftp://x", "//x", "http://x/?a=b", "/"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_address_is_named_at_once(address: str) -> None:
    with pytest.raises(AddressInvalid) as caught:
        HubClient(address)
    assert isinstance(caught.value, HubUnreachable)
    assert str(caught.value).startswith(f"{address!r} is no address of a hub: it needs the form http://")


async def test_a_key_with_the_end_of_its_line_is_taken(house: House) -> None:
    async with HubClient(f"http://127.0.0.1:{house.server.port}/", key=f"{await house.token('user')}\n") as hub:
        assert (await hub.me())["user"]["name"] == "user"
    for key in ("plughub_\udc80", "plughub_a\nb", "ä"):
        with pytest.raises(KeyInvalid, match="no key has"):
            HubClient("http://127.0.0.1", key=key)


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[HubClient]:
    """A client of something else than a hub."""
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", answer)
    server = TestServer(application)
    await server.start_server()
    async with HubClient(str(server.make_url("")), key="x") as hub:
        yield hub
    await server.close()


ODD: dict[str, tuple[int, bytes]] = {
    "a proxy's page": (502, b"<html>Bad gateway</html>"),
    "a list": (400, b"[]"),
    "no reason": (404, b"{}"),
    "a number as the reason": (404, b'{"code": 1, "detail": 2}'),
    "nothing": (500, b""),
    "no UTF-8": (500, b"\xff\xfe{}"),
    "a deep list": (400, b"[" * 200_000),
}
GOOD_FOR_ANOTHER: dict[str, tuple[int, bytes]] = {  # another program's answer that is no error
    "a page": (200, b"<html>Router</html>"),
    "a list": (200, b"[]"),
    "a word": (200, b'"ok"'),
}


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        *((*answer, name) for answer in ODD.values() for name in ASKED),
        *((*answer, name) for answer in GOOD_FOR_ANOTHER.values() for name in ("a call", "a list", "the audit log")),
        *((*GOOD_FOR_ANOTHER["a page"], name) for name in ("a report", "an export")),
        *((200, b"{}", name) for name in ("a list", "the audit log")),
    ],
)
async def test_what_is_no_answer_of_a_hub_says_so(status: int, body: bytes, name: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="text/html" if b"<html>" in body else None)

    async with answering(answer) as hub:
        with pytest.raises(ApiError) as caught:
            await ASKED[name](hub)
        assert (caught.value.status, caught.value.code) == (status, "answer-unreadable")
        assert hub.url in caught.value.detail


async def test_what_signs_nobody_in_says_so() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({})

    async with answering(answer) as hub:
        with pytest.raises(ApiError, match="is no hub's API"):
            await hub.login("ada@example.org", PASSWORD)
        with pytest.raises(ApiError, match="is no hub's API"):
            await hub.set_password("u1", PASSWORD)


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("status", [200, 404])
async def test_an_answer_cut_off_says_so(name: str, status: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"code":')
        assert request.transport is not None
        request.transport.close()
        return response

    async with answering(answer) as hub:
        with pytest.raises(HubUnreachable, match="the answer was cut off"):
            await ASKED[name](hub)


async def test_a_redirect_to_nowhere_is_told() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "ftp://elsewhere/"})

    async with answering(answer) as hub:
        with pytest.raises(HubUnreachable, match="ftp://elsewhere/"):
            await hub.me()


async def test_a_name_in_a_query_that_is_no_text_asks_nothing(unused_tcp_port: int) -> None:
    async with HubClient(f"http://127.0.0.1:{unused_tcp_port}") as hub:
        for ask in (hub.live("\udc80"), hub.audit(actor="\udc80"), hub.report_file(of="\udc80")):
            with pytest.raises(IdInvalid, match="is no id"):
                await ask
