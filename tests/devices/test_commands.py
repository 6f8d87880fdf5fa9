"""Commands: confirmed only by the plug's own fresh word."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.auth.audit import Asked
from hub.auth.principal import Principal, system
from hub.devices.commands import CommandOutcome, Commands
from hub.devices.device import Device
from hub.devices.presence import Presence
from hub.events import CommandFinished, CommandOutdated, CommandSent, StatusReported
from hub.messages import HubError
from tests.devices.conftest import House
from tests.devices.fakes import NOW, FakeBroker, FakeDriver, record


class Bench:
    """Commands to one plug, that answers as the test says."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.broker = FakeBroker()
        self.presence = Presence(house.registry, house.bus, house.clock)
        self.commands = Commands(
            house.registry,
            self.presence,
            self.broker,
            drivers={"smartplug": FakeDriver()},
            bus=house.bus,
            clock=house.clock,
            audit=house.identity.audit,
        )
        self.plug: Device

    def status(self, *, on: bool | None = None, id: str | None = None, **fields: Any) -> None:
        relays = {} if on is None else {0: on}
        at = self.house.clock.now()
        self.house.bus.publish(StatusReported(self.plug.id, at, True, relays, command_id=id, **fields))

    def obey(self, message: dict[str, Any]) -> None:
        self.status(on=message["command"] == "relay_on", id=message["id"])

    async def ask(self, command: str = "relay_on") -> tuple[asyncio.Task[CommandOutcome], str]:
        """A command under way and its id."""
        count = len(self.broker.sent)
        task = asyncio.create_task(self.commands.send(self.house.admin, self.plug.id, command))
        while len(self.broker.sent) == count:
            await asyncio.sleep(0)
        return task, self.broker.sent[-1][2]["id"]


@pytest.fixture
async def bench(house: House) -> AsyncIterator[Bench]:
    bench = Bench(house)
    bench.plug, _ = await house.registry.add(house.admin, hardware_id="plug-1", name="Lamp")
    await bench.presence.start()
    await bench.commands.start()
    bench.broker.connected.add("plug-1")
    bench.status(on=False)
    yield bench
    await bench.commands.stop()
    await bench.presence.stop()


async def refused(bench: Bench, asker: Principal, command: str, **where: Any) -> str:
    with pytest.raises(HubError) as caught:
        await bench.commands.send(asker, bench.plug.id, command, **where)
    return caught.value.id


async def test_who_switched_what_stands_in_the_audit_log(bench: Bench) -> None:
    task, id = await bench.ask()
    bench.status(on=True, id=id)
    await task
    audit, admin = bench.house.identity.audit, bench.house.admin
    await audit.stop()
    [line] = await audit.page(admin, Asked(action="device.switch"), below=None, limit=10)
    assert (line.actor, line.object) == (admin.user, bench.plug.id)
    assert (line.before, line.after) == ({"channel 0": {"on": False}}, {"channel 0": {"on": True}})


async def test_confirmed_by_the_status_with_its_id(bench: Bench) -> None:
    heard = record(bench.house.bus, CommandSent, CommandFinished)
    task, id = await bench.ask()
    [(hardware_id, suffix, message)] = bench.broker.sent
    assert (hardware_id, suffix) == ("plug-1", "control")
    assert message == {"id": id, "command": "relay_on", "channel": 0, "expires": NOW + 5000}
    pending = bench.commands.pending(bench.plug.id)
    assert pending is not None
    assert (pending.id, pending.state, pending.at, pending.on) == (id, "sent", NOW, False)
    bench.status(on=True)  # somebody pressed the button: no answer to this command
    bench.status(on=True, id="c-other")
    bench.status(on=True, id=id, retained=True)
    assert not task.done()
    bench.status(on=True, id=id)
    assert await task == CommandOutcome(id, "relay_on", "confirmed", NOW, True)
    assert bench.commands.pending(bench.plug.id) is None
    assert heard == [
        CommandSent(bench.plug.id, 0, NOW, id, "relay_on"),
        CommandFinished(bench.plug.id, 0, NOW, id, "relay_on", "confirmed"),
    ]


async def test_answer_within_the_call(bench: Bench) -> None:
    bench.broker.on_send = bench.obey
    outcome = await bench.commands.send(bench.house.admin, bench.plug.id, "relay_on")
    assert (outcome.state, outcome.on) == ("confirmed", True)
    assert bench.commands.pending(bench.plug.id) is None


