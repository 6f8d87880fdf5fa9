"""The ntfy plugin against a real HTTP server that checks what it is sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
import voluptuous as vol
from aiohttp import web

from hub.messages import HubError, render
from hub.plugins import Notification
from hub.testing.plugins import TestHub, add_sentences, checked
from integrations.alerts.ntfy import integration
from integrations.alerts.ntfy.notifier import NtfyNotifier

DONE = Notification(
    title="Waschmaschine", text="Die Wäsche ist fertig: 0,64 kWh", priority=4, link="http://hub/plug/1", tags=("shirt",)
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Ntfy:
    """A server that keeps what it is sent and answers as the test wants."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[tuple[web.Request, Any]] = []
        self.answer: Answer | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append((request, await request.json()))
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response({"id": "x", "event": "message"})

    def answer_with(self, status: int, **response: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, **response)

        self.answer = answer


@pytest_asyncio.fixture
async def ntfy() -> AsyncIterator[Ntfy]:
    server = Ntfy()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest_asyncio.fixture
async def notifier(ntfy: Ntfy) -> AsyncIterator[NtfyNotifier]:
    made = NtfyNotifier(ntfy.url, "plugs-7f3a")
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def sentences() -> None:
    add_sentences(integration.plughub_sentences())


async def refusal(notifier: NtfyNotifier, notification: Notification = DONE) -> HubError:
    with pytest.raises(HubError) as raised:
        await notifier.notify(notification)
    assert raised.value.id in integration.EN
    assert not render(raised.value.message, "de").startswith(raised.value.id)
    return raised.value


async def test_message_as_ntfy_wants_it(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    await notifier.notify(DONE)
    [(request, message)] = ntfy.received
    assert (request.method, request.path) == ("POST", "/")
    assert request.content_type == "application/json"
    assert "Authorization" not in request.headers
    assert message == {
        "topic": "plugs-7f3a",
        "title": "Waschmaschine",
        "message": "Die Wäsche ist fertig: 0,64 kWh",
        "priority": 4,
        "tags": ["shirt"],
        "click": "http://hub/plug/1",
    }


async def test_the_least_message(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    await notifier.notify(Notification(title="a", text="b", priority=9))
    assert ntfy.received[0][1] == {"topic": "plugs-7f3a", "title": "a", "message": "b", "priority": 5}


async def test_long_text_stays_a_message(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    await notifier.notify(Notification(title="a", text="ü" * 3000))
    text = ntfy.received[0][1]["message"]
    assert text == "ü" * 2000 + "…"
    assert len(text.encode()) <= 4096


async def test_a_connection_is_used_again(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    await notifier.notify(DONE)
    await notifier.notify(DONE)
    first, second = (request.transport for request, _ in ntfy.received)
    assert first is second


async def test_token(ntfy: Ntfy) -> None:
    notifier = NtfyNotifier(ntfy.url, "t", token="tk_123")
    await notifier.notify(DONE)
    await notifier.close()
    assert ntfy.received[0][0].headers["Authorization"] == "Bearer tk_123"


async def test_user_and_password(ntfy: Ntfy) -> None:
    notifier = NtfyNotifier(ntfy.url, "t", user="jörg", password="p:ä")
    await notifier.notify(DONE)
    await notifier.close()
    scheme, _, encoded = ntfy.received[0][0].headers["Authorization"].partition(" ")
    import base64

    assert (scheme, base64.b64decode(encoded).decode()) == ("Basic", "jörg:p:ä")


@pytest.mark.parametrize(
    ("status", "response", "id", "part"),
    [
        (401, {}, "ntfy-login", "login"),
        (403, {}, "ntfy-forbidden", "plugs-7f3a"),
        (429, {}, "ntfy-limit", "limit"),
        (400, {"text": '{"code":40009,"error":"invalid topic"}'}, "ntfy-refused", "400): invalid topic"),
        (404, {"text": "<html>a proxy says no</html>"}, "ntfy-refused", "404): Not Found"),
        (413, {"body": b"\xff" * 100_000}, "ntfy-refused", "413"),
        (302, {"headers": {"Location": "/elsewhere"}}, "ntfy-refused", "302): Found"),
        (500, {}, "ntfy-broken", "500"),
        (507, {}, "ntfy-broken", "507"),
    ],
)
async def test_refusals_are_named(
    ntfy: Ntfy, notifier: NtfyNotifier, status: int, response: dict[str, Any], id: str, part: str
) -> None:
    ntfy.answer_with(status, **response)
    error = await refusal(notifier)
    assert error.id == id
    assert part in str(error)
    assert len(ntfy.received) == 1
    ntfy.answer = None
    await notifier.notify(DONE)


async def test_server_that_does_not_answer_in_time(ntfy: Ntfy) -> None:
    released = asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    ntfy.answer = never
    notifier = NtfyNotifier(ntfy.url, "t", time_limit=0.2)
    error = await refusal(notifier)
    released.set()
    await notifier.close()
    assert error.id == "ntfy-unreachable"
    assert "0.2 s" in str(error)


async def test_no_server(unused_port: int) -> None:
    notifier = NtfyNotifier(f"http://127.0.0.1:{unused_port}", "t")
    error = await refusal(notifier)
    await notifier.close()
    assert error.id == "ntfy-unreachable"
    assert str(unused_port) in str(error)


async def test_server_that_cuts_the_line(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    ntfy.answer = cut
    assert (await refusal(notifier)).id == "ntfy-unreachable"


async def test_answer_cut_in_the_middle(ntfy: Ntfy, notifier: NtfyNotifier) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=400, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    ntfy.answer = half
    error = await refusal(notifier)
    assert (error.id, error.message.values["detail"]) == ("ntfy-refused", "Bad Request")


async def test_through_its_hooks(ntfy: Ntfy, hub: TestHub) -> None:
    config = checked(integration.plughub_config_schema(), {"topic": "t", "server": ntfy.url + "/", "token": "tk"})
    notifier = integration.plughub_notifier(hub, config)
    await notifier.notify(DONE)
    await notifier.close()
    assert ntfy.received[0][0].headers["Authorization"] == "Bearer tk"


@pytest.mark.parametrize(
    "section",
    [
        {},
        {"topic": "with space"},
        {"topic": 7},
        {"topic": "t", "server": "ntfy.sh"},
        {"topic": "t", "server": "ftp://ntfy.sh"},
        {"topic": "t", "server": "https://user:password@ntfy.sh"},
        {"topic": "t", "user": "u"},
        {"topic": "t", "password": "p"},
        {"topic": "t", "token": "tk", "user": "u", "password": "p"},
        {"topic": "t", "priority": 3},
    ],
)
def test_wrong_sections(section: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        checked(integration.plughub_config_schema(), section)


def test_defaults() -> None:
    assert checked(integration.plughub_config_schema(), {"topic": "t"}) == {"topic": "t", "server": "https://ntfy.sh"}
