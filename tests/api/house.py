"""A hub's API over real registry, accounts, presence and commands; plugs are played by hand."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web_app

from hub.alerts import Alerts, Delivery, Past, Watch
from hub.api import ApiServer, DeviceViews, PluginView, Problems, Services
from hub.auth.access import MqttAccess
from hub.auth.identity import Identity
from hub.auth.passwords import Passwords
from hub.auth.principal import Principal, system
from hub.auth.setup import Setup
from hub.automation import Runner, Schedules
from hub.backup import Backups
from hub.bus import Bus
from hub.clock import Clock
from hub.config.schema import BackupSection, UpdatesSection
from hub.database import Database, SettingsTable
from hub.devices.commands import Commands
from hub.devices.device import Device
from hub.devices.discovery import Discovery, Found
from hub.devices.pairing import Pairing
from hub.devices.presence import Presence
from hub.devices.registry import Registry
from hub.events import SampleReceived, StatusReported
from hub.history.gaps import GapRecord
from hub.history.inspection import HistoryCheck, HistoryStats
from hub.history.query import Query
from hub.plugins import Notifier
from hub.sample import Sample
from hub.telemetry.live import Live
from hub.telemetry.rejects import Rejects
from hub.updates import Updates
from hub.wiring import follow_rights
from integrations.devices.smartplug.driver import SmartplugDriver
from integrations.storage.sqlite.store import SqliteStore
from tests.history_query.parts import FakeTail

PASSWORD = "a quiet blue kettle"
ROLES = ("admin", "user", "guest")


class WireBroker:
    """The plugs' side of the broker: `control` messages land in `sent`; `answer` plays the plug."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: Callable[[str, dict[str, Any]], None] | None = None

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        message = json.loads(payload)
        self.sent.append((hardware_id, suffix, message))
        if self.answer is not None:
            self.answer(hardware_id, message)
        return True


class SeenByMdns(Discovery):
    """What mDNS would have found is put in by hand; nothing is sent."""

    def __init__(self) -> None:
        self.seen: list[Found] = []

    def found(self) -> list[Found]:
        return self.seen


class Care:
    """What is asked of history as a whole, in place of it."""

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        self.confirmed = 0

    async def stats(self) -> HistoryStats:
        return HistoryStats(0, 0, 0, {}, {}, 0, None, 0, 0, 0, 0, [], [], {})

    async def check(self) -> HistoryCheck:
        return HistoryCheck()

    async def confirm_time(self) -> int:
        self.confirmed += 1
        return 0


class Merged:
    """History in which everything is merged: gaps are put in by hand, samples straight into the store."""

    def __init__(self) -> None:
        self.known_gaps: list[GapRecord] = []

    async def gaps(self, device: str, channel: int, start: int, end: int) -> Sequence[GapRecord]:
        mine = [gap for gap in self.known_gaps if (gap.device, gap.channel) == (device, channel)]
        return [gap for gap in mine if gap.start <= end and (gap.end is None or gap.end >= start)]


@asynccontextmanager
async def at_rest() -> AsyncIterator[list[Path]]:
    """There is no history to back up."""
    yield []


class Plugins:
    """What the plugin manager would say."""

    def __init__(self) -> None:
        self.views: list[PluginView] = []


