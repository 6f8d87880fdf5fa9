"""Backups with history: only what is new, each restorable with its chain, old ones let go together."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.backup import FolderTarget, Keys, by_id, check, listed, missing, restore
from hub.backup.catalog import LONGEST_CHAIN
from tests.backup.home import PASSPHRASE, Home, content, refused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, history_bytes=2_000_000)


def test_only_what_is_new_is_kept_and_each_day_restores(home: Home, tmp_path: Path) -> None:
    days, sizes = [], []
    for day in range(4):
        item = home.back_up(day, history=True)
        days.append((item, content(home.history[0])))
        sizes.append(item.size)
        home.grow(100_000)
    assert sizes[0] > 2_000_000
    assert max(sizes[1:]) < 400_000
    for number, (item, expected) in enumerate(days):
        fresh = tmp_path / f"fresh-{number}"
        restore(home.archives / item.name, fresh, Keys(PASSPHRASE))
        assert content(fresh / "history.sqlite") == expected


def test_what_shrinks_and_changes_in_the_middle_restores(home: Home, tmp_path: Path) -> None:
    home.back_up(0, history=True)
    with closing(sqlite3.connect(home.history[0])) as connection:
        connection.execute("delete from chunk where id between 100 and 300")
        connection.commit()
        connection.execute("vacuum")
    item = home.back_up(1, history=True)
    assert item.head is not None
    assert len(item.head.chain) == 2
    restore(home.archives / item.name, tmp_path / "fresh", Keys(PASSPHRASE))
    assert content(tmp_path / "fresh" / "history.sqlite") == content(home.history[0])


def test_registry_only_backups_in_between_do_not_break_the_chain(home: Home) -> None:
    first = home.back_up(0, history=True)
    home.back_up(1)
    third = home.back_up(2, history=True)
    assert first.head is not None
    assert third.head is not None
    assert third.head.chain == [first.head.id, third.head.id]


def test_a_lost_earlier_archive_is_told_and_the_home_still_restores(home: Home, tmp_path: Path) -> None:
    first = home.back_up(0, history=True)
    home.grow(50_000)
    second = home.back_up(1, history=True)
    (home.archives / first.name).unlink()
    with refused("backup-chain-broken"):
        restore(home.archives / second.name, tmp_path / "fresh", Keys(PASSPHRASE))
    assert not (tmp_path / "fresh" / "registry.sqlite").exists()
    items = listed(FolderTarget(home.archives))
    assert second.head is not None
    assert missing(second.head, by_id(items)) == [second.head.chain[0]]
    restore(home.archives / second.name, tmp_path / "fresh", Keys(PASSPHRASE), history=False)
    assert (tmp_path / "fresh" / "registry.sqlite").exists()
    third = home.back_up(2, history=True)
    assert third.head is not None
    assert third.head.chain == [third.head.id], "a full one begins anew"


def test_a_damaged_earlier_archive_is_found_by_the_full_check(home: Home, tmp_path: Path) -> None:
    first = home.back_up(0, history=True)
    second = home.back_up(1, history=True)
    check(home.archives / second.name, Keys(PASSPHRASE), tmp_path)
    path = home.archives / first.name
    data = bytearray(path.read_bytes())
    data[1_000_000] ^= 8
    path.write_bytes(data)
    with refused("backup-damaged"):
        check(home.archives / second.name, Keys(PASSPHRASE), tmp_path)


def test_the_full_check_needs_no_room_for_the_history(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scratch is /tmp: on many machines memory."""
    item = home.back_up(0, history=True)
    few = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr("hub.backup.restoring.shutil.disk_usage", lambda folder: few)
    check(home.archives / item.name, Keys(PASSPHRASE), tmp_path)
    with refused("restore-failed"):
        restore(home.archives / item.name, tmp_path / "fresh", Keys(PASSPHRASE))


def test_another_passphrase_begins_a_new_chain(home: Home, tmp_path: Path) -> None:
    home.back_up(0, history=True)
    item = home.back_up(1, history=True, passphrase="another long sentence")
    assert item.head is not None
    assert len(item.head.chain) == 1
    restore(home.archives / item.name, tmp_path / "fresh", Keys("another long sentence"))


def test_the_last_good_ones_are_kept_with_what_they_build_on(home: Home, tmp_path: Path) -> None:
    for day in range(LONGEST_CHAIN + 3):
        home.grow(20_000)
        home.back_up(day, history=True, keep=2)
        for item in listed(FolderTarget(home.archives)):
            assert item.head is not None
            assert not missing(item.head, by_id(listed(FolderTarget(home.archives))))
    names = home.names()
    assert len(names) == 3, "the second chain: its full one and two more"
    for day in range(LONGEST_CHAIN + 3, LONGEST_CHAIN + 6):
        home.back_up(day, keep=2)
    assert len(home.names()) == 2 + 3, "two of the home, and the newest history with its chain"
    newest = [item for item in listed(FolderTarget(home.archives)) if item.head and item.head.history][-1]
    restore(home.archives / newest.name, tmp_path / "fresh", Keys(PASSPHRASE))
    assert content(tmp_path / "fresh" / "history.sqlite") == content(home.history[0])


def test_archives_of_another_hub_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.setting("hub_id", "another hub")
    theirs = other.back_up(0, target=FolderTarget(home.archives))
    for day in range(1, 4):
        home.back_up(day, keep=1)
    assert theirs.name in home.names()
    assert len(home.names()) == 2
