"""One archive: it gives back what went in, and no byte of it can change unnoticed."""

import errno
import hashlib
import io
import random
from pathlib import Path

import msgspec
import pytest

from hub.backup import FolderTarget, Keys, Pace, check, restore
from hub.backup.archive import START as HEAD_START
from hub.backup.archive import Reader
from hub.backup.checking import check_archive
from hub.backup.keys import Lock
from hub.messages import HubError
from tests.backup.home import PASSPHRASE, Home, content, refused

DAMAGE = ("backup-damaged", "backup-foreign", "backup-newer")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def opened(data: bytes) -> Reader:
    return Reader(io.BytesIO(data), "a.plughub")


def test_what_went_in_comes_out(home: Home, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mqtt: secret")
    (home.config / "secrets.yaml").symlink_to(tmp_path / "elsewhere")
    item = home.back_up(history=True)
    (home.data / "token.key").write_text("changed since")
    fresh, config = tmp_path / "fresh", tmp_path / "fresh-config"
    restored = restore(home.archives / item.name, fresh, Keys(PASSPHRASE), config=config)
    for name in ("registry.sqlite", "history.sqlite", "history-state.sqlite"):
        assert content(fresh / name) == content(home.data / name)
        assert (fresh / name).stat().st_mode & 0o777 == 0o600
    assert (fresh / "token.key").read_text() == "ab" * 32
    assert (config / "configuration.yaml").read_text() == "hub:\n  name: Test\n"
    assert (config / "secrets.yaml").read_text() == "mqtt: secret"
    assert sorted(path.name for path in fresh.iterdir()) == [
        *("history-state.sqlite", "history.sqlite", "registry.sqlite", "token.key")
    ]
    assert restored.before is None
    assert not list(home.data.glob(".backup*"))


def test_the_registry_alone_leaves_history_out(home: Home, tmp_path: Path) -> None:
    item = home.back_up()
    restore(home.archives / item.name, tmp_path / "fresh", Keys(PASSPHRASE))
    assert sorted(path.name for path in (tmp_path / "fresh").iterdir()) == [
        "configuration",
        "registry.sqlite",
        "token.key",
    ]


def test_nothing_of_it_can_be_read_without_the_passphrase(home: Home) -> None:
    home.setting("secret", "the name of the cat")
    sealed = (home.archives / home.back_up().name).read_bytes()
    assert b"the name of the cat" not in sealed
    assert b"configuration" not in sealed
    for passphrase, id in ((None, "backup-passphrase-missing"), ("a quiet blue Kettle", "backup-passphrase-wrong")):
        with pytest.raises(HubError) as caught:
            opened(sealed).unlock(Keys(passphrase))
        assert caught.value.id == id


def test_the_same_letters_typed_otherwise_are_the_same_passphrase(home: Home, tmp_path: Path) -> None:
    item = home.back_up(passphrase="Kühlschrank grün")
    restore(home.archives / item.name, tmp_path / "fresh", Keys("Ku\u0308hlschrank gru\u0308n"))


def test_without_a_passphrase_it_is_checked_all_the_same(home: Home, tmp_path: Path) -> None:
    item = home.back_up(passphrase=None)
    assert item.head is not None
    assert not item.head.lock.encrypted
    path = home.archives / item.name
    restore(path, tmp_path / "fresh", Keys(None))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with refused("backup-damaged"):
        check(path, Keys(None), tmp_path)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, None], ids=("encrypted", "open"))
def test_a_flipped_bit_anywhere_is_found(home: Home, tmp_path: Path, passphrase: str | None) -> None:
    whole = (home.archives / home.back_up(passphrase=passphrase).name).read_bytes()
    keys, chance = Keys(passphrase), random.Random(3)
    head = HEAD_START.size + int.from_bytes(whole[18:22], "little") + 32
    places = [*range(head + 8), *chance.sample(range(head, len(whole)), 400), *range(len(whole) - 40, len(whole))]
    check_archive(opened(whole), keys, tmp_path, Pace())
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << chance.randrange(8)
        with pytest.raises(HubError) as caught:
            check_archive(opened(bytes(data)), keys, tmp_path, Pace())
        assert caught.value.id in DAMAGE, place


def test_a_shorter_or_longer_file_is_found(home: Home, tmp_path: Path) -> None:
    whole = (home.archives / home.back_up().name).read_bytes()
    keys = Keys(PASSPHRASE)
    for data in [whole[:n] for n in (0, 5, 21, 60, len(whole) // 2, len(whole) - 1)] + [whole + b"\0"]:
        with pytest.raises(HubError) as caught:
            check_archive(opened(data), keys, tmp_path, Pace())
        assert caught.value.id in DAMAGE


def test_two_frames_that_change_places_are_found(home: Home, tmp_path: Path) -> None:
    data = bytearray((home.archives / home.back_up(history=True).name).read_bytes())
    reader = opened(bytes(data))
    reader.unlock(Keys(PASSPHRASE))
    places = [place for place, _ in reader.frames()]
    by_length = {bytes(data[place : place + 4]): place for place in places}
    first, second = next(
        (place, by_length[length]) for place in places if by_length[length := bytes(data[place : place + 4])] > place
    )
    length = int.from_bytes(data[first : first + 4], "little") + 4
    data[first : first + length], data[second : second + length] = (
        data[second : second + length],
        data[first : first + length],
    )
    with refused("backup-damaged"):
        check_archive(opened(bytes(data)), Keys(PASSPHRASE), tmp_path, Pace())


def test_a_newer_format_says_so(home: Home) -> None:
    data = (home.archives / home.back_up().name).read_bytes()
    length = int.from_bytes(data[18:22], "little")
    start = data[:16] + (2).to_bytes(2, "little") + data[18 : 22 + length]
    with pytest.raises(HubError) as caught:
        opened(start + hashlib.sha256(start).digest() + data[22 + length + 32 :])
    assert caught.value.id == "backup-newer"


def test_a_head_cannot_ask_for_a_gigabyte(home: Home) -> None:
    data = (home.archives / home.back_up().name).read_bytes()
    head = opened(data).head
    greedy = msgspec.structs.replace(head, lock=Lock(head.lock.check, head.lock.salt, 1 << 40))
    body = msgspec.msgpack.encode(greedy)
    start = HEAD_START.pack(data[:16], 1, len(body)) + body
    with refused("backup-damaged"):
        opened(start + hashlib.sha256(start).digest() + bytes(100))


def test_other_files_are_no_backups(tmp_path: Path) -> None:
    (tmp_path / "a.plughub").write_bytes(b"PK\x03\x04 a zip" * 10)
    with refused("backup-foreign"), FolderTarget(tmp_path).read("a.plughub") as file:
        Reader(file, "a.plughub")


def test_a_restore_that_cannot_be_put_in_place_leaves_all_as_it_was(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = home.back_up(history=True)
    before = {path.name: path.read_bytes() for path in home.data.iterdir() if path.is_file()}
    rename, left = Path.rename, [len(before) + 1]

    def failing(path: Path, place: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.EBUSY, "a file system is mounted there")
        return rename(path, place)

    monkeypatch.setattr(Path, "rename", failing)
    with refused("restore-failed"):
        restore(home.archives / item.name, home.data, Keys(PASSPHRASE), replace=True)
    assert {path.name: path.read_bytes() for path in home.data.iterdir() if path.is_file()} == before
    assert not list(home.data.glob("before-*"))
