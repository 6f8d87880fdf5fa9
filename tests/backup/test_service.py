"""Backups in the running hub: each day at the set hour, one at a time, and what an admin hears when they fail."""

import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.backup import Backups, Keys, check, find
from hub.backup.settings import last_due, next_due
from hub.bus import Bus
from hub.config.schema import BackupSection
from hub.database import Database, SettingsTable
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message, render
from hub.testing.clock import FakeClock
from tests.backup.home import refused

ZONE = "Europe/Berlin"
HOUR = 3600
PATIENCE = 30  # seconds until a test gives up waiting


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


class Hub:
    """A registry, and history's files, which rest only when `can_rest`."""

    def __init__(self, folder: Path, /, **declared: Any) -> None:
        self.data = folder / "data"
        self.usb = folder / "usb"
        self.declared = BackupSection(**declared)
        self.clock = FakeClock(local("2026-11-24T12:00"))
        self.bus = Bus()
        self.database = Database(self.data)
        self.table = SettingsTable(self.database)
        self.problems: dict[str, Any] = {}
        self.can_rest = True
        self.rebuilding = False
        self.resting = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.bus.subscribe(ProblemRaised, lambda event: self.problems.update({event.id: event.values}), "test")
        self.bus.subscribe(ProblemEnded, lambda event: self.problems.pop(event.id), "test")
        self.backups = self.made()

    def made(self) -> Backups:
        return Backups(
            data=self.data,
            config=None,
            version="0.1.0",
            settings=self.table,
            declared=self.declared,
            rest=self.rest,
            bus=self.bus,
            clock=self.clock,
            zone=lambda: ZONE,
            rate=None,
        )

    @asynccontextmanager
    async def rest(self) -> AsyncIterator[list[Path]]:
        if not self.can_rest:
            raise HubError("history-not-at-rest")
        if self.rebuilding:
            raise HubError("history-rebuilding", share=40)
        self.resting.set()
        await self.go_on.wait()
        yield [self.data / "history.sqlite"]

    async def start(self) -> None:
        await self.database.open()
        await self.table.load()
        await self.table.set("hub_id", "00aa")
        (self.data / "history.sqlite").write_bytes(b"measured" * 10_000)
        await self.backups.start()

    async def restart(self) -> None:
        await self.backups.stop()
        self.backups = self.made()
        await self.backups.start()

    async def stop(self) -> None:
        await self.backups.stop()
        await self.database.close()

    async def advance(self, hours: float) -> None:
        """Minute by minute, and whatever began has ended."""
        for _ in range(round(hours * 60)):
            await self.clock.advance(60)
            await self.backups.settled()

    async def count(self) -> int:
        return len((await self.backups.list()).items)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    hub = Hub(tmp_path)
    await hub.start()
    yield hub
    await hub.stop()


async def test_each_night_by_the_clock_of_the_home(hub: Hub) -> None:
    assert hub.backups.next == local("2026-11-25T03:00")
    await hub.advance(14.9)
    assert await hub.count() == 0
    await hub.advance(0.2)
    assert await hub.count() == 1
    assert hub.backups.last is not None
    assert hub.backups.last.automatic
    await hub.advance(24)
    assert await hub.count() == 2
    assert hub.problems == {}


async def test_a_hub_that_was_off_at_that_hour_catches_up(hub: Hub) -> None:
    await hub.backups.stop()
    await hub.clock.advance(30 * HOUR)
    await hub.restart()
    await hub.advance(0.05)
    assert await hub.count() == 0, "a start has other work"
    await hub.advance(0.1)
    assert await hub.count() == 1
    await hub.restart()
    await hub.advance(1)
    assert await hub.count() == 1


async def test_not_while_the_time_is_uncertain(hub: Hub) -> None:
    hub.clock.is_certain = False
    await hub.advance(16)
    assert await hub.count() == 0
    assert hub.backups.next is None
    hub.clock.is_certain = True
    await hub.advance(0.1)
    assert await hub.count() == 1


