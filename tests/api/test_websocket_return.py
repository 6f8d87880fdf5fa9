"""The WebSocket of a browser that is known already: signed in by its cookie, and back after a broken line."""

import asyncio
from typing import Any

import aiohttp
import pytest

from hub.api.resume import AWAY, KEPT
from hub.auth.tokens import ACCESS_S, Grant
from hub.events import GapsChanged
from hub.testing.clock import FakeClock
from tests.api.house import PASSWORD, House
from tests.api.sockets import Socket, closed, frame

LOGIN = {"email": "user@example.org", "password": PASSWORD}


def origin(house: House) -> str:
    return f"http://127.0.0.1:{house.server.port}"


async def grant(house: House, role: str = "user") -> Grant:
    user = house.people.user(house.principal(role).user)
    assert user is not None
    return await house.tokens.issue(user, house.identity.homes.first)


async def by_cookie(house: House, value: str, name: str = "plughub_socket", from_page: bool = True) -> Socket:
    headers = {"Cookie": f"{name}={value}"}
    return await house.http.ws_connect("/api/v1/ws", headers=headers, origin=origin(house) if from_page else None)


async def is_signed_in(ws: Socket) -> bool:
    """By what came with the handshake alone."""
    await ws.send_json({"type": "ping"})
    answer = await frame(ws)
    await ws.close()
    assert answer["type"] == "ready" or answer.get("code") == "token-missing"
    return bool(answer["type"] == "ready")


async def test_the_cookie_of_a_login_opens_the_socket_of_the_own_page(house: House) -> None:
    plug = await house.plug()
    async with house.http.post("/api/v1/auth/login", json=LOGIN) as response:
        kept = response.headers.getall("Set-Cookie")
    assert [("plughub_socket=" in cookie, "Path=/api/v1/ws;" in cookie) for cookie in kept] == [
        (False, False),
        (True,) * 2,
    ]
    assert all("HttpOnly; SameSite=Strict" in cookie for cookie in kept)
    ws = await house.http.ws_connect("/api/v1/ws", origin=origin(house))
    assert (await frame(ws))["type"] == "ready"
    await ws.send_json({"type": "subscribe", "rooms": [f"home:{house.home}"]})
    assert (await frame(ws))["type"] == "subscribed"
    house.sample(plug, 7.0)
    assert [item[3] for item in (await frame(ws))["items"]] == [7.0]
    async with house.http.post("/api/v1/auth/logout") as response:
        assert all("Max-Age=0" in cookie for cookie in response.headers.getall("Set-Cookie"))
    assert (await frame(ws))["code"] == "session-ended"
    assert await closed(ws) == 4401


