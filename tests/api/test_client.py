"""The Python client against the real server: a round trip of every resource, errors, and renewal of its token."""

import base64
import json
import re
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hub.api.rest import ROUTES
from hub.client import ApiError, HubClient, HubUnreachable
from hub.testing.clock import FakeClock
from tests.api.house import PASSWORD, House
from tests.api.street import Mailbox
from tests.api.test_passkeys import Browser

CODE = "K7QM-2XPA-9D4T-HV3N"
SECOND_FACTOR = (("GET", ""), ("POST", ""), ("POST", "/confirm"), ("POST", "/codes"), ("POST", "/remove"))
RENEWAL = {"POST /auth/refresh", "POST /users/{user}/keys"}  # in other tests, with another clock and the machine's key


@pytest.fixture
async def client(house: House) -> HubClient:
    return HubClient(f"http://127.0.0.1:{house.server.port}")


NOT_OF_THE_CLIENT = {
    "POST /setup",  # tested by itself, below
    "GET /auth/key",
    "POST /account/delete",
    *(f"{method} /account/second-factor{rest}" for method, rest in SECOND_FACTOR),
    *(f"POST /auth/passkey{rest}" for rest in ("", "/options")),
    *(f"POST /account/passkeys{rest}" for rest in ("", "/options")),
    *(f"GET /certificates/{file}" for file in ("ca", "ca.mobileconfig", "access", "qr", "trusted")),
}
"""What a person does in the web app, and files for browsers. `call` reaches them, too."""


async def test_every_resource(house: House, client: HubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, str]] = []
    request = aiohttp.ClientSession._request

    async def noted(self: Any, method: str, url: Any, **rest: Any) -> Any:
        called.append((method, str(url).partition("/api/v1")[2].partition("?")[0]))
        return await request(self, method, url, **rest)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", noted)
    async with client as hub:
        assert (await hub.info())["setup"] == "done"
        who = await hub.login("admin@example.org", PASSWORD)
        assert await hub.me() == who
        await devices_and_rooms(house, hub)
        await people(hub)
        await passkeys(house, hub)
        await homes_and_oneself(hub)
        await the_hub_itself(house, hub)
        await hub.logout()
        with pytest.raises(ApiError) as caught:
            await hub.me()
        assert (caught.value.status, caught.value.code) == (401, "token-missing")
    missing = {
        f"{route.method} {route.path}"
        for route in ROUTES
        if not any(
            method == route.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), path)
            for method, path in called
        )
    }
    assert missing <= NOT_OF_THE_CLIENT | RENEWAL


async def test_a_person_with_a_second_factor_signs_in(house: House, client: HubClient) -> None:
    async with client as hub:
        await hub.login("user@example.org", PASSWORD)
        secret = (await hub.call("POST", "/account/second-factor", {"password": PASSWORD}))["secret"]
        app = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
        now = house.clock.now() // 1000
        confirmed = await hub.call("POST", "/account/second-factor/confirm", {"code": app.generate(now).decode()})
        with pytest.raises(ApiError) as caught:
            await hub.login("user@example.org", PASSWORD)
        assert caught.value.code == "code-needed"
        for code in (app.generate(now + 30).decode(), confirmed["codes"][0]):
            assert (await hub.login("user@example.org", PASSWORD, code))["user"]["email"] == "user@example.org"
        with pytest.raises(ApiError) as caught:
            await hub.login("user@example.org", PASSWORD, confirmed["codes"][0])
        assert caught.value.code == "code-wrong"


