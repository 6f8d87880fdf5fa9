"""Blocks of the history log that the disk lost: the hub starts, runs on, says what is lost and asks for it again.

A disk that has such blocks is not to be had without being root; they are put in where the log reads and writes.
"""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hub.history.scan import BLOCK
from tests.history.disk import Disk
from tests.history.house import (
    FOREVER,
    DataCore,
    ManualClock,
    Registry,
    imported,
    play,
    problem_ids,
    problems,
    sample,
    seqs,
)

RUN = "a" * 16


def acknowledged(core: DataCore) -> tuple[int, int]:
    """seq and seen of the ack that a plug gets when it connects."""
    core.send({"status": "on", "run": RUN, "oldest": 0}, "status")
    ack = next(ack for ack in core.acks[-1]["acks"] if ack["run"] == RUN)
    return ack["seq"], ack["seen"]


async def three_commits(core: DataCore) -> None:
    for first in (0, 60, 120):
        play(core, first, first + 59)
        await core.history.commit()


def block_of(core: DataCore, commit: int) -> int:
    return int(core.history.log._index[1][commit]) // BLOCK


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_an_unreadable_block_at_the_start(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    play(core, 0, 9)
    await core.history.merge()
    for first in (10, 60, 120):
        play(core, first, first + 49)
        await core.history.commit()
    missing = range((10, 60, 120)[lost], (60, 110, 170)[lost])
    block = block_of(core, lost)
    core.kill()
    disk = Disk(monkeypatch, tmp_path / "history.log")
    disk.bad, disk.stubborn = {block}, True
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    aside = next(tmp_path.glob("history.log.damaged-*"))
    assert told == [("history-log-moved", {"file": aside.name}), ("history-damaged", {"count": 1})]
    there = [
        seq for first, last in ((0, 60), (60, 110), (120, 170)) for seq in range(first, last) if seq not in missing
    ]
    assert seqs(core) == {RUN: there}
    assert acknowledged(core)[0] < missing[0]
    play(core, 170, 170, oldest=169)  # the plug holds none of it any more
    await core.history.commit()
    play(core, 171, 171, oldest=169)
    await core.history.merge()
    gaps = [gap for gap in await core.history.gaps("d1", 0, 0, FOREVER) if gap.end is not None]
    assert [gap.cause for gap in gaps] == ["damaged"] if lost == 2 else ["damaged", "memory"]
    await core.stop()
    core = DataCore(tmp_path, clock, registry)
    told = problems(core)
    await core.start()
    assert told == [], "told once"
    assert seqs(core) == {RUN: [*there, 170, 171]}
    await core.stop()


async def test_a_block_that_is_lost_under_the_running_hub(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    await three_commits(core)
    told = problem_ids(core)
    disk = Disk(monkeypatch, tmp_path / "history.log")
    disk.bad, disk.stubborn = {block_of(core, 1)}, True
    assert not await core.history.merge()
    assert told == ["history-log-moved", "history-damaged"]
    assert await core.history.merge()
    assert seqs(core) == {RUN: [*range(60), *range(120, 180)]}
    assert acknowledged(core) == (59, 179)
    for seq in range(60, 120):
        core.send(sample(seq))
    await core.history.merge()
    assert seqs(core) == {RUN: list(range(180))}
    assert imported(core) == pytest.approx(179_000)
    await core.stop()


async def test_a_block_that_takes_no_record_is_left(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    await three_commits(core)
    told = problem_ids(core)
    disk = Disk(monkeypatch, tmp_path / "history.log")
    disk.bad, disk.stubborn = {block_of(core, 2) + 1}, True
    play(core, 180, 239)
    assert not await core.history.commit()
    assert not await core.history.commit()
    assert await core.history.commit()
    assert told == ["history-not-stored", "history-not-stored ended"]
    assert len(list(tmp_path.glob("history.log.damaged-*"))) == 1
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    assert seqs(core) == {RUN: list(range(240))}
    await core.stop()


async def test_a_disk_that_is_gone_for_a_while_ends_nothing(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails while history begins again: the plugs keep what they send, and the hub reads back when it can."""
    core = await DataCore(tmp_path, clock, registry).start()
    await three_commits(core)
    told = problem_ids(core)

    def gone(*_: Any, **__: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        for call in ("open", "pread", "pwrite", "fdatasync"):
            broken.setattr(os, call, gone)
        assert not await core.history.merge()
        assert not await core.history.merge()
        assert not await core.history.commit()
        assert told == ["history-not-stored"]
        play(core, 180, 189)
        assert len(core.buffer) == 0, "the plug keeps these"
    assert await core.history.merge()
    assert told == ["history-not-stored", "history-not-stored ended"]
    play(core, 180, 189)
    assert await core.history.merge()
    assert seqs(core) == {RUN: list(range(190))}
    assert imported(core) == pytest.approx(189_000)
    await core.stop()
