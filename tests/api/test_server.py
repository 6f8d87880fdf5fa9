"""The server: its port, its headers, its end."""

import asyncio

import pytest

from hub.api import ApiServer, PluginView
from hub.messages import HubError
from tests.api.house import House


async def test_a_port_in_use_is_said(house: House) -> None:
    other = ApiServer(house.services, host="127.0.0.1", port=house.server.port)
    with pytest.raises(HubError) as caught:
        await other.start()
    assert caught.value.id == "port-in-use"
    assert str(house.server.port) in str(caught.value)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_is_not_ours_is_said(house: House, host: str) -> None:
    other = ApiServer(house.services, host=host, port=0)
    with pytest.raises(HubError) as caught:
        await other.start()
    assert caught.value.id == "address-unavailable"
    assert host in str(caught.value)


async def test_it_can_be_stopped_twice_and_frees_its_port(house: House) -> None:
    port = house.server.port
    await house.server.stop()
    await house.server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_what_is_being_answered_is_finished_before_the_end(house: House) -> None:
    plug = await house.plug()
    house.status(plug, on=False)
    headers = await house.headers("user")
    body = {"command": "relay_on"}
    asking = asyncio.create_task(house.http.post(f"/api/v1/devices/{plug.id}/command", json=body, headers=headers))
    while not house.broker.sent:
        await asyncio.sleep(0)
    stopping = asyncio.create_task(house.server.stop())
    await asyncio.sleep(0)
    house.status(plug, on=True, command_id=house.broker.sent[0][2]["id"])
    async with await asking as response:
        assert (await response.json())["state"] == "confirmed"
    await stopping


async def test_every_answer_has_the_security_headers(house: House) -> None:
    for path in ("/api/v1/system/info", "/api/v1/devices", "/api/v1/nothing", "/", "/assets/gone.js"):
        async with house.http.get(path, headers={"Accept": "text/html"}) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Server"] == "plughub"
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_strangers_learn_little(house: House) -> None:
    async with house.http.get("/api/v1/system/info") as response:
        assert set(await response.json()) == {"name", "version", "setup", "setup_closes", "demo"}


async def test_plugins_are_listed_for_admins(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    view = PluginView("sqlite", "running", ["history_store"])
    monkeypatch.setattr(house.plugins, "views", [view])
    async with house.http.get("/api/v1/plugins", headers=await house.headers("admin")) as response:
        (plugin,) = (await response.json())["items"]
    assert (plugin["name"], plugin["state"], plugin["kinds"]) == ("sqlite", "running", ["history_store"])


async def test_the_current_home(house: House) -> None:
    async with house.http.get("/api/v1/homes/current", headers=await house.headers("guest")) as response:
        home = await response.json()
    assert home == {
        "id": house.home,
        "name": "Home",
        "time_zone": "UTC",
        "currency": "EUR",
        "price": None,
        "week_start": 0,
        "declared": [],
    }
