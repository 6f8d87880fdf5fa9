"""Presence: who is there, by what plugs say and by their silence."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.devices.device import Device
from hub.devices.presence import Presence
from hub.events import PresenceChanged, RelayChanged, StatusReported
from tests.devices.conftest import House
from tests.devices.fakes import NOW, record


@pytest.fixture
async def presence(house: House) -> AsyncIterator[Presence]:
    presence = Presence(house.registry, house.bus, house.clock)
    await presence.start()
    yield presence
    await presence.stop()


@pytest.fixture
async def plug(house: House) -> Device:
    device, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    return device


def say(house: House, plug: Device, *, on: bool | None = None, online: bool = True, **fields: Any) -> None:
    relays = {} if on is None else {0: on}
    house.bus.publish(StatusReported(plug.id, house.clock.now(), online, relays, **fields))


async def test_connection_alone_is_not_presence(house: House, plug: Device, presence: Presence) -> None:
    assert (presence.online(plug.id), presence.state(plug.id).since, presence.relay(plug.id)) == (False, None, None)
    presence.connected("plug-1", "10.0.0.7")
    assert not presence.online(plug.id)
    heard = record(house.bus, PresenceChanged)
    say(house, plug, on=True, rssi=-61)
    assert presence.online(plug.id)
    assert (presence.state(plug.id).since, presence.relay(plug.id), presence.state(plug.id).rssi) == (NOW, True, -61)
    say(house, plug, on=True)
    assert heard == [PresenceChanged(plug.id, NOW, True, "connected")]


async def test_plug_that_sends_only_telemetry_is_online(house: House, plug: Device, presence: Presence) -> None:
    presence.connected("plug-1", "10.0.0.7")
    presence.heard(plug.id)
    await house.clock.advance(0)
    assert presence.online(plug.id)


@pytest.mark.parametrize(("interval_ms", "limit"), [(1000, 10), (3000, 10), (10_000, 30)])
async def test_silence(house: House, plug: Device, presence: Presence, interval_ms: int, limit: int) -> None:
    await house.registry.change(house.admin, plug.id, interval_ms=interval_ms)
    say(house, plug, on=True)
    heard = record(house.bus, PresenceChanged)
    await house.clock.advance(limit - 0.5)
    presence.heard(plug.id)
    await house.clock.advance(limit - 0.5)
    assert presence.online(plug.id)
    assert heard == []
    await house.clock.advance(2.5)
    assert not presence.online(plug.id)
    [event] = heard
    assert isinstance(event, PresenceChanged)
    assert (event.online, event.cause) == (False, "silence")
    assert presence.state(plug.id).since == event.at
    # The outlet's last state is still what it was.
    assert presence.relay(plug.id) is True


async def test_word_after_silence(house: House, plug: Device, presence: Presence) -> None:
    presence.connected("plug-1", "10.0.0.7")
    say(house, plug)
    await house.clock.advance(60)
    assert not presence.online(plug.id)
    presence.heard(plug.id)
    await house.clock.advance(0)
    assert presence.online(plug.id)


async def test_will_after_silence_does_not_flash_online(house: House, plug: Device, presence: Presence) -> None:
    presence.connected("plug-1", "10.0.0.7")
    say(house, plug)
    await house.clock.advance(60)
    since = presence.state(plug.id).since
    heard = record(house.bus, PresenceChanged)
    presence.heard(plug.id)  # as ingest does for each message, the will among them
    say(house, plug, online=False)
    presence.disconnected("plug-1", "will")
    await house.clock.advance(0)
    assert heard == []
    assert presence.state(plug.id).since == since


@pytest.mark.parametrize("cause", ["will", "closed", "keepalive", "refused"])
async def test_end_of_the_connection(house: House, plug: Device, presence: Presence, cause: str) -> None:
    presence.connected("plug-1", "10.0.0.7")
    say(house, plug, on=True)
    heard = record(house.bus, PresenceChanged)
    await house.clock.advance(1)
    if cause == "will":
        presence.heard(plug.id)
        say(house, plug, online=False)
    presence.disconnected("plug-1", cause)
    presence.disconnected("unknown-plug", cause)
    assert heard == [PresenceChanged(plug.id, NOW + 1000, False, cause)]
    assert not presence.online(plug.id)


async def test_will_that_another_broker_reports(house: House, plug: Device, presence: Presence) -> None:
    say(house, plug)
    heard = record(house.bus, PresenceChanged)
    say(house, plug, online=False)
    assert heard == [PresenceChanged(plug.id, NOW, False, "will")]


async def test_take_over_is_no_absence(house: House, plug: Device, presence: Presence) -> None:
    presence.connected("plug-1", "10.0.0.7")
    say(house, plug)
    heard = record(house.bus, PresenceChanged)
    say(house, plug, online=False)  # the old connection's will
    presence.disconnected("plug-1", "taken_over")
    presence.connected("plug-1", "10.0.0.8")
    assert heard == []
    assert presence.online(plug.id)


async def test_retained_status_tells_the_state_but_not_presence(house: House, plug: Device, presence: Presence) -> None:
    heard = record(house.bus, PresenceChanged, RelayChanged)
    presence.heard(plug.id)
    say(house, plug, on=True, retained=True, rssi=-50)
    await house.clock.advance(0)
    assert not presence.online(plug.id)
    assert presence.relay(plug.id) is True
    assert heard == []
    # Switched by its button while the hub was down: that is news.
    say(house, plug, on=False)
    assert RelayChanged(plug.id, 0, NOW, False) in heard
    say(house, plug, on=True, retained=True)
    assert presence.relay(plug.id) is False


async def test_relay_events_by_outlet(house: House, presence: Presence) -> None:
    strip, _ = await house.registry.add(house.admin, hardware_id="plug-2", name="Strip", channels=2)
    heard = record(house.bus, RelayChanged)
    house.bus.publish(StatusReported(strip.id, 5, True, {0: True, 1: False}))
    house.bus.publish(StatusReported(strip.id, 6, True, {0: True, 1: True}))
    assert heard == [
        RelayChanged(strip.id, 0, 5, True),
        RelayChanged(strip.id, 1, 5, False),
        RelayChanged(strip.id, 1, 6, True),
    ]
    assert (presence.relay(strip.id, 0), presence.relay(strip.id, 1), presence.relay(strip.id, 2)) == (True, True, None)


async def test_removed_device_is_forgotten(house: House, plug: Device, presence: Presence) -> None:
    say(house, plug, on=True)
    await house.registry.remove(house.admin, plug.id)
    assert (presence.online(plug.id), presence.relay(plug.id)) == (False, None)
    heard = record(house.bus, PresenceChanged)
    await house.clock.advance(60)
    assert heard == []


async def test_stopped_presence_is_quiet(house: House, plug: Device, presence: Presence) -> None:
    say(house, plug)
    await presence.stop()
    heard = record(house.bus, PresenceChanged)
    await house.clock.advance(60)
    say(house, plug, online=False)
    assert heard == []