async def test_a_failing_one_is_told_tried_again_and_removes_nothing(tmp_path: Path) -> None:
    hub = Hub(tmp_path, folder=str(tmp_path / "usb"), keep=1)
    hub.usb.mkdir()
    await hub.start()
    await hub.advance(15.1)
    assert await hub.count() == 1
    unplugged = hub.usb.rename(tmp_path / "unplugged")
    hub.usb.mkdir()  # the mount point
    await hub.advance(24)
    assert list(hub.problems) == ["backup-failed"]
    assert "plugged in" in render(Message("backup-failed", hub.problems["backup-failed"]))
    assert list(hub.usb.iterdir()) == []
    listing = await hub.backups.list()
    assert listing.problem is not None
    assert listing.problem.id == "backup-target-gone"
    hub.problems.clear()
    await hub.restart()
    assert list(hub.problems) == ["backup-failed"], "a restart does not forget it"
    await hub.advance(72)
    assert hub.problems.keys() == {"backup-failed", "backup-old"}
    hub.usb.rmdir()
    unplugged.rename(hub.usb)
    await hub.advance(1.1)
    assert hub.problems == {}
    assert await hub.count() == 1, "the one that is kept is the new one"
    assert hub.backups.last is not None
    assert hub.backups.last.name == (await hub.backups.list()).items[0].name
    await hub.stop()


async def test_what_was_dated_ahead_neither_stops_the_daily_ones_nor_outlives_them(hub: Hub, tmp_path: Path) -> None:
    """The clock was a year ahead for some days, in each of which a backup was made."""
    await hub.backups.change({"keep": 2})
    hub.clock.step(365 * 24 * HOUR * 1000)
    for _ in range(2):
        hub.backups.begin()
        await hub.backups.settled()
        await hub.clock.advance(60)
    hub.clock.step(-365 * 24 * HOUR * 1000)
    await hub.restart()
    await hub.advance(15.1)
    made = hub.backups.last
    assert made is not None
    assert made.automatic
    names = [item.name for item in (await hub.backups.list()).items]
    assert len(names) == 2
    assert made.name in names, "not removed as the oldest"
    assert find(hub.data / "backups", hub.clock.now()).name == made.name, "the newest there is"
    assert await hub.count() == 2
    await hub.advance(24)
    assert hub.problems == {}
    assert all(name.startswith("plughub-202611") for name in [item.name for item in (await hub.backups.list()).items])


@contextmanager
def hanging(folder: Path) -> Iterator[None]:
    """Whoever opens one file of the folder waits until the block ends, as on a network drive that does not answer."""
    folder.mkdir(exist_ok=True)
    pipe = folder / "plughub-20260101T000000Z-0000.plughub"
    os.mkfifo(pipe)
    try:
        yield
    finally:
        wake = os.open(pipe, os.O_RDWR)  # whoever waits gets it
        pipe.unlink()
        os.write(wake, b"x" * 1000)
        os.close(wake)