async def devices_and_rooms(house: House, hub: HubClient) -> None:
    added = await hub.add_device("plug-5", "Lamp", room="Hall")
    id = added["device"]["id"]
    assert [device["name"] for device in await hub.devices()] == ["Lamp"]
    assert (await hub.change_device(id, name="Big lamp", private=True))["private"]
    assert (await hub.device(id))["name"] == "Big lamp"
    assert len((await hub.renew_secret(id))["secret"]) == 64
    assert await hub.found() == []
    (hall,) = await hub.rooms()
    assert (hall["id"], hall["devices"]) == ((await hub.device(id))["room_id"], [id])
    attic = await hub.add_room("Attic")
    await hub.change_room(attic["id"], name="Loft", position=0)
    assert [room["name"] for room in await hub.rooms()] == ["Loft", "Hall"]
    await hub.remove_room(attic["id"])
    ben = next(member["user"] for member in await hub.shares(id) if member["name"] == "guest")
    await hub.share(id, ben, "control")
    held = {member["user"]: (member["share"], member["right"]) for member in await hub.shares(id)}
    assert held[ben] == ("control", "view")  # a guest never gets more
    (own,) = await hub.all_shares(ben)
    assert (own["device"], own["user"], own["share"], own["right"]) == (id, ben, "control", "view")
    assert len(await hub.all_shares()) == len(held)
    await hub.share(id, ben, None)
    assert {member["user"]: member["share"] for member in await hub.shares(id)}[ben] is None
    plug = house.registry.device(id)
    assert plug is not None
    house.status(plug, on=False)
    house.broker.answer = lambda _, message: house.status(plug, on=True, command_id=message["id"])
    assert (await hub.command(id, "relay_on"))["on"] is True
    now = house.clock.now()
    assert (await hub.telemetry([id], now - 5000, now, bucket="raw"))["series"][0]["at"] == []
    assert (await hub.sum(now - 5000, now, rooms=["Hall"]))["sum"]["outlets"] == [f"{id}:0"]
    assert (await hub.live(id))["at"] == []
    assert await hub.gaps([id], now - 5000, now) == []
    assert b"".join([piece async for piece in hub.export([id], now - 5000, now)]).startswith(b"time_utc")
    assert (await hub.report("day"))["by_device"][0]["device"] == id
    assert (await hub.report_file("day", form="csv")).startswith(b"time_utc")
    assert (await hub.report_file("day")).startswith(b"%PDF")
    opened = await hub.pair_device("plug-6", "Kettle", CODE)
    assert [one["id"] for one in await hub.pairings()] == [opened["id"]]
    assert (await hub.pairing(opened["id"]))["state"] == "waiting"
    assert (await hub.cancel_pairing(opened["id"]))["state"] == "failed"
    assert (await hub.replace_device(id, "plug-7", CODE))["replaces"] == id
    schedule = await hub.add_schedule(id, "Morning", days=[0], time="06:30", command="relay_on")
    assert (await hub.change_schedule(schedule["id"], time="07:00"))["time"] == "07:00"
    assert [one["id"] for one in await hub.schedules(id)] == [schedule["id"]]
    await hub.remove_schedule(schedule["id"])
    alert = await hub.add_alert(id, "Gone", "offline")
    assert not (await hub.change_alert(alert["id"], enabled=False))["enabled"]
    assert [one["id"] for one in await hub.alerts()] == [alert["id"]]
    assert await hub.ended_alerts() == []
    await hub.remove_alert(alert["id"])
    house.notifiers["mailbox"] = Mailbox()
    assert [one["name"] for one in await hub.notifiers()] == ["mailbox"]
    assert (await hub.test_notifier("mailbox"))["delivered"] is not None
    await hub.remove_device(id)
    assert await hub.devices() == []


async def people(hub: HubClient) -> None:
    ben = await hub.add_user("Ben", "ben@example.org", "guest", PASSWORD)
    assert [user["name"] for user in await hub.users()] == ["admin", "Ben", "guest", "user"]
    assert (await hub.user(ben["id"]))["role"] == "guest"
    assert (await hub.change_user(ben["id"], role="user"))["role"] == "user"
    await hub.set_password(ben["id"], "another long phrase", keep_second_factor=False)
    made = await hub.invite("user")
    assert [link["id"] for link in await hub.invitations()] == [made["invitation"]["id"]]
    token = made["link"].partition("#")[2]
    async with HubClient(hub.url) as other:
        assert (await other.link(token))["role"] == "user"
        joined = await other.join(token, name="Zoe", email="zoe@example.org", password=PASSWORD)
    assert [one["current"] for one in await hub.sessions(joined["user"]["id"])] == [False]
    await hub.end_sessions(joined["user"]["id"])
    assert await hub.sessions(joined["user"]["id"]) == []
    await hub.remove_invitation((await hub.invite())["invitation"]["id"])
    async with HubClient(hub.url) as other:
        await other.login("ben@example.org", "another long phrase")
        key = await other.add_key("Node-RED", ["read"], password="another long phrase")
    async with HubClient(hub.url, key=key["text"]) as program:
        assert (await program.me())["user"]["name"] == "Ben"
    assert [one["id"] for one in await hub.keys(ben["id"])] == [key["key"]["id"]]
    await hub.remove_key(key["key"]["id"], user=ben["id"])
    await hub.remove_user(ben["id"])
    assert (await hub.audit(action="user.remove"))[0]["object"] == ben["id"]
    assert b"user.remove" in await hub.audit_file()


async def passkeys(house: House, hub: HubClient) -> None:
    browser = Browser(house, house.principal("admin").user)
    browser.headers = {"Authorization": f"Bearer {hub.token}"}
    _, made = await browser.make("Phone")
    assert [(one["id"], one["name"]) for one in await hub.passkeys()] == [(made["id"], "Phone")]
    assert (await hub.rename_passkey(made["id"], "Old phone"))["name"] == "Old phone"
    await hub.remove_passkey(made["id"], PASSWORD)
    assert await hub.passkeys() == []


