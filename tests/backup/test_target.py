"""What goes wrong with disks: each by its name, never half an archive, and the good ones stay."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.backup import FolderTarget, Keys, Pace, check
from hub.backup.pace import Stopped
from hub.backup.target import MARK
from hub.messages import HubError
from tests.backup.home import PASSPHRASE, Home, content, refused

ROOT = Path(__file__).parents[2]
LIMITED = """
import resource, sys
from pathlib import Path
from tests.backup.home import Home
home = Home(Path(sys.argv[1]), history_bytes=2_000_000)
home.back_up(0)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, -1))
try:
    home.back_up(1, history=True, keep=1)
except Exception as error:
    print(error.id)
print(*home.everything())
"""
FULL = """
import subprocess, sys
from pathlib import Path
from hub.backup import FolderTarget
from tests.backup.home import Home
home = Home(Path(sys.argv[1]), history_bytes=12_000_000)
disk = Path(sys.argv[1]) / "disk"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(disk)], check=True)
target = FolderTarget(disk / "archives")
home.archives = target.folder
class Blind(FolderTarget):
    def free(self):
        return None  # as where a disk fills up meanwhile
home.back_up(0, target=target)
(disk / "other").write_bytes(bytes(6_000_000))
for kind in (FolderTarget, Blind):
    try:
        home.back_up(1, history=True, keep=1, target=kind(target.folder))
    except Exception as error:
        print(error.id)
print(*home.everything())
"""
SLOW = """
import sys
from pathlib import Path
from hub.backup import Pace
from tests.backup.home import Home
class Telling(Pace):
    def took(self, size):
        super().took(size)
        if self.progress.done > 2_000_000 and self.progress.step == sys.argv[2]:
            print("middle", flush=True)
            sys.stdin.read()
home = Home(Path(sys.argv[1]), history_bytes=4_000_000)
home.back_up(0)
home.back_up(1, history=True, keep=1, pace=Telling())
"""
LARGE = """
import resource, sys
from pathlib import Path
from tests.backup.home import Home
home = Home(Path(sys.argv[1]))
with home.history[0].open("r+b") as file:
    file.truncate(400_000_000)  # zeros beyond the database: as much to read, and quick to pack
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
home.back_up(0, history=True)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def run(program: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> list[str]:
    command = [*wrapper, sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_file_that_may_grow_no_further(tmp_path: Path) -> None:
    id, names = run(LIMITED, tmp_path)
    assert id == "backup-file-too-large"
    assert len(names.split()) == 1, "the good one stays, nothing half is there"


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    before, meanwhile, names = run(FULL, tmp_path, wrapper=("unshare", "--mount", "--map-root-user"))
    assert before == "backup-space-short"
    assert meanwhile == "backup-no-space"
    assert len(names.split()) == 1


@pytest.mark.parametrize("step", ["copying", "checking"])
def test_killed_in_the_middle_no_half_archive_counts(tmp_path: Path, step: str) -> None:
    command = [sys.executable, "-c", SLOW, str(tmp_path), step]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "middle\n"
        process.kill()
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    archives = tmp_path / "archives"
    whole = [path.name for path in archives.glob("*.plughub") if not path.name.startswith(".")]
    [half] = archives.glob(".*.partial")
    assert len(whole) == 1
    assert half.stat().st_size > 0
    home = Home.__new__(Home)
    home.data, home.config, home.archives = tmp_path / "data", tmp_path / "config", archives
    home.back_up(2, history=True)
    assert len(home.everything()) == 2, "what was left behind is gone"
    for name in home.names():
        check(archives / name, Keys(PASSPHRASE), tmp_path)


def test_memory_does_not_grow_with_history(tmp_path: Path) -> None:
    [grown] = run(LARGE, tmp_path)
    assert int(grown) < 45_000, "KiB; scrypt alone takes 32 MiB"


def test_stopped_it_leaves_nothing_behind(tmp_path: Path) -> None:
    home = Home(tmp_path)
    pace = Pace()
    pace.stop()
    with pytest.raises(Stopped):
        home.back_up(0, history=True, pace=pace)
    assert home.everything() == []
    assert sorted(path.name for path in (home.data / "backups").iterdir()) == ["registry-latest.sqlite"]


def test_an_unplugged_disk_leaves_a_folder_that_is_not_taken_for_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.back_up(0)
    assert (home.archives / MARK).exists()
    for name in home.archives.iterdir():
        name.unlink()
    with refused("backup-target-gone"):
        home.back_up(1, target=FolderTarget(home.archives, marked=True))
    assert list(home.archives.iterdir()) == []
    with refused("backup-target-gone"):
        home.back_up(1, target=FolderTarget(tmp_path / "no" / "such" / "disk"))
    with refused("backup-target-gone"):
        home.back_up(1, target=FolderTarget(Path("/media/plughub-test-disk/archives")))


@pytest.mark.parametrize(
    ("code", "id"),
    [
        (errno.ENOSPC, "backup-no-space"),
        (errno.EDQUOT, "backup-no-space"),
        (errno.EFBIG, "backup-file-too-large"),
        (errno.EROFS, "backup-not-writable"),
        (errno.EACCES, "backup-not-writable"),
        (errno.EIO, "backup-target-gone"),
        (errno.ENODEV, "backup-target-gone"),
        (errno.EINVAL, "backup-target-failed"),
    ],
)
def test_what_the_disk_says_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, id: str) -> None:
    home = Home(tmp_path)
    home.back_up(0)

    def refuse(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with refused(id):
        home.back_up(1, keep=1)
    assert len(home.everything()) == 1


def test_a_damaged_registry_is_never_backed_up_over_good_ones(tmp_path: Path) -> None:
    home = Home(tmp_path)
    good = home.back_up(0)
    copy = content(home.data / "backups" / "registry-latest.sqlite")
    registry = home.data / "registry.sqlite"
    data = bytearray(registry.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    registry.write_bytes(data)
    for day in (1, 2):
        with refused("backup-source-damaged"):
            home.back_up(day, keep=1)
    assert home.names() == [good.name]
    assert content(home.data / "backups" / "registry-latest.sqlite") == copy, "it is to mend the damaged one"


def test_a_damaged_history_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    data = bytearray(home.history[0].read_bytes())
    data[8192:12288] = b"\xaa" * 4096
    home.history[0].write_bytes(data)
    with refused("backup-source-damaged"):
        home.back_up(0, history=True)


def test_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.data / "registry.sqlite").unlink()
    with pytest.raises(HubError) as caught:
        home.back_up(0)
    assert caught.value.id == "backup-nothing"
