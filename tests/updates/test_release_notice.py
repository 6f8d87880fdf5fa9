"""script/release-notice, as a distributor types it."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.updates import opened

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "script" / "release_notice.py"
Script = Callable[..., tuple[int, str, str]]


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Script:
    """Calls it: exit code, what was printed, and what was complained of."""
    spec = importlib.util.spec_from_file_location("release_notice", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = module.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_key_a_notice_and_what_it_says(script: Script, tmp_path: Path) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    public = script("key", private)[1].strip()
    assert private.stat().st_mode & 0o777 == 0o600
    said = ["--version", "1.4.0", "--notes", "https://releases.example/1.4.0", "--secure-from", "1.3.2"]
    assert script("make", "--key", private, *said, "--days", 30, "--out", out) == (0, "", "")
    found = opened(out.read_bytes(), [public])
    assert (found.version, found.secure_from) == ("1.4.0", "1.3.2")
    assert (found.expires - found.issued).days == 30
    shown = subprocess.run(
        [sys.executable, PROGRAM, "show", out, "--public", public],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert shown.returncode == 0, shown.stderr
    assert '"version": "1.4.0"' in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--version", "1.4", "--notes", "https://releases.example/"), "version"),
        (("--version", "1.4.0", "--notes", "http://releases.example/"), "notes"),
    ],
)
def test_what_no_hub_would_take_is_not_written(
    script: Script, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    script("key", private)
    code, _, complained = script("make", "--key", private, *arguments, "--out", out)
    assert code == 1
    assert complaint in complained
    assert not out.exists()


def test_no_key_is_overwritten_and_no_other_key_is_believed(script: Script, tmp_path: Path) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    script("key", private)
    assert script("key", private)[0] == 1
    script("make", "--key", private, "--version", "1.4.0", "--notes", "https://releases.example/", "--out", out)
    foreign = script("key", tmp_path / "foreign.pem")[1].strip()
    code, _, complained = script("show", out, "--public", foreign)
    assert code == 1
    assert "none of the keys" in complained


def test_a_passphrase_on_the_key(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private, out = tmp_path / "release.pem", tmp_path / "plughub.json"
    typed = iter(["a long one", "a long one", "another", "a long one"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert script("key", private, "--passphrase")[0] == 0
    said = ["--version", "1.4.0", "--notes", "https://releases.example/", "--out", out]
    assert script("make", "--key", private, *said)[0] == 1
    assert not out.exists()
    assert script("make", "--key", private, *said)[0] == 0
