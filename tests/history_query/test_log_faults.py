"""A commit log that was torn, flipped or truncated, and one on a disk with bad blocks: only what they hit is lost."""

import os
from pathlib import Path

import pytest

from hub.history.log import CommitLog, RecordLost
from hub.history.scan import BLOCK, RECORD, SLOT, START, WINDOW
from tests.history.disk import Disk
from tests.history_query.logs import opened, read, written

PAYLOADS = [bytes([k]) * (3 * BLOCK if k == 2 else 3000) for k in range(1, 6)]
BLOCKS = [range(2, 3), range(3, 7), range(7, 8), range(8, 9), range(9, 10)]  # where they stand


def opened_again(path: Path) -> CommitLog:
    log, _ = opened(path)
    return log


def test_a_write_that_fails_counts_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = opened(path)
    log.append(1, b"good")

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output"):
            log.append(1, b"a record that may or may not be on disk")
    assert log.append(1, b"next") == 2
    log.close()
    assert read(path) == ([b"good", b"next"], 0)


def test_a_short_write_is_finished(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = opened(path)
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: real(file, data[:7], at))
    log.append(1, b"in pieces of seven bytes")
    log.close()
    monkeypatch.undo()
    assert read(path) == ([b"in pieces of seven bytes"], 0)


@pytest.mark.parametrize("generations", [0, 3])
def test_a_record_torn_at_every_byte(path: Path, tmp_path: Path, generations: int) -> None:
    payloads = [b"one" * 9, b"two" * 11]
    written(path, payloads, generations)
    before = path.read_bytes()
    log, _ = opened(path)
    end = START + log.size
    log.append(1, b"the torn one" * 4)
    log.close()
    after = path.read_bytes()
    length = RECORD.size + 48
    for cut in range(length):
        torn = tmp_path / "torn.log"
        torn.write_bytes(after[: end + cut] + before[end + cut :])
        log, records = opened(torn)
        assert [p for _, _, p in records] == payloads, cut
        assert log.append(1, b"goes on") == 3
        log.close()
        assert read(torn)[0] == [*payloads, b"goes on"], cut


def test_a_bit_flipped_in_every_byte_of_a_record(path: Path, tmp_path: Path) -> None:
    payloads = [b"one" * 9, b"two" * 11, b"three" * 7]
    written(path, payloads, generations=1)
    good = path.read_bytes()
    first = START + BLOCK
    flipped = tmp_path / "flipped.log"
    for index in range(first, first + RECORD.size + len(payloads[1])):
        data = bytearray(good)
        data[index] ^= 0x10
        flipped.write_bytes(data)
        assert read(flipped) == ([payloads[0], payloads[2]], 1), index


def test_a_file_truncated_at_every_byte(path: Path, tmp_path: Path) -> None:
    payloads = [b"one" * 9, b"two" * 11]
    written(path, payloads)
    good = path.read_bytes()
    ends = [START + RECORD.size + 27, START + BLOCK + RECORD.size + 33]
    short = tmp_path / "short.log"
    around = (range(START - 3, ends[0] + 3), range(ends[1] - 70, ends[1] + 3))
    for length in (*range(40), *range(BLOCK - 3, BLOCK + 40), *around[0], *around[1]):
        short.write_bytes(good[:length])
        log, records = opened(short)
        assert [p for _, _, p in records] == [p for p, end in zip(payloads, ends, strict=True) if end <= length], length
        log.append(1, b"goes on")
        log.close()
        assert read(short)[0][-1] == b"goes on", length


def test_either_header_may_be_lost(path: Path, tmp_path: Path) -> None:
    written(path, [b"kept"], generations=4)
    good = path.read_bytes()
    broken = tmp_path / "broken.log"
    for slots in ((0,), (1,), (0, 1)):
        data = bytearray(good)
        for slot in slots:
            data[slot * BLOCK : slot * BLOCK + SLOT.size] = os.urandom(SLOT.size)
        broken.write_bytes(data)
        payloads, damaged = read(broken)
        assert payloads == [b"kept"]
        assert damaged == 1
        assert read(broken) == ([b"kept"], 0), "the header is mended"


def test_a_header_torn_while_a_generation_begins(path: Path) -> None:
    """Then the old generation is read once more: merging it again changes nothing."""
    written(path, [b"merged already"])
    before = path.read_bytes()
    log, _ = opened(path)
    log.next_generation()
    log.close()
    after = path.read_bytes()
    for cut in range(SLOT.size + 1):
        path.write_bytes(before[:cut] + after[cut:] if cut else after)
        payloads, _ = read(path)
        assert payloads in ([], [b"merged already"])
    path.write_bytes(before)
    assert read(path) == ([b"merged already"], 0)


