"""A disk that fails at any write of the log: nothing acknowledged is lost, nothing double, it starts again on its own.

A file system that returns EIO is not to be had; the faults are put in where the log calls the operating system.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.history.log import CommitLog
from tests.history.house import (
    START,
    DataCore,
    ManualClock,
    Registry,
    imported,
    play,
    problem_ids,
    sample,
    seqs,
)

RUN = "a" * 16


def acknowledged(core: DataCore) -> int:
    return max((ack["seq"] for told in core.acks for ack in told["acks"] if ack["run"] == RUN), default=-1)


def failing(real: Callable[..., Any], at: int, number: int, *, half: bool = False) -> Callable[..., Any]:
    """The call number `at` fails; of a write half may reach the disk."""
    left = [at]

    def call(file: int, *rest: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            if half:
                real(file, rest[0][: len(rest[0]) // 2], rest[1])
            raise OSError(number, os.strerror(number))
        return real(file, *rest)

    return call


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(("number", "half"), [(errno.EIO, True), (errno.EROFS, False), (errno.ENOSPC, True)])
async def test_a_failed_write_is_not_acknowledged_and_made_again(
    tmp_path: Path,
    clock: ManualClock,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    at: int,
    number: int,
    half: bool,
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    monkeypatch.setattr(os, call, failing(getattr(os, call), at, number, half=half and call == "pwrite"))
    last = -1
    for _ in range(4):
        play(core, last + 1, last + 10)
        last += 10
        before = acknowledged(core)
        done = await core.history.commit()
        assert acknowledged(core) == (last if done else before)
        if not done:
            assert told == ["history-not-stored"]
            assert await core.history.commit(), "the disk takes it again"
            assert acknowledged(core) == last
    assert told == ["history-not-stored", "history-not-stored ended"]
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    assert seqs(core) == {RUN: list(range(40))}
    assert imported(core) == pytest.approx(39_000)
    await core.stop()


@pytest.mark.parametrize("call", ["open", "pread"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS])
async def test_a_disk_that_fails_while_no_plug_sends_is_told(
    tmp_path: Path,
    clock: ManualClock,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
) -> None:
    """As a file system does that has become read-only, or a card that is dead."""
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    assert await core.history.commit()
    assert told == []
    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing(getattr(os, call), 1, number))
        assert not await core.history.commit()
    assert told == ["history-not-stored"]
    play(core, 0, 9)
    assert len(core.buffer) == 0, "the plug keeps these"
    assert await core.history.commit()
    assert told == ["history-not-stored", "history-not-stored ended"]
    await core.stop()


async def test_a_disk_that_refuses_writes_only_is_told_after_a_day_of_silence(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = await DataCore(tmp_path, clock, registry).start()
    told = problem_ids(core)
    play(core, 0, 9)
    await core.history.commit()
    written: list[int] = []
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: written.append(len(data)) or pwrite(file, data, at))
    for _ in range(24 * 30 - 1):
        clock.run(120)
        assert await core.history.commit()
    assert written == [], "asking costs the card nothing"
    monkeypatch.setattr(os, "pwrite", failing(pwrite, 1, errno.EIO))
    clock.run(120)
    assert not await core.history.commit()
    assert told == ["history-not-stored"]
    assert await core.history.commit()
    assert told == ["history-not-stored", "history-not-stored ended"]
    core.kill()
    core = await DataCore(tmp_path, clock, registry).start()
    assert core.history.log.damaged == 0
    assert seqs(core) == {RUN: list(range(10))}
    await core.stop()


async def test_a_power_cut_at_any_write_of_the_log_keeps_what_was_acknowledged(
    tmp_path: Path, clock: ManualClock, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each write and sync of the log the folder is copied, once as it is and once with half of the write."""
    folder = tmp_path / "data"
    cuts: list[tuple[Path, int]] = []
    folder.mkdir()
    core = await DataCore(folder, clock, registry).start()
    pwrite, fdatasync = os.pwrite, os.fdatasync

    def copied() -> Path:
        cuts.append((tmp_path / f"cut-{len(cuts)}", acknowledged(core)))
        shutil.copytree(folder, cuts[-1][0])
        return cuts[-1][0] / "history.log"

    def write(file: int, data: bytes, place: int) -> int:
        copied()
        torn = copied()
        with torn.open("r+b") as half:
            half.seek(place)
            half.write(data[: len(data) // 2])
        return pwrite(file, data, place)

    def sync(file: int) -> None:
        copied()
        fdatasync(file)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fdatasync", sync)
    for first in (0, 10, 20, 30):
        play(core, first, first + 9)
        await core.history.commit()
        if first == 10:
            await core.history.merge()
    await core.history.merge()
    monkeypatch.undo()
    await core.stop()
    assert len(cuts) > 20
    for cut, promised in cuts:
        again = await DataCore(cut, ManualClock(START + 10_000_000), registry).start()
        kept = seqs(again).get(RUN, [])
        assert kept[: promised + 1] == list(range(promised + 1))
        assert len(kept) == len(set(kept))
        for seq in range(40):
            again.send(sample(seq))
        await again.history.merge()
        assert seqs(again) == {RUN: list(range(40))}
        assert imported(again) == pytest.approx(39_000)
        await again.stop()


def test_a_log_without_room_for_its_first_bytes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = CommitLog(tmp_path / "history.log", reserve=0)
    monkeypatch.setattr(os, "pwrite", failing(os.pwrite, 1, errno.ENOSPC))
    with pytest.raises(OSError, match="full"):
        log.open()
    monkeypatch.undo()
    log.open()
    assert log.append(1, b"x") == 1
    log.close()
