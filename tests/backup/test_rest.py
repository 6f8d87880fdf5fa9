"""History at rest: everything is merged, its files do not change, and nothing that is measured waits."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from hub.events import DeviceRemoved
from hub.messages import HubError
from hub.plugins.contract import StoreError
from tests.backup.home import refused
from tests.history.house import START, DataCore, ManualClock, Plug, Registry, sample, seqs


@pytest.fixture
async def core(tmp_path: Path) -> DataCore:
    return await DataCore(tmp_path, ManualClock(START), Registry(Plug())).start()


class Elsewhere:
    """A store on another machine."""

    name = "influxdb"


def measure(core: DataCore, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        core.clock.run(1.0)
        core.send(sample(seq))


def digests(files: list[Path]) -> list[str]:
    """Of each file with its journals."""
    parts = [path.with_name(path.name + side) for path in files for side in ("", "-wal", "-journal")]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in parts if path.exists()]


async def test_commits_go_on_and_merges_wait(core: DataCore) -> None:
    measure(core, 0, 59)
    async with core.history.at_rest() as files:
        assert [path.name for path in files] == ["history.sqlite", "history-state.sqlite"]
        [held] = seqs(core).values()
        assert held == list(range(60)), "what was accepted so far is merged"
        before = digests(files)
        measure(core, 60, 119)
        size = core.history.log.size
        assert await core.history.merge()
        assert core.history.log.size > size, "durable in the log"
        assert digests(files) == before
    await core.history.merge()
    [held] = seqs(core).values()
    assert held == list(range(120))
    await core.stop()


async def test_a_device_that_is_removed_goes_afterwards(core: DataCore) -> None:
    measure(core, 0, 59)
    async with core.history.at_rest() as files:
        before = digests(files)
        core.bus.publish(DeviceRemoved("d1", "home"))
        for _ in range(20):
            await asyncio.sleep(0)
        await core.history.commit()
        assert digests(files) == before
    await core.history.worker.settled()
    assert seqs(core) == {}
    await core.stop()


async def test_what_cannot_be_merged_cannot_rest(core: DataCore, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(core, 0, 59)

    def refuse(*_: object) -> None:
        raise StoreError("not now")

    with monkeypatch.context() as patched:
        for name in ("merge", "commit"):
            patched.setattr(core.store, name, refuse)
        with refused("history-not-at-rest"):
            async with core.history.at_rest():
                pass
    async with core.history.at_rest():
        pass
    await core.stop()


async def test_a_store_that_is_no_file_says_so(core: DataCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core.history, "_store", Elsewhere())
    with pytest.raises(HubError) as caught:
        async with core.history.at_rest():
            pass
    assert caught.value.id == "backup-history-elsewhere"
    monkeypatch.undo()
    await core.stop()