async def test_unconfirmed_after_five_seconds_is_never_done(bench: Bench) -> None:
    task, id = await bench.ask()
    await bench.house.clock.advance(4.9)
    assert not task.done()
    await bench.house.clock.advance(0.1)
    outcome = await task
    assert (outcome.state, outcome.on, outcome.error) == ("unconfirmed", False, None)
    pending = bench.commands.pending(bench.plug.id)
    assert pending is not None
    assert (pending.id, pending.state) == (id, "unconfirmed")


async def test_late_answer_sets_it_right(bench: Bench) -> None:
    task, id = await bench.ask()
    await bench.house.clock.advance(6)
    await task
    heard = record(bench.house.bus, CommandFinished)
    bench.status(on=True, id=id)
    assert bench.commands.pending(bench.plug.id) is None
    assert heard == [CommandFinished(bench.plug.id, 0, NOW + 6000, id, "relay_on", "confirmed")]
    bench.status(on=True, id=id)
    assert len(heard) == 1


@pytest.mark.parametrize("error", ["late", "overload", "unknown"])
async def test_refused_with_the_plugs_word(bench: Bench, error: str) -> None:
    task, id = await bench.ask()
    bench.status(on=False, id=id, error=error)
    outcome = await task
    assert (outcome.state, outcome.error, outcome.on) == ("refused", error, False)
    pending = bench.commands.pending(bench.plug.id)
    assert pending is not None
    assert (pending.state, pending.error) == ("refused", error)
    bench.broker.on_send = bench.obey
    await bench.commands.send(bench.house.admin, bench.plug.id, "relay_on")
    assert bench.commands.pending(bench.plug.id) is None


async def test_plug_that_speaks_again_ends_unconfirmed(bench: Bench) -> None:
    task, id = await bench.ask()
    await bench.house.clock.advance(5)
    await task
    heard = record(bench.house.bus, CommandOutdated)
    bench.status()  # says nothing of the outlet
    bench.status(on=True, retained=True)
    assert bench.commands.pending(bench.plug.id) is not None
    bench.status(on=False)
    assert bench.commands.pending(bench.plug.id) is None
    assert heard == [CommandOutdated(bench.plug.id, 0, NOW + 5000, id)]


async def test_refusal_is_shown_until_the_outlet_moves(bench: Bench) -> None:
    task, id = await bench.ask()
    bench.status(on=False, id=id, error="overload")
    await task
    bench.status(on=False)
    assert bench.commands.pending(bench.plug.id) is not None
    heard = record(bench.house.bus, CommandOutdated)
    bench.status(on=True)
    assert bench.commands.pending(bench.plug.id) is None
    assert heard == [CommandOutdated(bench.plug.id, 0, NOW, id)]


async def test_newer_command_takes_the_place(bench: Bench) -> None:
    first, first_id = await bench.ask("relay_on")
    await bench.house.clock.advance(1)
    second, second_id = await bench.ask("relay_off")
    await bench.house.clock.advance(4)
    assert (await first).state == "unconfirmed"
    pending = bench.commands.pending(bench.plug.id)
    assert pending is not None
    assert (pending.id, pending.state) == (second_id, "sent")
    bench.status(on=True, id=first_id)
    assert not second.done()
    assert bench.commands.pending(bench.plug.id) is pending
    bench.status(on=False, id=second_id)
    assert (await second).state == "confirmed"


async def test_answer_without_switching_is_not_done(bench: Bench) -> None:
    task, id = await bench.ask()
    bench.status(on=False, id=id)
    outcome = await task
    assert (outcome.state, outcome.error) == ("refused", "not-switched")


async def test_answer_of_another_device_is_none(bench: Bench) -> None:
    other, _ = await bench.house.registry.add(bench.house.admin, hardware_id="plug-2", name="TV")
    task, id = await bench.ask()
    bench.house.bus.publish(StatusReported(other.id, NOW, True, {0: True}, command_id=id))
    assert not task.done()
    await bench.house.clock.advance(5)
    assert (await task).state == "unconfirmed"


async def test_two_at_once_are_told_apart(bench: Bench) -> None:
    on, on_id = await bench.ask("relay_on")
    off, off_id = await bench.ask("relay_off")
    bench.status(on=False, id=off_id)
    assert (await off).state == "confirmed"
    assert not on.done()
    await bench.house.clock.advance(5)
    assert (await on).state == "unconfirmed"
    assert on_id != off_id


