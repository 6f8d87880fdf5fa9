"""A long history whose state is lost: the hub is ready at once, is killed while it makes it anew, and ends exact."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.history.files import AT_ONCE
from hub.plugins.columns import select_raw
from hub.plugins.contract import Merge, SeriesKey
from hub.testing.process import HubProcess
from hub.testing.traces import trace
from integrations.storage.sqlite.store import SqliteStore
from tests.faults.archive import read
from tests.faults.test_kill import CONFIGURATION, PATIENCE, caught_up, check, holes, make_plug, more, until

OUTLETS, DAY = 3, 86_400
COUNT = AT_ONCE // OUTLETS + DAY  # of each; less than a week, so that none is too old
BEGINS = "beside everything else"
RUN = "0123456789abcdef"


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    hub = HubProcess(CONFIGURATION)
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


def fill(data: Path, device: str) -> None:
    """Samples of some days; their buckets are not there."""
    store = SqliteStore(data / "history.sqlite")
    store.open()
    samples = trace(COUNT, start=(int(time.time()) - COUNT) * 1000, run=RUN)
    for at in range(0, COUNT, DAY):
        part = select_raw(samples, slice(at, at + DAY))
        store.merge(Merge([(SeriesKey(device, channel), part) for channel in range(OUTLETS)], []))
    store.close()
    for file in data.glob("history-state.sqlite*"):
        file.unlink()


async def rebuilt(hub: HubProcess) -> None:
    async with asyncio.timeout(120):
        while any(p["id"] == "history-rebuilding" for p in (await hub.call("GET", "/system/problems"))["items"]):
            await asyncio.sleep(0.1)


async def test_a_kill_while_the_state_is_made_anew_costs_nothing(hub: HubProcess, tmp_path: Path) -> None:
    device, plug = await make_plug(hub, "rebuild-1")
    full, _ = await hub.add_plug("rebuild-2", channels=OUTLETS)
    await more(plug, 20)
    await hub.stop()
    fill(hub.data, full)
    starting = asyncio.create_task(hub.start())
    await until(lambda: BEGINS in hub.output())
    await hub.kill()
    with contextlib.suppress(RuntimeError):  # it was not ready yet
        await starting
    await hub.start()
    await asyncio.wait_for(plug.wait_online(), PATIENCE)
    await more(plug, 20)
    await rebuilt(hub)
    await more(plug, 20)
    await caught_up([plug])
    await plug.stop()
    assert await hub.stop() == 0
    archive = await read(hub.data, tmp_path / "end")
    series = SeriesKey(device)
    measured = {place: v for place, v in plug.measured(0).items() if place in archive.settled[series]}
    assert len(measured) > 60
    check(archive, series, measured)
    assert holes(archive, series) == []
    for channel in range(OUTLETS):
        held = archive.samples[SeriesKey(full, channel)]
        assert len(held) == held.total() == len(archive.settled[SeriesKey(full, channel)]) == COUNT