async def homes_and_oneself(hub: HubClient) -> None:
    assert (await hub.change_home(price=0.3))["price"] == 0.3
    first = await hub.home()
    other = await hub.add_home("Hut", "Europe/Berlin", "EUR")
    assert [one["home"]["name"] for one in await hub.homes()] == ["Home", "Hut"]
    assert (await hub.switch_home(other["id"]))["home"] == await hub.home() == other
    await hub.confirm(PASSWORD)
    await hub.remove_home(other["id"])
    assert await hub.home() == first, "one that is gone is left by itself"
    assert (await hub.change_profile(language="de"))["language"] == "de"
    async with HubClient(hub.url) as second:
        await second.login("admin@example.org", PASSWORD)
        mine = [one["id"] for one in await hub.sessions() if not one["current"]]
        await hub.end_session(mine[0])
        with pytest.raises(ApiError, match="ended"):
            await second.me()
    key = await hub.add_key("x", ["read", "admin"], password=PASSWORD)
    assert [one["id"] for one in await hub.keys()] == [key["key"]["id"]]
    await hub.remove_key(key["key"]["id"])
    await hub.end_sessions()
    await hub.change_password(PASSWORD, "another long phrase")


async def the_hub_itself(house: House, hub: HubClient) -> None:
    added = await hub.add_mqtt_client("node-red", read=["smartplug/#"])
    assert len(added["secret"]) == 64
    assert [entry["name"] for entry in await hub.mqtt_clients()] == ["node-red"]
    await hub.remove_mqtt_client("node-red")
    assert house.dropped == ["node-red"]
    assert await hub.mqtt_clients() == []
    assert await hub.problems() == []
    assert (await hub.rejects())["counts"] == []
    assert await hub.plugins() == []
    assert (await hub.broker_stats())["connections"] == 0
    assert (await hub.history_stats())["outlets"] == 0
    assert (await hub.updates())["source"] is None
    assert (await hub.allow_updates(False))["check"] is False
    with pytest.raises(ApiError, match="names nobody"):
        await hub.ask_for_updates()
    await hub.check_history()
    await hub.confirm_time()
    assert house.care.confirmed == 1
    assert await hub.certificates() == await hub.renew_certificates() == {"web": None, "mqtt": None}
    assert (await hub.change_backups(keep=3))["keep"] == 3
    assert (await hub.start_backup(history=False))["running"] is not None
    assert (await hub.backups())["state"]["keep"] == 3


async def test_setting_up(empty_house: House) -> None:
    async with HubClient(f"http://127.0.0.1:{empty_house.server.port}") as hub:
        who = await hub.setup(
            name="Ada",
            email="ada@example.org",
            password=PASSWORD,
            home_name="Nest",
            time_zone="Europe/Berlin",
            currency="EUR",
        )
        assert who["home"]["name"] == "Nest"
        assert (await hub.me())["user"]["name"] == "Ada"


async def test_errors_speak_the_language_and_name_the_field(house: House) -> None:
    url = f"http://127.0.0.1:{house.server.port}"
    house.identity.keys.write_command_line_key(url)
    key = json.loads((house.data / "api.key").read_text())["key"]
    async with HubClient(url, key=key, language="de") as hub:
        with pytest.raises(ApiError) as caught:
            await hub.add_device("a b", "Lamp")
    assert (caught.value.code, caught.value.field) == ("field-format", "hardware_id")
    assert caught.value.detail.startswith("hardware_id hat nicht die nötige Form: 3 bis 64 Buchstaben")


async def test_a_password_that_is_refused_leaves_no_link_behind(house: House, client: HubClient) -> None:
    async with client as hub:
        await hub.login("admin@example.org", PASSWORD)
        with pytest.raises(ApiError, match="at least"):
            await hub.set_password(house.principal("user").user, "short")
        assert await hub.invitations() == []


async def test_only_the_command_line_says_in_which_home_it_asks(house: House) -> None:
    url = f"http://127.0.0.1:{house.server.port}"
    house.identity.keys.write_command_line_key(url)
    key = json.loads((house.data / "api.key").read_text())["key"]
    async with HubClient(url, key=key) as machine, HubClient(url) as person:
        other = (await machine.add_home("Hut", "Europe/Berlin", "EUR"))["id"]
        await person.login("admin@example.org", PASSWORD)
        for hub in (machine, person):
            hub.in_home(other)
        assert (await machine.home())["name"] == "Hut"
        assert await machine.users() == []
        assert (await person.home())["name"] == "Home", "a person is where they are signed in"
        machine.in_home("nowhere")
        with pytest.raises(ApiError, match="no such home"):
            await machine.users()


async def test_a_token_that_ran_out_is_renewed(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = FakeClock()
    house = House(tmp_path_factory.mktemp("data"), clock)
    await house.start()
    await house.move_in()
    async with HubClient(f"http://127.0.0.1:{house.server.port}") as hub:
        await hub.login("user@example.org", PASSWORD)
        first = hub.token
        await clock.advance(31 * 60)
        assert (await hub.me())["user"]["name"] == "user"
        assert hub.token != first
    await house.stop()


async def test_nobody_answers(unused_tcp_port: int) -> None:
    async with HubClient(f"http://127.0.0.1:{unused_tcp_port}") as hub:
        with pytest.raises(HubUnreachable):
            await hub.info()


async def test_something_else_answers(house: House) -> None:
    async with HubClient(f"http://127.0.0.1:{house.server.port}/elsewhere") as hub:
        with pytest.raises(ApiError) as caught:
            await hub.info()
    assert caught.value.code == "path-unknown"