async def test_toggle_becomes_on_or_off(bench: Bench) -> None:
    bench.broker.on_send = bench.obey
    for expected in ("relay_on", "relay_off", "relay_on"):
        assert (await bench.commands.send(bench.house.admin, bench.plug.id, "toggle")).command == expected
    assert [message["command"] for _, _, message in bench.broker.sent] == ["relay_on", "relay_off", "relay_on"]


async def test_toggle_of_an_unknown_state_is_refused(bench: Bench) -> None:
    silent, _ = await bench.house.registry.add(bench.house.admin, hardware_id="plug-2", name="TV")
    with pytest.raises(HubError) as caught:
        await bench.commands.send(bench.house.admin, silent.id, "toggle")
    assert caught.value.id == "relay-unknown"


async def test_nothing_is_sent_to_a_plug_that_is_away(bench: Bench) -> None:
    await bench.house.clock.advance(60)
    assert await refused(bench, bench.house.admin, "relay_on") == "device-offline"
    bench.status(on=False)
    bench.broker.connected.clear()
    assert await refused(bench, bench.house.admin, "relay_on") == "device-offline"
    assert bench.broker.sent == []
    assert bench.commands.pending(bench.plug.id) is None


async def test_no_expiry_while_the_clock_is_uncertain(bench: Bench) -> None:
    bench.house.clock.is_certain = False
    bench.broker.on_send = bench.obey
    await bench.commands.send(bench.house.admin, bench.plug.id, "relay_on")
    assert bench.broker.sent[0][2]["expires"] is None


async def test_rights(bench: Bench) -> None:
    house = bench.house
    bench.broker.on_send = bench.obey
    assert (await bench.commands.send(house.user, bench.plug.id, "relay_on")).state == "confirmed"
    assert await refused(bench, house.user, "reboot") == "forbidden"
    assert await refused(bench, house.guest, "relay_on") == "device-unknown"
    await house.registry.share(house.admin, bench.plug.id, house.guest.user, "manage")
    assert await refused(bench, house.guest, "relay_on") == "forbidden"
    assert await refused(bench, system("other-home"), "relay_on") == "device-unknown"
    assert len(bench.broker.sent) == 1


async def test_always_on_is_switched_off_by_a_person_only(bench: Bench) -> None:
    house = bench.house
    await house.registry.change(house.admin, bench.plug.id, always_on=True)
    bench.broker.on_send = bench.obey
    hub = system(house.admin.home)
    assert (await bench.commands.send(hub, bench.plug.id, "relay_on")).state == "confirmed"
    assert await refused(bench, hub, "relay_off") == "always-on"
    assert await refused(bench, hub, "toggle") == "always-on"
    assert await refused(bench, Principal("system", house.admin.home, "admin"), "relay_off") == "always-on"
    assert (await bench.commands.send(house.user, bench.plug.id, "relay_off")).state == "confirmed"


@pytest.mark.parametrize(
    ("command", "channel", "expected"),
    [("explode", 0, "command-unknown"), ("relay_on", 1, "channel-unknown"), ("identify", -1, "channel-unknown")],
)
async def test_bad_requests(bench: Bench, command: str, channel: int, expected: str) -> None:
    assert await refused(bench, bench.house.admin, command, channel=channel) == expected


async def test_device_of_a_plugin_that_is_not_there(bench: Bench) -> None:
    other, _ = await bench.house.registry.add(bench.house.admin, hardware_id="plug-2", name="TV", driver="tasmota")
    with pytest.raises(HubError) as caught:
        await bench.commands.send(bench.house.admin, other.id, "relay_on")
    assert caught.value.id == "driver-missing"


async def test_caller_that_goes_away_does_not_end_the_command(bench: Bench) -> None:
    task, id = await bench.ask()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pending = bench.commands.pending(bench.plug.id)
    assert pending is not None
    assert pending.state == "sent"
    heard = record(bench.house.bus, CommandFinished)
    bench.status(on=True, id=id)
    assert heard == [CommandFinished(bench.plug.id, 0, NOW, id, "relay_on", "confirmed")]


async def test_removal_and_stop_end_what_waits(bench: Bench) -> None:
    task, _ = await bench.ask()
    await bench.house.registry.remove(bench.house.admin, bench.plug.id)
    assert (await task).state == "unconfirmed"
    assert bench.commands.pending(bench.plug.id) is None
    bench.plug, _ = await bench.house.registry.add(bench.house.admin, hardware_id="plug-1", name="Lamp")
    bench.status(on=False)
    task, _ = await bench.ask()
    await bench.commands.stop()
    assert (await task).state == "unconfirmed"
