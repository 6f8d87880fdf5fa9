"""A history database with damaged pages: what can be read is taken over, what is lost is said."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hub.history.calendar import HOUR, MINUTE
from hub.plugins.contract import Merge, SeriesKey
from hub.testing.traces import buckets, trace
from integrations.storage.sqlite.pages import Pages
from integrations.storage.sqlite.salvage import salvage
from integrations.storage.sqlite.schema import PAGE
from integrations.storage.sqlite.store import SqliteStore
from tests.history_robust.test_cli import plughub

T = 1_700_000_100_000 // HOUR * HOUR
FOREVER = 1 << 60
DEVICES, HOURS, SAMPLES = 4, 12, 120
ALL = DEVICES * HOURS * SAMPLES


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some plugs over some hours, a run an hour for one of them; of a day before there are only buckets."""
    path = tmp_path_factory.mktemp("sound") / "history.sqlite"
    store = SqliteStore(path)
    store.open()
    for hour in range(HOURS):
        raw, rollups = [], []
        for device in range(DEVICES):
            series, at = SeriesKey(f"d{device}"), T + hour * HOUR
            run = f"{device:08x}{hour if device == 0 else 0:08x}"
            raw.append((series, trace(SAMPLES, seed=device + 100 * hour, start=at, run=run, seq=hour * SAMPLES)))
            rollups.append((series, "1m", buckets(40, seed=device, start=at - 30 * HOUR, bucket_ms=MINUTE)))
            rollups.append((series, "15m", buckets(4, seed=device, start=at - 30 * HOUR, bucket_ms=15 * MINUTE)))
        store.merge(Merge(raw, rollups))
    store.close()
    return path


def pages_of(path: Path, what: str) -> list[int]:
    """Numbers of the pages that hold rows of a table or entries of an index, the root left out where there is more."""
    connection = sqlite3.connect(path)
    root = connection.execute("select rootpage from sqlite_schema where name = ?", (what,)).fetchone()[0]
    connection.close()
    data = path.read_bytes()

    def below(number: int) -> Iterator[int]:
        page = data[(number - 1) * PAGE : number * PAGE]
        if page[0] in (0x02, 0x05):
            for k in range(int.from_bytes(page[3:5], "big")):
                cell = int.from_bytes(page[12 + 2 * k : 14 + 2 * k], "big")
                yield from below(int.from_bytes(page[cell : cell + 4], "big"))
            yield from below(int.from_bytes(page[8:12], "big"))
        else:
            yield number

    return list(below(root))


def flip(path: Path, numbers: list[int], length: int = PAGE) -> None:
    with path.open("r+b") as file:
        for number in numbers:
            file.seek((number - 1) * PAGE)
            old = file.read(length)
            file.seek((number - 1) * PAGE)
            file.write(bytes(byte ^ 0xA5 for byte in old))


def held(folder: Path) -> tuple[int, int]:
    """Raw samples, and buckets of the day of which there is no raw."""
    store = SqliteStore(folder / "history.sqlite")
    store.open()
    series = store.contents()
    found = sum(len(part.seq) for each in series for part in store.read(each, 0, FOREVER))
    old = sum(len(store.rollup(each, tier, 0, T - 6 * HOUR).start) for each in series for tier in ("1m", "15m"))
    store.close()
    return found, old


