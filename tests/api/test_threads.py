"""SQLite and decompression stay off the event loop, whatever is asked: charts, gaps, the list of devices."""

import dataclasses
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.api import ApiServer, DeviceViews
from hub.api.today import Today
from hub.history import commit as commits
from hub.history.building import Needs
from hub.history.core import History
from hub.history.query import Query
from hub.telemetry import Arrivals, Buffer, Ingest, Rejects, Streams
from hub.testing.clock import FakeClock
from tests.api.house import House
from tests.history.house import START, sample

connect = sqlite3.connect


class Used:
    """Threads by what they did."""

    def __init__(self) -> None:
        self.threads: dict[str, set[int]] = {}

    def note(self, what: str) -> None:
        self.threads.setdefault(what, set()).add(threading.get_ident())


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Used:
    """Every statement of every SQLite connection, and every commit that is decoded."""
    used = Used()

    class Watched(sqlite3.Connection):
        def execute(self, *args: Any) -> sqlite3.Cursor:
            used.note("sqlite")
            return super().execute(*args)

        def executemany(self, *args: Any) -> sqlite3.Cursor:
            used.note("sqlite")
            return super().executemany(*args)

        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            used.note("sqlite")
            return super().cursor(*args, **kwargs)

    decode: Callable[..., commits.Commit] = commits.decode

    def decoding(*args: Any) -> commits.Commit:
        used.note("decode")
        return decode(*args)

    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs, factory=Watched))
    monkeypatch.setattr(commits, "decode", decoding)
    return used


class LivingHouse(House):
    """A house with a history that plugs fill."""

    async def start(self) -> None:
        streams, buffer, arrivals = Streams(), Buffer(), Arrivals(self.clock)
        common: dict[str, Any] = {
            "registry": self.registry,
            "drivers": self.services.drivers,
            "streams": streams,
            "buffer": buffer,
            "live": self.live,
            "bus": self.bus,
            "arrivals": arrivals,
        }
        self.core = History(Needs(folder=self.data, store=self.store, clock=self.clock, **common))
        self.ingest = Ingest(**common, rejects=Rejects(), presence=self.presence)
        today = Today(self.core, self.identity.homes, self.clock)
        self.services = dataclasses.replace(
            self.services,
            history=self.core,
            query=Query(self.store, self.core.tail, self.clock, lambda _: self.people.homes.first.time_zone),
            views=DeviceViews(self.presence, self.commands, self.live, today, self.registry.rooms.id_of),
        )
        self.server = ApiServer(self.services, host="127.0.0.1", port=0, static=self.data / "static")
        self.store.close()  # history opens it
        await super().start()
        await self.move_in()
        await self.core.start()

    async def stop(self) -> None:
        await self.core.stop()
        await super().stop()

    def measure(self, first: int, last: int) -> None:
        for seq in range(first, last + 1):
            self.clock._move(self.clock.monotonic() + 1)  # type: ignore[attr-defined]
            self.ingest.message("plug-1", "telemetry", msgspec.json.encode(sample(seq)), retained=False)


@pytest.fixture
async def living(tmp_path: Path, used: Used) -> AsyncIterator[LivingHouse]:
    house = LivingHouse(tmp_path, FakeClock(START))
    await house.start()
    yield house
    await house.stop()


async def test_nothing_asked_reads_sqlite_on_the_event_loop(living: LivingHouse, used: Used) -> None:
    plug = await living.plug()
    headers = await living.headers("user")
    living.measure(0, 100)
    await living.core.merge()
    living.measure(101, 200)
    await living.core.commit()
    for commit in living.core.tail.commits:
        commit.raw = None  # so that it has to be decoded
    living.measure(201, 220)
    used.threads.clear()
    span = {"device": plug.id, "from": str(START - 3_600_000), "to": str(START + 3_600_000)}

    async def get(path: str, **query: str) -> Any:
        async with living.http.get(f"/api/v1{path}", params=query, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    (listed,) = (await get("/devices"))["items"]
    assert used.threads == {}, "a list of devices needs nothing from the disk"
    assert listed["channels"][0]["live"]["energy_today_kwh"] == pytest.approx(0.22)
    assert (await get("/gaps", **span))["items"] == []
    for bucket in ("raw", "1m", "15m", "1h", "1d"):
        assert (await get("/telemetry", **span, bucket=bucket))["series"][0]["total_kwh"] == pytest.approx(0.22)
    living.measure(221, 230)
    await living.core.merge()
    assert (await get("/telemetry", **span))["series"][0]["total_kwh"] == pytest.approx(0.23)
    assert used.threads.keys() == {"sqlite", "decode"}, "both were watched"
    assert threading.get_ident() not in used.threads["sqlite"] | used.threads["decode"]


async def test_a_list_of_devices_computes_no_tails(living: LivingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await living.plug()
    living.measure(0, 30)
    await living.core.commit()
    living.measure(31, 60)
    device = living.registry.by_hardware("plug-1")
    assert device is not None

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a tail was taken")

    with monkeypatch.context() as patched:
        patched.setattr(living.core.tail, "snapshot", forbidden)
        view = living.services.views.view(device, "view")
    assert view.channels[0].live.energy_today_kwh == pytest.approx(0.06)