@pytest.mark.parametrize("lost", range(5))
def test_an_unreadable_block_costs_its_record_and_the_log_moves(
    path: Path, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    written(path, PAYLOADS, generations=1)
    kept = [payload for k, payload in enumerate(PAYLOADS) if k != lost]
    good = path.read_bytes()
    for block in BLOCKS[lost]:
        path.write_bytes(good)
        with monkeypatch.context() as patch:
            disk = Disk(patch, path)
            disk.bad, disk.stubborn = {block}, True
            log, records = opened(path)
        assert [payload for _, _, payload in records] == kept
        assert (log.damaged, log.cut, log.generation, log.aside) == (1, lost == 4, 2, None)
        assert log.moved is not None
        aside = path.with_name(log.moved)
        assert aside.read_bytes() == good
        number = log.append(1, b"goes on")
        assert number == records[-1][1] + 1
        log.close()
        log, records = opened(path)
        assert [payload for _, _, payload in records] == [*kept, b"goes on"]
        assert (log.damaged, log.cut, log.moved) == (lost < 4, False, None)
        log.close()
        aside.unlink()


@pytest.mark.parametrize("blocks", [{0}, {1}, {0, 1}])
def test_unreadable_heads_cost_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, blocks: set[int]) -> None:
    written(path, PAYLOADS, generations=1)
    with monkeypatch.context() as patch:
        disk = Disk(patch, path)
        disk.bad, disk.stubborn = blocks, True
        log, records = opened(path)
        log.append(1, b"goes on")
        log.close()
    assert [payload for _, _, payload in records] == PAYLOADS
    assert read(path) == ([*PAYLOADS, b"goes on"], 0)


def test_a_log_of_which_nothing_can_be_read_is_set_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, PAYLOADS)
    with monkeypatch.context() as patch:
        disk = Disk(patch, path)
        disk.bad = set(range(path.stat().st_size // BLOCK))
        log, records = opened(path)
    assert (records, log.damaged, log.moved) == ([], 1, None)
    assert log.aside is not None
    assert log.append(1, b"goes on") == 1
    log.close()


def test_records_around_many_unreadable_blocks_of_a_long_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of them where a piece that is read at once begins or ends."""
    payloads = [k.to_bytes(4, "little") * (BLOCK // 8) for k in range(2 * WINDOW // BLOCK + 20)]
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
    written(path, payloads)
    window = WINDOW // BLOCK
    bad = {2, 40, 41, 42, window - 1, window + 1, window + 2, 2 * window + 1}
    disk = Disk(monkeypatch, path)
    disk.bad = bad
    log, records = opened(path)
    assert [payload for _, _, payload in records] == [p for k, p in enumerate(payloads) if k + 2 not in bad]
    assert log.damaged == len(bad)
    log.close()


def test_without_room_to_move_the_log_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, PAYLOADS)
    disk = Disk(monkeypatch, path)
    disk.bad = {8}
    log, records = opened(path, reserve=1 << 62, preallocate=BLOCK)
    assert [number for _, number, _ in records] == [1, 2, 3, 5]
    assert (log.moved, log.damaged) == (None, 1)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    log.close()


def test_a_record_that_becomes_unreadable_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path, PAYLOADS)
    log = opened_again(path)
    disk = Disk(monkeypatch, path)
    disk.bad = {5}
    with pytest.raises(RecordLost):
        log.read(1, 2)
    assert log.read(1, 3) == PAYLOADS[2]
    assert [number for _, number, _ in log.records()] == [1, 3, 4, 5]
    log.close()


@pytest.mark.parametrize("how", ["append", "generation", "probe"])
def test_a_block_that_cannot_be_written_is_left_after_a_second_try(
    path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    written(path, PAYLOADS)
    log = opened_again(path)
    disk = Disk(monkeypatch, path)
    disk.bad, disk.stubborn = {0 if how != "append" else 10}, True

    def work() -> None:
        if how == "append":
            log.append(1, b"goes on")
        elif how == "probe":
            log.probe()
        else:
            log.next_generation()

    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            work()
    work()
    assert log.moved is not None
    assert path.with_name(log.moved).exists()
    log.append(1, b"and on")
    log.close()
    kept = {"append": [*PAYLOADS, b"goes on"], "generation": [], "probe": PAYLOADS}[how]
    assert read(path) == ([*kept, b"and on"], 0)


def test_a_log_that_was_moving_when_the_hub_died(path: Path) -> None:
    written(path, PAYLOADS)
    new = path.with_name("history.log.new")
    new.write_bytes(b"half a copy")
    assert read(path) == (PAYLOADS, 0)
    assert not new.exists()
    path.rename(new)
    assert read(path) == (PAYLOADS, 0), "the old one was put aside already"
    assert not new.exists()
