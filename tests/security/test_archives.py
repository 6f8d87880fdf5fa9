"""Archives that somebody made by hand: nothing of them lands outside, fills the disk or memory, or is half there."""

import io
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hub.backup import Keys
from hub.backup.archive import BLOCK, Blocks, FileEntry, Head, Index, Writer, digest_of
from hub.backup.restoring import check, restore
from hub.messages import HubError
from tests.backup.home import PASSPHRASE, Home

ID = "00112233445566778899aabbccddeeff"


def made(entries: Callable[[Writer], list[FileEntry]], chain: list[str] | None = None) -> bytes:
    """An archive without a passphrase, as anybody can make one."""
    file, keys = io.BytesIO(), Keys(None)
    writer = Writer(file, Head(ID, 1_764_000_000_000, "hub", "0.1.0", False, chain or [ID], keys.new_lock()), keys)
    writer.finish(Index(entries(writer)))
    return file.getvalue()


def entry(writer: Writer, name: str, content: bytes = b"x", **changes: object) -> FileEntry:
    """A file of one block."""
    blocks = Blocks()
    blocks.add(digest_of(content), 0, writer.put(content))
    whole = blocks.entry(name, "home", len(content))
    for field, value in changes.items():
        setattr(whole, field, value)
    return whole


def registry_and(make: Callable[[Writer], FileEntry]) -> bytes:
    return made(lambda writer: [entry(writer, "registry.sqlite"), make(writer)])


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "backup-foreign"),
    "a ZIP": (lambda: b"PK\x03\x04" + bytes(100), "backup-foreign"),
    "a tar": (lambda: b"registry.sqlite".ljust(512, b"\0"), "backup-foreign"),
    "through a text transfer": (lambda: made(lambda w: []).replace(b"\r\n", b"\n"), "backup-foreign"),
    "only a beginning": (lambda: made(lambda w: [])[:20], "backup-damaged"),
    "without an end": (lambda: registry_and(lambda w: entry(w, "x"))[:-1], "backup-damaged"),
    "nothing in it": (lambda: made(lambda w: []), "backup-damaged"),
    "above the folder": (lambda: registry_and(lambda w: entry(w, "../evil")), "backup-damaged"),
    "above by a detour": (lambda: registry_and(lambda w: entry(w, "a/../../evil")), "backup-damaged"),
    "above as configuration": (lambda: registry_and(lambda w: entry(w, "../evil", group="config")), "backup-damaged"),
    "a whole path": (lambda: registry_and(lambda w: entry(w, "/tmp/evil")), "backup-damaged"),
    "no name": (lambda: registry_and(lambda w: entry(w, "")), "backup-damaged"),
    "a dot": (lambda: registry_and(lambda w: entry(w, ".")), "backup-damaged"),
    "a zero byte": (lambda: registry_and(lambda w: entry(w, "a\0b")), "backup-damaged"),
    "a name that paints": (lambda: registry_and(lambda w: entry(w, "\x1b[31mevil")), "backup-damaged"),
    "a file twice": (lambda: registry_and(lambda w: entry(w, "registry.sqlite")), "restore-failed"),
    "below a file": (lambda: registry_and(lambda w: entry(w, "registry.sqlite/evil")), "restore-failed"),
    "a name of 5,000 letters": (lambda: registry_and(lambda w: entry(w, "e" * 5000)), "restore-failed"),
    "longer than its blocks": (lambda: registry_and(lambda w: entry(w, "x", size=2)), "backup-damaged"),
    "blocks without digests": (lambda: registry_and(lambda w: entry(w, "x", hashes=b"")), "backup-damaged"),
    "a block elsewhere": (
        lambda: registry_and(lambda w: entry(w, "x", places=struct.pack("<Q", 1 << 62))),
        "backup-damaged",
    ),
    "a block of the head": (lambda: registry_and(lambda w: entry(w, "x", places=bytes(8))), "backup-damaged"),
    "a block of no archive": (lambda: registry_and(lambda w: entry(w, "x", archives=b"\7\0")), "backup-damaged"),
    "a negative size": (lambda: registry_and(lambda w: entry(w, "x", size=-5)), "backup-damaged"),
    "a block that is too large": (lambda: registry_and(lambda w: entry(w, "x", bytes(BLOCK + 1))), "backup-damaged"),
    "a registry that is none": (
        lambda: made(lambda w: [entry(w, "registry.sqlite", b"SQLite format 3\0" * 99)]),
        "backup-damaged",
    ),
    "an earlier one that is not there": (
        lambda: made(lambda w: [entry(w, "registry.sqlite", archives=b"\0\0")], chain=["ff" * 16, ID]),
        "backup-chain-broken",
    ),
}