@contextmanager
def impatient() -> Iterator[None]:
    """What hangs is given up at once; what works would not always be done so soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.backup.service.LOOK_S", 0.1)
        patch.setattr("hub.backup.service.STOP_S", 0.1)
        patch.setattr("hub.backup.making.SILENT_S", 0.2)
        yield


async def test_a_network_drive_that_does_not_answer_holds_nobody_up(hub: Hub) -> None:
    with hanging(hub.data / "backups"), impatient():
        await asyncio.wait_for(hub.restart(), PATIENCE)
        listing = await hub.backups.list()
        assert listing.problem is not None
        assert listing.problem.id == "backup-target-silent"
        await hub.advance(15.1)
        assert list(hub.problems) == ["backup-failed"]
        assert hub.problems["backup-failed"]["reason"].id == "backup-target-silent"
        with refused("backup-target-silent"):
            hub.backups.begin()
        await hub.advance(2)
        assert hub.backups.last is not None
        assert hub.clock.now() - hub.backups.last.at > HOUR * 1000, "one thread waits there, not one an hour"
    while hub.backups._maker.stuck:
        await asyncio.sleep(0)
    await hub.advance(0.1)
    assert hub.problems == {}
    assert await hub.count() == 1
    with hanging(hub.data / "backups"), impatient():
        hub.backups.begin()
        await asyncio.wait_for(hub.backups.stop(), PATIENCE)


async def test_what_goes_elsewhere_says_nothing_of_the_daily_ones(tmp_path: Path) -> None:
    hub = Hub(tmp_path, folder=str(tmp_path / "usb"))
    await hub.start()
    await hub.advance(4 * 24)
    assert hub.problems == {}
    hub.usb.rename(tmp_path / "unplugged")
    await hub.advance(4 * 24)
    assert hub.problems.keys() == {"backup-failed", "backup-old"}
    hub.backups.begin(folder=tmp_path / "other")
    await hub.backups.settled()
    assert hub.problems.keys() == {"backup-failed", "backup-old"}
    (tmp_path / "unplugged").rename(hub.usb)
    hub.backups.begin(folder=hub.usb)
    await hub.backups.settled()
    assert hub.problems == {}, "the same folder, whoever names it"
    told: list[str] = []
    hub.bus.subscribe(ProblemRaised, lambda event: told.append(event.id), "told")
    hub.usb.rename(tmp_path / "unplugged")
    await hub.advance(3.5 * 24)
    assert told.count("backup-old") == 1, "told once a day, not each minute"
    await hub.stop()


async def test_a_disk_that_does_not_even_take_how_it_went(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        await hub.advance(15.1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(hub.problems) == ["backup-failed"]
    assert "could not be stored" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
    await hub.advance(1.1)
    assert hub.problems == {}


async def test_one_at_a_time_and_history_rests_meanwhile(hub: Hub) -> None:
    hub.go_on.clear()
    hub.backups.begin(history=True)
    await asyncio.wait_for(hub.resting.wait(), PATIENCE)
    assert hub.backups.progress is not None
    with refused("backup-running"):
        hub.backups.begin()
    hub.go_on.set()
    await hub.backups.settled()
    assert hub.backups.progress is None
    [item] = (await hub.backups.list()).items
    assert item.head is not None
    assert item.head.history


@pytest.mark.parametrize("damage", ["cannot rest", "rebuilding", "damaged"])
async def test_the_registry_is_kept_where_history_cannot_be(hub: Hub, damage: str) -> None:
    hub.can_rest, hub.rebuilding = damage != "cannot rest", damage == "rebuilding"
    (hub.data / "history.sqlite").write_bytes(b"SQLite format 3\0" + b"\xaa" * 5000)
    hub.backups.begin(history=True)
    await hub.backups.settled()
    [item] = (await hub.backups.list()).items
    assert item.head is not None
    assert not item.head.history
    assert list(hub.problems) == ["backup-without-history"]
    (hub.data / "history.sqlite").write_bytes(b"mended")
    hub.can_rest, hub.rebuilding = True, False
    hub.backups.begin(history=True)
    await hub.backups.settled()
    assert hub.problems == {}


async def test_stopping_breaks_it_off(hub: Hub) -> None:
    hub.go_on.clear()
    hub.backups.begin(history=True)
    await asyncio.wait_for(hub.resting.wait(), PATIENCE)
    stopping = asyncio.create_task(hub.backups.stop())
    await asyncio.sleep(0)
    hub.go_on.set()
    await stopping
    assert await hub.count() == 0
    assert not list((hub.data / "backups").glob(".*partial"))


async def test_what_the_page_changes_holds_and_is_kept(hub: Hub, tmp_path: Path) -> None:
    await hub.backups.change({"folder": str(hub.usb), "time": "04:30", "passphrase": "a long sentence", "keep": 3})
    assert hub.backups.next == local("2026-11-25T04:30")
    await hub.restart()
    hub.backups.begin()
    await hub.backups.settled()
    [item] = (await hub.backups.list()).items
    check(hub.usb / item.name, Keys("a long sentence"), tmp_path)
    for changes, id in (
        ({"folder": "usb"}, "backup-folder-relative"),
        ({"folder": "/no/such/place/at/all"}, "backup-target-gone"),
        ({"time": "25:00"}, "backup-time-wrong"),
        ({"passphrase": "short"}, "backup-passphrase-short"),
    ):
        with pytest.raises(HubError) as caught:
            await hub.backups.change(changes)
        assert (caught.value.id, caught.value.field) == (id, next(iter(changes)))
    assert hub.backups.settings.time == "04:30"
    await asyncio.gather(hub.backups.change({"folder": str(hub.usb)}), hub.backups.change({"keep": 5}))
    assert hub.backups.settings.keep == 5, "two pages at once"


async def test_what_the_configuration_declares_holds(tmp_path: Path) -> None:
    hub = Hub(tmp_path, time="05:00", passphrase="from secrets.yaml")
    await hub.start()
    with refused("backup-declared"):
        await hub.backups.change({"time": "06:00"})
    await hub.backups.change({"keep": 2})
    assert (hub.backups.settings.time, hub.backups.settings.keep) == ("05:00", 2)
    assert "from secrets.yaml" not in json.dumps(hub.table.get("backup"))
    await hub.stop()


async def test_nothing_leaves_the_data_folder_while_the_stored_passphrase_cannot_be_read(tmp_path: Path) -> None:
    hub = Hub(tmp_path, folder=str(tmp_path / "usb"))
    hub.usb.mkdir()
    await hub.start()
    await hub.table.set("backup", {"passphrase": 5})
    await hub.advance(15.1)
    unreadable = Message("backup-passphrase-unreadable", {"folder": str(hub.usb)})
    assert hub.problems["backup-failed"] == {"reason": unreadable}
    assert [str(fault) for fault in hub.database.faults.all()] == ["settings backup: value"]
    hub.backups.begin(folder=tmp_path / "elsewhere")
    await hub.backups.settled()
    assert hub.backups.last is not None
    assert hub.backups.last.name is None
    hub.backups.begin(folder=hub.data / "backups")
    await hub.backups.settled()
    assert hub.backups.last.name is not None, "there it keeps from nobody what the registry beside it tells"
    with refused("backup-passphrase-again"):
        await hub.backups.change({"keep": 3})
    assert not [*hub.usb.iterdir()]
    await hub.backups.change({"keep": 3, "passphrase": "a long sentence"})
    assert not hub.database.faults.all()
    await hub.advance(1.1)
    [item] = (await hub.backups.list()).items
    assert item.head is not None
    assert item.head.lock.encrypted
    assert hub.problems == {}
    await hub.stop()


async def test_a_passphrase_in_the_configuration_holds_whatever_is_stored(tmp_path: Path) -> None:
    hub = Hub(tmp_path, folder=str(tmp_path / "usb"), passphrase="from secrets.yaml")
    hub.usb.mkdir()
    await hub.start()
    await hub.table.set("backup", {"passphrase": 5})
    await hub.advance(15.1)
    [item] = (await hub.backups.list()).items
    check(hub.usb / item.name, Keys("from secrets.yaml"), tmp_path)
    await hub.stop()


async def test_the_copy_that_mends_a_damaged_registry_is_always_fresh(hub: Hub) -> None:
    await hub.advance(15.1)
    await hub.table.set("mark", "of this day")
    await hub.advance(24)
    await hub.backups.stop()
    await hub.database.close()
    hub.database.path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    await hub.database.open()
    await hub.table.load()
    assert hub.database.mended is not None
    assert hub.database.mended.copy == "registry-latest.sqlite"
    assert hub.table.get("mark") == "of this day"


@pytest.mark.parametrize(
    ("now", "last", "next"),
    [
        ("2026-03-29T01:00", "2026-03-28T02:30", "2026-03-29T03:30"),  # 02:30 is not there that night
        ("2026-10-25T12:00", "2026-10-25T02:30", "2026-10-26T02:30"),
        ("2026-11-24T02:30", "2026-11-24T02:30", "2026-11-25T02:30"),
    ],
)
def test_the_hour_on_nights_when_clocks_change(now: str, last: str, next: str) -> None:
    assert last_due(local(now), "02:30", ZONE) == local(last)
    assert next_due(local(now), "02:30", ZONE) == local(next)