async def test_whose_cookie_counts(house: House) -> None:
    first = await grant(house)
    assert await is_signed_in(await by_cookie(house, first.socket_token))
    assert await is_signed_in(await by_cookie(house, first.socket_token)), "it is not used up"
    assert not await is_signed_in(await by_cookie(house, first.socket_token, from_page=False))
    for foreign in ("http://evil.example", "null"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            cookie = {"Cookie": f"plughub_socket={first.socket_token}"}
            await house.http.ws_connect("/api/v1/ws", headers=cookie, origin=foreign)
        assert caught.value.status == 403
    assert not await is_signed_in(await by_cookie(house, first.socket_token, "__Host-plughub_refresh"))
    assert not await is_signed_in(await by_cookie(house, first.refresh_token, "plughub_refresh"))
    assert not await is_signed_in(await by_cookie(house, first.access_token))
    assert not await is_signed_in(await by_cookie(house, ""))
    async with house.http.post("/api/v1/auth/refresh", json={"refresh_token": first.socket_token}) as response:
        assert (await response.json())["code"] == "session-ended", "it opens nothing else"

    second, _, _ = await house.tokens.refresh(first.refresh_token)
    assert not await is_signed_in(await by_cookie(house, first.socket_token)), "rotated"
    await house.tokens.load()  # as after a restart
    assert not await is_signed_in(await by_cookie(house, first.socket_token))
    assert await is_signed_in(await by_cookie(house, second.socket_token))
    await house.tokens.revoke(second.refresh_token)
    assert not await is_signed_in(await by_cookie(house, second.socket_token)), "the session has ended"


async def test_a_first_message_wins_over_the_cookie(house: House) -> None:
    shown = (await grant(house, "guest")).socket_token
    ws = await by_cookie(house, shown)
    assert (await frame(ws))["by"] == "cookie"
    await ws.send_json({"type": "auth", "token": await house.token("admin")})
    assert (await frame(ws))["by"] == "auth"
    await ws.send_json({"type": "subscribe", "rooms": [f"user:{house.principal('admin').user}"]})
    assert (await frame(ws))["type"] == "subscribed"
    await ws.send_json({"type": "auth", "token": await house.token("guest")})
    assert (await frame(ws))["code"] == "forbidden", "that was not the first one"
    await ws.close()
    wrong = await by_cookie(house, shown)
    assert (await frame(wrong))["type"] == "ready"
    await wrong.send_json({"type": "auth", "token": "wrong"})
    assert (await frame(wrong))["code"] == "token-wrong"
    assert await closed(wrong) == 4401


async def test_a_cookie_holds_as_long_as_an_access_token(fake_house: House) -> None:
    house = fake_house
    assert isinstance(house.clock, FakeClock)
    shown = (await grant(house)).socket_token
    goes, stays = await by_cookie(house, shown), await by_cookie(house, shown)
    assert ((await frame(goes))["type"], (await frame(stays))["type"]) == ("ready", "ready")
    await house.clock.advance(ACCESS_S - 1)
    await stays.send_json({"type": "auth", "token": await house.token("user")})
    assert (await frame(stays))["type"] == "ready"
    await house.clock.advance(2)
    assert (await frame(goes))["code"] == "token-expired"
    assert await closed(goes) == 4401
    await stays.send_json({"type": "ping"})
    assert (await frame(stays))["type"] == "pong"
    await stays.close()


class Page:
    """A page of one session that loses its line and comes back."""

    def __init__(self, house: House, token: str) -> None:
        self.house, self.token = house, token
        self.resume, self.seq = "", 0
        self.ws: Socket

    async def connect(self, *, resume: str | None = None, seq: int | None = None) -> bool:
        """Was it resumed?"""
        self.ws = await self.house.http.ws_connect("/api/v1/ws")
        back = {"resume": self.resume if resume is None else resume, "seq": self.seq if seq is None else seq}
        await self.ws.send_json({"type": "auth", "token": self.token, **back})
        ready = await self.frame()
        self.resume = ready["resume"]
        return bool(ready["resumed"])

    async def subscribe(self) -> None:
        await self.ws.send_json({"type": "subscribe", "rooms": [f"home:{self.house.home}"]})
        assert (await self.frame())["type"] == "subscribed"

    async def frame(self) -> dict[str, Any]:
        got = await frame(self.ws)
        self.seq = got.get("seq", self.seq)
        return got

    async def lose_line(self) -> None:
        before = self.house.server.sockets.connections()
        connection = self.ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()
        async with asyncio.timeout(10):
            while len(self.house.server.sockets.connections()) == len(before):
                await asyncio.sleep(0)

    async def is_all(self) -> bool:
        """Did nothing else come?"""
        await self.ws.send_json({"type": "ping"})
        return (await self.frame())["type"] == "pong"


async def page_of(house: House, role: str = "user") -> Page:
    page = Page(house, await house.token(role))
    assert not await page.connect(resume="unknown")
    await page.subscribe()
    return page


async def test_who_comes_back_gets_what_was_missed(house: House) -> None:
    kettle, lamp = await house.plug("plug-1"), await house.plug("plug-2")
    page = await page_of(house)
    house.sample(kettle, 1.0, at=house.clock.now())
    assert (await page.frame())["type"] == "samples"
    await page.lose_line()
    house.sample(kettle, 2.0)
    house.sample(lamp, 3.0)
    house.sample(kettle, 4.0)
    house.bus.publish(GapsChanged(lamp.id))
    for name in ("Teapot", "Samovar"):
        await house.registry.change(house.principal("admin"), kettle.id, name=name)
    assert await page.connect()
    gaps, device, samples = [await page.frame() for _ in range(3)]
    assert (gaps["type"], gaps["device"]) == ("gaps", lamp.id)
    assert (device["type"], device["device"]["name"]) == ("device", "Samovar")
    assert sorted((item[0], item[3]) for item in samples["items"]) == sorted([(kettle.id, 4.0), (lamp.id, 3.0)])
    assert samples["lossy"] is True
    assert [gaps["seq"], device["seq"], samples["seq"]] == [2, 3, 4]
    assert await page.is_all()
    house.sample(lamp, 5.0)
    assert [item[3] for item in (await page.frame())["items"]] == [5.0], "its rooms came with it"
    await page.ws.close()


async def test_what_was_sent_into_a_dead_line_is_sent_again(house: House) -> None:
    """The hub does not know yet that the line is broken; the page says what it has got."""
    plug = await house.plug()
    page = await page_of(house)
    got, old = page.seq, page.ws
    house.bus.publish(GapsChanged(plug.id))
    assert (await page.frame())["type"] == "gaps"
    assert await page.connect(seq=got)
    assert (await page.frame())["type"] == "gaps"
    assert await page.is_all()
    await closed(old)
    assert len(house.server.sockets.connections()) == 1
    assert house.server.feed.followers == 1
    await page.ws.close()


@pytest.mark.parametrize(
    "why", ["too late", "said goodbye", "other rights", "too much", "taken", "not sent", "session"]
)
async def test_who_cannot_go_on_is_told_so(fake_house: House, why: str) -> None:
    house = fake_house
    assert isinstance(house.clock, FakeClock)
    plug = await house.plug()
    page = await page_of(house)
    resume, seq = page.resume, page.seq
    if why == "said goodbye":
        await page.ws.close()
    else:
        await page.lose_line()
    if why == "too late":
        await house.clock.advance(AWAY)
    elif why == "other rights":
        admin, user = house.principal("admin"), house.principal("user")
        await house.people.change(admin, user.user, role="guest")
    elif why == "too much":
        for _ in range(KEPT + 1):
            house.bus.publish(GapsChanged(plug.id))
    elif why == "taken":
        assert await page.connect()
        await page.lose_line()
    elif why == "not sent":
        seq += 1
    elif why == "session":
        page.token = await house.token("user")
    assert not await page.connect(resume=resume, seq=seq)
    assert await page.is_all()
    await page.ws.close()


async def test_nobody_takes_what_is_not_theirs(house: House) -> None:
    page = await page_of(house, "admin")
    await page.lose_line()
    thief = Page(house, await house.token("user"))
    assert not await thief.connect(resume=page.resume, seq=page.seq)
    assert await page.connect(), "and it is still there for its owner"
    for ws in (page.ws, thief.ws):
        await ws.close()


async def test_those_who_are_away_leave_with_the_hub(house: House) -> None:
    page = await page_of(house)
    await page.lose_line()
    assert house.server.feed.followers == 1
    await house.server.stop()
    assert house.server.feed.followers == 0