DAMAGES = {
    "a sound one": {},
    "raw": {"raw": 3},
    "rollup": {"rollup": 2},
    "index of raw": {"raw_place": 2},
    "index of rollups": {"rollup_place": 2},
    "names": {"series": 1, "stream": 1},
    "all indexes": {"raw_place": 99, "rollup_place": 99},
    "head": {"head": 1},
    "head and more": {"head": 1, "raw": 2, "rollup": 1, "raw_place": 1},
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_the_pages_hold_is_taken_over(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    aside = tmp_path / "history.sqlite.damaged-20260101T000000Z"
    shutil.copyfile(sound, aside)
    shutil.copyfile(sound, tmp_path / "history.sqlite")
    before = held(tmp_path)
    (tmp_path / "history.sqlite").unlink()
    hit = DAMAGES[damage]
    numbers = {what: pages_of(sound, what)[1 : count + 1] for what, count in hit.items() if what != "head"}
    for what, pages in numbers.items():
        flip(aside, pages or pages_of(sound, what))
    if "head" in hit:
        flip(aside, [1], 100)
    damaged = aside.read_bytes()
    assert await plughub(tmp_path, "rebuild", "--from", str(aside)) == 0
    said = capsys.readouterr().out
    samples, old = held(tmp_path)
    assert f"Took over {samples} raw samples" in said
    lost = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    lost_raw = [line for line in lost if line.startswith("raw")]
    lost_old = [line for line in lost if line.startswith(("1m", "15m"))]
    if "raw" in hit and "raw_place" in hit:
        assert samples < before[0], "and the index that would say which is damaged too"
    else:
        assert samples == before[0] - len(lost_raw) * SAMPLES, "each is an hour of a plug"
        assert bool(lost_raw) == ("raw" in hit)
    assert bool(lost_old) == ("rollup" in hit) == (old < before[1])
    assert samples > ALL * 0.5, "the pages around are read"
    assert all("d" in line and "2023-11-1" in line for line in (*lost_raw, *lost_old))
    assert bool(lost) == (bool(hit) and damage != "head")
    assert await plughub(tmp_path, "verify") == 0
    assert aside.read_bytes() == damaged, "it stays as it was"


async def test_one_flipped_byte_costs_its_chunk(
    tmp_path: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aside = tmp_path / "of the old card.sqlite"
    shutil.copyfile(sound, aside)
    connection = sqlite3.connect(aside)
    ((data,),) = connection.execute("select data from raw where id = 10").fetchall()
    connection.close()
    whole = aside.read_bytes()
    assert whole.count(data[-40:]) == 1
    aside.write_bytes(whole.replace(data[-40:], data[-40:-1] + bytes([data[-1] ^ 1])))
    assert await plughub(tmp_path, "rebuild", "--from", str(aside)) == 0
    said = capsys.readouterr().out
    assert f"Took over {ALL - SAMPLES} raw samples" in said
    assert "This is lost:" in said
    assert "  raw d1/0 2023-11-15" in said


def test_pages_say_what_sqlite_says(sound: Path) -> None:
    connection = sqlite3.connect(sound)
    tables = {
        table: set(connection.execute(f"select rowid, data from {table}").fetchall()) for table in ("raw", "rollup")
    }
    connection.close()
    with sound.open("rb") as file:
        pages = Pages(file, PAGE)
        found = {(rowid, row[-1]) for of_table, rowid, row in pages.rows() if of_table and len(row) == 7}
    assert found == tables["raw"] | tables["rollup"]
    assert pages.unreadable == 0


def test_any_bytes_at_all_do_no_more_than_be_unreadable(tmp_path: Path, sound: Path) -> None:
    chance = np.random.default_rng(7)
    data = np.frombuffer(sound.read_bytes(), np.uint8)
    path = tmp_path / "noise"
    for share in (0.0005, 0.01, 0.3, 1.0):
        noise = data.copy()
        hit = chance.random(len(noise)) < share
        noise[hit] = chance.integers(0, 256, int(hit.sum()))
        path.write_bytes(noise.tobytes())
        with path.open("rb") as file:
            assert sum(1 for _ in Pages(file, PAGE).rows()) >= 0


@pytest.mark.parametrize("change", [0x01, 0x04, 0x10, 0x80, 0xFF])
def test_no_byte_of_the_head_costs_a_row(tmp_path: Path, sound: Path, change: int) -> None:
    whole, damaged = sound.read_bytes(), tmp_path / "damaged"
    shutil.copyfile(sound, damaged)
    with damaged.open("r+b", buffering=0) as file:
        rows = list(Pages(file, PAGE).rows())
        for at in range(100):
            os.pwrite(file.fileno(), bytes([whole[at] ^ change]), at)
            pages = Pages(file, PAGE)
            assert (list(pages.rows()) == rows, pages.unreadable) == (True, 0), at
            os.pwrite(file.fileno(), whole[at : at + 1], at)


@pytest.mark.parametrize("content", [b"", b"hello\n" * 1000, bytes(50 * PAGE)])
def test_of_what_is_no_database_everything_is_lost(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged").write_bytes(content)
    assert salvage(tmp_path / "damaged", tmp_path / "made") == ["everything: not one page of the file could be read"]
