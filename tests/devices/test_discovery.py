"""mDNS on the loopback interface, with a real zeroconf at both ends."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

import hub.devices.discovery
from hub.devices.discovery import Discovery, Found
from hub.events import DeviceFound
from tests.devices.conftest import House
from tests.devices.fakes import FakeDriver

LOOPBACK = "127.0.0.1"
PATIENCE_S = 20
PLUG = "_smartplug._tcp.local."
# The loopback interface is that of every process of tests on this machine.
MINE = str(os.getpid())
NAME = f"Test hub {MINE}"
ONE, TWO = f"plug-1-{MINE}", f"plug-2-{MINE}"


def make(house: House) -> Discovery:
    return Discovery(
        house.registry,
        house.bus,
        {"smartplug": FakeDriver()},
        name=NAME,
        hub_id=f"{os.getpid():016x}",
        interfaces=[LOOPBACK],
        clock=house.clock,
    )


@pytest.fixture
async def discovery(house: House) -> AsyncIterator[Discovery]:
    discovery = make(house)
    await discovery.start(8080, 1883)
    yield discovery
    await discovery.stop()


@pytest.fixture
async def neighbour() -> AsyncIterator[AsyncZeroconf]:
    neighbour = AsyncZeroconf(interfaces=[LOOPBACK])
    yield neighbour
    await neighbour.async_close()


def plug(name: str, **properties: str) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        PLUG,
        f"{name}-{MINE}.{PLUG}",
        addresses=[socket.inet_aton(LOOPBACK)],
        port=80,
        properties=properties,
        server=f"{name}-{MINE}.local.",
    )


async def next_found(heard: "asyncio.Queue[DeviceFound]") -> DeviceFound:
    return await asyncio.wait_for(heard.get(), PATIENCE_S)


async def test_hub_is_announced(discovery: Discovery, neighbour: AsyncZeroconf) -> None:
    seen: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Added and name.startswith(f"{NAME}."):
            seen.put_nowait((service_type, name))

    kinds = ["_plughub._tcp.local.", "_http._tcp.local.", "_mqtt._tcp.local."]
    browser = AsyncServiceBrowser(neighbour.zeroconf, kinds, handlers=[changed])
    found = {(await asyncio.wait_for(seen.get(), PATIENCE_S)) for _ in kinds}
    assert found == {(kind, f"{NAME}.{kind}") for kind in kinds}
    ports = {}
    for kind, name in found:
        info = AsyncServiceInfo(kind, name)
        assert await info.async_request(neighbour.zeroconf, PATIENCE_S * 1000)
        ports[kind] = info.port
        assert info.parsed_addresses() == [LOOPBACK]
        assert set(info.decoded_properties) == ({"id", "api"} if kind == kinds[0] else set())
    assert ports == dict(zip(kinds, (8080, 8080, 1883), strict=True))
    await browser.async_cancel()


async def test_plugs_are_found_added_and_gone(house: House, discovery: Discovery, neighbour: AsyncZeroconf) -> None:
    heard: asyncio.Queue[DeviceFound] = asyncio.Queue()

    def note(event: DeviceFound) -> None:
        if event.hardware_id in {ONE, TWO}:
            heard.put_nowait(event)

    def found() -> list[Found]:
        return [found for found in discovery.found() if found.hardware_id in {ONE, TWO}]

    house.bus.subscribe(DeviceFound, note, "test")
    first, second = plug("plug-a", id=ONE, model="SP-1"), plug("plug-b", id=TWO)
    for info in (first, second, plug("stranger")):
        await (await neighbour.async_register_service(info))
    events = {event.hardware_id: event for event in [await next_found(heard), await next_found(heard)]}
    assert events[ONE] == DeviceFound(ONE, f"plug-a-{MINE}", "SP-1", LOOPBACK)
    assert found() == [
        Found(ONE, f"plug-a-{MINE}", "SP-1", LOOPBACK, "smartplug"),
        Found(TWO, f"plug-b-{MINE}", "", LOOPBACK, "smartplug"),
    ]
    await house.registry.add(house.admin, hardware_id=ONE, name="Lamp")
    assert await next_found(heard) == DeviceFound(ONE, f"plug-a-{MINE}", "SP-1", LOOPBACK, gone=True)
    assert [found.hardware_id for found in found()] == [TWO]
    await (await neighbour.async_unregister_service(second))
    assert await next_found(heard) == DeviceFound(TWO, f"plug-b-{MINE}", "", LOOPBACK, gone=True)
    assert found() == []
    await (await neighbour.async_unregister_service(first))
    assert heard.empty()


async def test_second_hub_of_the_same_name_gets_another(house: House, discovery: Discovery) -> None:
    await asyncio.wait_for(discovery.announced.wait(), PATIENCE_S)
    second = make(house)
    await second.start(8081, 1884)
    try:
        await asyncio.wait_for(second.announced.wait(), PATIENCE_S)
    finally:
        await second.stop()


async def test_start_does_not_wait_and_stop_is_clean_at_any_moment(house: House) -> None:
    discovery = make(house)
    await discovery.start(8080, 1883)
    assert not discovery.announced.is_set()
    await discovery.stop()
    await discovery.stop()


async def test_machine_without_network_announces_when_there_is_one(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_network(**options: object) -> AsyncZeroconf:
        raise OSError("Network is unreachable")

    addresses = [b"\x7f\0\0\1"]
    with monkeypatch.context() as patch:
        patch.setattr(hub.devices.discovery, "AsyncZeroconf", no_network)
        patch.setattr(hub.devices.discovery, "own_addresses", lambda interfaces, host: list(addresses))
        discovery = make(house)
        await discovery.start(8080, 1883)
        await house.clock.advance(300)
        assert discovery.found() == []
        assert caplog.text.count("Network is unreachable") == 1
        patch.setattr(hub.devices.discovery, "AsyncZeroconf", AsyncZeroconf)
        addresses[:] = [b"\x7f\0\0\2"]
        await house.clock.advance(60)
        await asyncio.wait_for(discovery.announced.wait(), PATIENCE_S)
        await discovery.stop()
