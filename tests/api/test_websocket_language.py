"""In which language the WebSocket's sentences are: a browser sends its own with the handshake, not the page's."""

import json
from typing import Any

import pytest

from hub.events import ProblemRaised
from tests.api.house import House

WITHIN = 10


async def problem(socket: Any) -> str:
    """The sentence of the next problem."""
    while (frame := await socket.receive_json(timeout=WITHIN))["type"] != "problem":
        pass
    return str(frame["problem"]["detail"])


@pytest.mark.parametrize(("account", "browser"), [("de", "en-US"), ("en", "de-DE"), ("de", "")])
async def test_frames_are_in_the_language_of_the_account(house: House, account: str, browser: str) -> None:
    admin = house.principal("admin")
    await house.people.change_profile(admin, language=account)
    headers = {"Accept-Language": browser} if browser else {}
    async with house.http.ws_connect("/api/v1/ws", headers=headers) as socket:
        await socket.send_json({"type": "auth", "token": await house.token("admin")})
        await socket.send_json({"type": "subscribe", "rooms": [f"home:{house.home}"]})
        assert [(await socket.receive_json(timeout=WITHIN))["type"] for _ in range(2)] == ["ready", "subscribed"]
        house.bus.publish(ProblemRaised("web-app-not-built", {}))
        words = {"en": "The web app is not built", "de": "Die Web-App ist noch nicht gebaut"}
        assert (await problem(socket)).startswith(words[account])
        await socket.send_json({"type": "subscribe", "rooms": ["home:elsewhere"]})
        detail = (await socket.receive_json(timeout=WITHIN))["detail"]
        assert detail.startswith({"en": "There is nothing", "de": "Hier gibt es nichts"}[account])
        other = "de" if account == "en" else "en"
        await house.people.change_profile(admin, language=other)  # while it looks on
        house.bus.publish(ProblemRaised("web-app-not-built", {}))
        assert (await problem(socket)).startswith(words[other])


async def test_before_the_sign_in_it_is_that_of_the_handshake(house: House) -> None:
    async with house.http.ws_connect("/api/v1/ws", headers={"Accept-Language": "de"}) as socket:
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json(timeout=WITHIN))["detail"] == "Du bist nicht angemeldet."


async def test_the_command_lines_too(house: House) -> None:
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    key = json.loads((house.data / "api.key").read_text())["key"]
    async with house.http.ws_connect("/api/v1/ws", headers={"Accept-Language": "de"}) as socket:
        await socket.send_json({"type": "auth", "token": key})
        await socket.send_json({"type": "subscribe", "rooms": ["home:elsewhere"]})
        assert (await socket.receive_json(timeout=WITHIN))["type"] == "ready"
        assert (await socket.receive_json(timeout=WITHIN))["detail"].startswith("Hier gibt es nichts")
