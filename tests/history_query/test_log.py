"""The commit log keeps every record that it confirmed, in blocks that are written once, within its bounds."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.history.log import LogFull
from hub.history.scan import BLOCK, RECORD, START
from hub.messages import HubError
from tests.history_query.logs import SMALL, opened, read, written


def test_records_come_back_in_order(path: Path) -> None:
    log, records = opened(path)
    assert records == []
    assert [log.append(kind, payload) for kind, payload in ((1, b"a"), (2, b""), (7, b"c" * 5000))] == [1, 2, 3]
    size = log.size
    log.close()
    log, records = opened(path)
    assert records == [(1, 1, b"a"), (2, 2, b""), (7, 3, b"c" * 5000)]
    assert (log.size, log.generation, log.damaged) == (size, 1, 0)
    assert log.append(1, b"d") == 4
    log.close()


def test_appending_changes_no_metadata(path: Path) -> None:
    log, _ = opened(path, preallocate=20 * BLOCK)
    before = path.stat()
    assert before.st_blocks * 512 >= 20 * BLOCK, "holes would cost a metadata write each"
    for _ in range(20):
        log.append(1, os.urandom(1000))
    after = path.stat()
    assert (before.st_size, before.st_blocks) == (after.st_size, after.st_blocks)
    log.close()


def test_one_write_and_one_sync_a_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = opened(path)
    calls = []
    real_write, real_sync = os.pwrite, os.fdatasync
    monkeypatch.setattr(os, "pwrite", lambda *a: (calls.append("write"), real_write(*a))[1])
    monkeypatch.setattr(os, "fdatasync", lambda *a: (calls.append("sync"), real_sync(*a))[1])
    log.append(1, b"x" * 300)
    assert calls == ["write", "sync"]
    log.close()


def test_a_block_with_durable_records_is_never_written_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card may lose the whole block that is being written when the power goes."""
    log, _ = opened(path, preallocate=20 * BLOCK)
    real, touched = os.pwrite, [set[int]()]

    def watched(file: int, data: bytes, at: int) -> int:
        touched[-1].update(range(at // BLOCK, (at + len(data) - 1) // BLOCK + 1))
        return real(file, data, at)

    monkeypatch.setattr(os, "pwrite", watched)
    for size in (10, BLOCK - RECORD.size, BLOCK - RECORD.size + 1, 3 * BLOCK, 100):
        touched.append(set())
        log.append(1, b"x" * size)
        assert all(touched[-1].isdisjoint(earlier) for earlier in touched[:-1])
    assert [len(blocks) for blocks in touched[1:]] == [1, 1, 2, 4, 1]
    log.close()


def test_an_older_generation_is_never_read_again(path: Path) -> None:
    log, _ = opened(path)
    for _ in range(10):
        log.append(1, b"first generation")
    log.next_generation()
    log.close()
    assert read(path) == ([], 0)
    log, _ = opened(path)
    assert (log.generation, log.size) == (2, 0)
    assert log.append(1, b"second") == 1
    log.close()
    assert read(path) == ([b"second"], 0)


def test_growth_in_steps_and_what_a_generation_gives_back(path: Path) -> None:
    log, _ = opened(path)
    payloads = [bytes([k]) * 3000 for k in range(20)]
    for payload in payloads:
        log.append(1, payload)
    grown = path.stat().st_size
    assert grown == log.capacity > START + SMALL
    assert (grown - START) % SMALL == 0
    log.close()
    assert read(path) == (payloads, 0)
    log, _ = opened(path)
    log.next_generation()
    assert path.stat().st_size == grown, "what was needed this time may be needed again"
    log.append(1, b"little")
    log.next_generation()
    assert path.stat().st_size == log.capacity == START + SMALL
    log.append(1, b"goes on")
    log.close()
    assert read(path) == ([b"goes on"], 0)


def test_full_at_its_limit(path: Path) -> None:
    log, _ = opened(path, limit=START + 3 * BLOCK)
    kept = []
    with pytest.raises(LogFull):
        while True:
            log.append(1, b"z" * 900)
            kept.append(b"z" * 900)
    assert path.stat().st_size <= START + 3 * BLOCK
    assert len(kept) == 3, "each in a block of its own"
    log.close()
    assert read(path) == (kept, 0)


def test_full_before_the_disk_is(path: Path) -> None:
    log, _ = opened(path, preallocate=4 * BLOCK)
    log.append(1, b"k" * 100)
    log.close()
    log, _ = opened(path, reserve=1 << 62, preallocate=4 * BLOCK)
    log.append(1, b"no growth needed")
    with pytest.raises(LogFull):
        log.append(1, b"w" * 4 * BLOCK)
    log.append(1, b"goes on")
    log.close()
    assert read(path)[0] == [b"k" * 100, b"no growth needed", b"goes on"]


def test_a_missing_file_is_made_and_an_empty_one_begun(path: Path) -> None:
    assert read(path) == ([], 0)
    path.write_bytes(b"")
    assert read(path) == ([], 0)
    path.write_bytes(bytes(500))
    assert read(path) == ([], 0)
    log, _ = opened(path)
    assert log.append(1, b"works") == 1
    log.close()
    assert read(path) == ([b"works"], 0)


def test_what_is_no_log_is_set_aside(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 1000)
    assert read(path) == ([], 1)
    assert next(path.parent.glob("history.log.damaged-*")).read_bytes() == b"something else entirely" * 1000


def test_a_newer_file_is_refused_and_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.history.log.VERSION", 2)
    written(path, [b"from the future"])
    monkeypatch.undo()
    before = path.read_bytes()
    with pytest.raises(HubError, match="newer version"):
        opened(path)
    assert path.read_bytes() == before


class Step:
    """What a machine does to the log between two starts."""

    append, generation, reopen, flip = range(4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just(Step.append), st.binary(max_size=3000)),
            st.tuples(st.just(Step.generation), st.none()),
            st.tuples(st.just(Step.reopen), st.none()),
            st.tuples(st.just(Step.flip), st.integers(0, 10_000)),
        ),
        max_size=30,
    )
)
def test_any_history_of_a_log(tmp_path: Path, steps: list[tuple[int, bytes | int | None]]) -> None:
    """Without damage all records of the generation are there; with it, all but the damaged ones."""
    path = tmp_path / "history.log"
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    log, _ = opened(path)
    expected: list[tuple[int, bytes]] = []  # (offset, payload)
    lost: set[int] = set()
    for step, value in steps:
        if step == Step.append:
            assert isinstance(value, bytes)
            expected.append((-(-(START + log.size) // BLOCK) * BLOCK, value))
            log.append(3, value)
        elif step == Step.generation:
            log.next_generation()
            expected, lost = [], set()
        elif step == Step.reopen:
            log.close()
            log, records = opened(path)
            expected = [entry for k, entry in enumerate(expected) if k not in lost]
            assert [p for _, _, p in records] == [p for _, p in expected]
            lost = set()
        elif expected and len(lost) < len(expected):
            assert isinstance(value, int)
            victim = [k for k in range(len(expected)) if k not in lost][value % (len(expected) - len(lost))]
            offset, payload = expected[victim]
            at = offset + value % (RECORD.size + len(payload))
            data = bytearray(path.read_bytes())
            data[at] ^= 1 << value % 8
            path.write_bytes(data)
            lost.add(victim)
    log.close()
