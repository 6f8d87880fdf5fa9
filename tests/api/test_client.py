"""The Python client against the real server: a round trip of every resource, errors, and renewal of its token."""

import json

import pytest

from hub.client import ApiError, HubClient, HubUnreachable
from hub.testing.clock import FakeClock
from tests.api.house import PASSWORD, House


@pytest.fixture
async def client(house: House) -> HubClient:
    return HubClient(f"http://127.0.0.1:{house.server.port}")


async def test_every_resource(house: House, client: HubClient) -> None:
    async with client as hub:
        assert (await hub.info())["setup"] == "done"
        who = await hub.login("admin@example.org", PASSWORD)
        assert who["user"]["role"] == "admin"
        assert await hub.me() == who
        added = await hub.add_device("plug-5", "Lamp", room="Hall")
        plug_id = added["device"]["id"]
        assert [device["name"] for device in await hub.devices()] == ["Lamp"]
        assert (await hub.change_device(plug_id, name="Big lamp"))["name"] == "Big lamp"
        assert (await hub.device(plug_id))["name"] == "Big lamp"
        plug = house.registry.device(plug_id)
        assert plug is not None
        house.status(plug, on=False)
        house.broker.answer = lambda _, message: house.status(plug, on=True, command_id=message["id"])
        assert (await hub.command(plug_id, "relay_on"))["on"] is True
        now = house.clock.now()
        assert (await hub.telemetry([plug_id], now - 5000, now, bucket="raw"))["series"][0]["at"] == []
        assert (await hub.live(plug_id))["at"] == []
        assert await hub.gaps([plug_id], now - 5000, now) == []
        client_added = await hub.add_mqtt_client("node-red", read=["smartplug/#"])
        assert len(client_added["secret"]) == 64
        assert [entry["name"] for entry in await hub.mqtt_clients()] == ["node-red"]
        await hub.remove_mqtt_client("node-red")
        assert house.dropped == ["node-red"]
        assert await hub.mqtt_clients() == []
        await hub.add_user("Ben", "ben@example.org", "guest", PASSWORD)
        assert [user["name"] for user in await hub.users()] == ["admin", "Ben", "guest", "user"]
        await hub.remove_device(plug_id)
        assert await hub.devices() == []
        await hub.logout()
        with pytest.raises(ApiError) as caught:
            await hub.me()
        assert (caught.value.status, caught.value.code) == (401, "token-missing")


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
    assert "hat nicht die nötige Form" in caught.value.detail


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
