"""script/release-notice, as a distributor types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from hub.updates import opened

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "script" / "release_notice.py"


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_key_a_notice_and_what_it_says(tmp_path: Path) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    public = script("key", private).stdout.strip()
    assert private.stat().st_mode & 0o777 == 0o600
    said = ["--version", "1.4.0", "--notes", "https://releases.example/1.4.0", "--secure-from", "1.3.2"]
    made = script("make", "--key", private, *said, "--days", 30, "--out", out)
    assert made.returncode == 0, made.stderr
    found = opened(out.read_bytes(), [public])
    assert (found.version, found.secure_from) == ("1.4.0", "1.3.2")
    assert (found.expires - found.issued).days == 30
    shown = script("show", out, "--public", public)
    assert shown.returncode == 0
    assert '"version": "1.4.0"' in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--version", "1.4", "--notes", "https://releases.example/"), "version"),
        (("--version", "1.4.0", "--notes", "http://releases.example/"), "notes"),
    ],
)
def test_what_no_hub_would_take_is_not_written(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    script("key", private)
    made = script("make", "--key", private, *arguments, "--out", out)
    assert made.returncode == 1
    assert complaint in made.stderr
    assert not out.exists()


def test_no_key_is_overwritten_and_no_other_key_is_believed(tmp_path: Path) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    script("key", private)
    assert script("key", private).returncode == 1
    script("make", "--key", private, "--version", "1.4.0", "--notes", "https://releases.example/", "--out", out)
    foreign = script("key", tmp_path / "foreign.pem").stdout.strip()
    shown = script("show", out, "--public", foreign)
    assert shown.returncode == 1
    assert "none of the keys" in shown.stderr