class House:
    """Everything the tests touch. `people` signs in each role; `token` gives its access token."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self.data = data
        self.clock = clock
        self.bus = Bus()
        self.database = Database(data)
        self.identity = Identity(self.database, clock, data, passwords=Passwords(cost=4))
        self.people, self.tokens = self.identity.people, self.identity.tokens
        self.settings = SettingsTable(self.database)
        self.setup = Setup(self.people, self.settings, clock, data)
        self.registry = Registry(self.database, self.bus, clock, self.identity.audit)
        self.mqtt = MqttAccess(self.registry, self.database, clock, audit=self.identity.audit)
        self.presence = Presence(self.registry, self.bus, clock)
        self.broker = WireBroker()
        drivers = {"smartplug": SmartplugDriver()}
        self.commands = Commands(
            self.registry,
            self.presence,
            broker=self.broker,  # type: ignore[arg-type]
            drivers=drivers,
            bus=self.bus,
            clock=clock,
            audit=self.identity.audit,
        )
        audit = self.identity.audit
        self.schedules = Schedules(self.database, self.registry, self.people, bus=self.bus, clock=clock, audit=audit)
        self.runner = Runner(
            self.schedules,
            self.registry,
            self.commands,
            settings=self.settings,
            bus=self.bus,
            clock=clock,
            zone=self.identity.homes.time_zone,
        )
        self.alerts = Alerts(self.database, self.registry, self.people, bus=self.bus, clock=clock, audit=audit)
        self.watch = Watch(self.alerts, self.presence, bus=self.bus, clock=clock)
        self.past = Past(self.alerts, self.registry, self.settings, bus=self.bus, clock=clock)
        self.notifiers: dict[str, Notifier] = {}
        self.delivery = Delivery(lambda: self.notifiers, bus=self.bus, clock=clock)
        self.live = Live()
        self.discovery = SeenByMdns()
        self.pairing = Pairing(
            self.registry,
            bus=self.bus,
            clock=clock,
            audit=self.identity.audit,
            hub_id="hub-1",
            principal_of=self.people.principal,
        )
        self.history = Merged()
        self.care = Care()
        self.rejects = Rejects()
        self.store = SqliteStore(data / "history.sqlite")
        self.store.open()
        self.problems = Problems(self.bus, clock)
        self.backups = Backups(
            data=data,
            config=None,
            version="0.1.0",
            settings=self.settings,
            declared=BackupSection(),
            rest=at_rest,
            bus=self.bus,
            clock=clock,
            zone=lambda: self.identity.homes.first.time_zone,
        )
        self.updates = Updates(UpdatesSection(), version="0.1.0", settings=self.settings, bus=self.bus, clock=clock)
        self.dropped: list[str] = []
        self.broker_counts: dict[str, int] = {}
        self.plugins = Plugins()
        self.energy_today: dict[tuple[str, int], float] = {}
        self.services = Services(
            version="0.1.0",
            session="s-1",
            demo=False,
            clock=clock,
            bus=self.bus,
            identity=self.identity,
            setup=self.setup,
            mqtt=self.mqtt,
            registry=self.registry,
            commands=self.commands,
            discovery=self.discovery,
            pairing=self.pairing,
            schedules=self.schedules,
            runner=self.runner,
            alerts=self.alerts,
            watch=self.watch,
            past=self.past,
            delivery=self.delivery,
            live=self.live,
            history=self.history,
            care=self.care,
            rejects=self.rejects,
            query=Query(self.store, FakeTail(), clock, lambda _: self.identity.homes.first.time_zone),
            views=DeviceViews(
                self.presence,
                self.commands,
                self.live,
                lambda device, channel: self.energy_today.get((device.id, channel)),
                self.registry.rooms.id_of,
            ),
            problems=self.problems,
            backups=self.backups,
            updates=self.updates,
            firmware="0.1.0",
            plugins=lambda language: self.plugins.views,
            drivers=drivers,
            drop_login=self.dropped.append,
            broker_stats=lambda: dict(self.broker_counts),
        )
        self.server = ApiServer(self.services, host="127.0.0.1", port=0, static=data / "static")
        self.http: aiohttp.ClientSession

    async def start(self) -> None:
        await self.database.open()
        for part in (
            *(self.settings, self.identity, self.setup, self.registry, self.mqtt, self.schedules, self.alerts),
        ):
            await part.load()
        await self.presence.start()
        await self.commands.start()
        await self.past.start()
        await self.watch.start()
        await self.runner.start()
        follow_rights(
            *(self.identity, self.registry, self.mqtt, self.server.sockets, self.dropped.append),
            forget_author=(self.schedules.forget_author, self.alerts.forget_author),
        )
        await self.server.start()
        self.http = aiohttp.ClientSession(
            f"http://127.0.0.1:{self.server.port}", cookie_jar=aiohttp.CookieJar(unsafe=True)
        )

    async def stop(self) -> None:
        await self.http.close()
        await self.server.stop()
        await self.backups.stop()
        await self.pairing.stop()
        await self.runner.stop()
        await self.watch.stop()
        await self.past.stop()
        await self.delivery.stop()
        await self.commands.stop()
        await self.presence.stop()
        await self.identity.stop()
        await self.database.close()
        self.store.close()
        web_app._cached_build_middleware.cache_clear()  # it keeps the last hundred houses, each with 3,000 objects

    async def move_in(self) -> None:
        """An admin, a user and a guest, each named like the role."""
        await self.people.make_first_admin(email="admin@example.org", name="admin", password=PASSWORD)
        for role in ROLES[1:]:
            await self.people.add(
                system(self.identity.homes.first.id),
                email=f"{role}@example.org",
                name=role,
                role=role,
                password=PASSWORD,
            )

    @property
    def home(self) -> str:
        return self.identity.homes.first.id

    def principal(self, role: str) -> Principal:
        user = next(u for u in self.people.list(system(self.home)) if u.name == role)
        found = self.people.principal(user.id, self.home)
        assert found is not None
        return found

    async def token(self, role: str) -> str:
        user = self.people.user(self.principal(role).user)
        assert user is not None
        return (await self.tokens.issue(user, self.identity.homes.first)).access_token

    async def headers(self, role: str | None) -> dict[str, str]:
        return {} if role is None else {"Authorization": f"Bearer {await self.token(role)}"}

    async def plug(self, hardware_id: str = "plug-1", **fields: Any) -> Device:
        """A plug of the home, not yet online."""
        owner = fields.pop("owner", None)
        principal = system(self.home) if owner is None else self.principal(owner)
        device, _ = await self.registry.add(principal, **{"hardware_id": hardware_id, "name": hardware_id} | fields)
        return device

    def status(self, device: Device, on: bool = True, **fields: Any) -> None:
        """The plug reports itself."""
        self.bus.publish(StatusReported(device.id, self.clock.now(), True, {0: on}, **fields))

    def sample(self, device: Device, power: float, channel: int = 0, at: int | None = None) -> None:
        """The plug measures."""
        sample = Sample(
            voltage=230.0, current=power / 230, power=power, energy_mwh=1, relay_state=True, channel=channel
        )
        moment = self.clock.now() if at is None else at
        self.live.heard(device.id, moment, sample)
        self.bus.publish(SampleReceived(device.id, moment, sample))