@pytest.mark.parametrize("why", ARCHIVES)
def test_archive(why: str, tmp_path: Path) -> None:
    make, expected = ARCHIVES[why]
    archive, data = tmp_path / "in" / "a.plughub", tmp_path / "out" / "data"
    archive.parent.mkdir()
    archive.write_bytes(make())
    with pytest.raises(HubError) as caught:
        restore(archive, data, Keys(None), config=tmp_path / "out" / "config")
    assert caught.value.id == expected
    left = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert left == []
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/evil").exists()


def test_a_block_named_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 1000

    def bomb(writer: Writer) -> FileEntry:
        places = struct.pack("<Q", writer.put(bytes(BLOCK))) * count
        return FileEntry("bomb", "home", count * BLOCK, digest_of(bytes(BLOCK)) * count, bytes(2 * count), places)

    (tmp_path / "a.plughub").write_bytes(registry_and(bomb))
    assert (tmp_path / "a.plughub").stat().st_size < 20_000
    free = shutil.disk_usage(tmp_path)._replace(free=count * BLOCK)
    monkeypatch.setattr("hub.backup.restoring.shutil.disk_usage", lambda folder: free)
    with pytest.raises(HubError) as caught:
        restore(tmp_path / "a.plughub", tmp_path / "data", Keys(None))
    assert caught.value.id == "restore-failed"
    assert caught.value.message.values["reason"] == "No space left on device"
    assert list((tmp_path / "data").iterdir()) == []


def test_a_frame_that_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.backup.archive.MOST_FRAME", 1 << 20)
    data = registry_and(lambda writer: entry(writer, "x", bytes(3 << 20)))
    assert len(data) < 30_000
    (tmp_path / "a.plughub").write_bytes(data)
    with pytest.raises(HubError) as caught:
        restore(tmp_path / "a.plughub", tmp_path / "data", Keys(None))
    assert caught.value.id == "backup-damaged"


@pytest.mark.parametrize(
    "passphrase", [None, "", "a quiet blue kettlf", PASSPHRASE.upper(), PASSPHRASE + " ", "x" * 9999]
)
def test_a_wrong_passphrase(passphrase: str | None, tmp_path: Path) -> None:
    home = Home(tmp_path / "home", 0)
    archive = home.archives / home.back_up().name
    with pytest.raises(HubError) as caught:
        check(archive, Keys(passphrase), tmp_path)
    assert caught.value.id in ("backup-passphrase-wrong", "backup-passphrase-missing")
    assert PASSPHRASE not in repr(caught.value.message.values)


def test_whoever_takes_a_lock_away_reads_nothing(tmp_path: Path) -> None:
    """The head is not secret: another one, without a passphrase, in front of the same frames."""
    home = Home(tmp_path / "home", 0)
    data = (home.archives / home.back_up().name).read_bytes()
    length = int.from_bytes(data[18:22], "little")
    head = msgspec.msgpack.decode(data[22 : 22 + length], type=Head)
    forged = io.BytesIO()
    Writer(forged, msgspec.structs.replace(head, lock=Keys(None).new_lock()), Keys(None))
    (tmp_path / "a.plughub").write_bytes(forged.getvalue() + data[22 + length + 32 :])
    with pytest.raises(HubError) as caught:
        check(tmp_path / "a.plughub", Keys(None), tmp_path)
    assert caught.value.id == "backup-damaged"
    assert b"token.key" not in data
