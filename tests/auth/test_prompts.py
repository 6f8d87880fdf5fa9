"""What the command line does where it would ask for a secret and nobody answers."""

import argparse
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.cli import main
from hub.cli.restore import VARIABLE, passphrase
from hub.messages import HubError

ASKING = (
    ("user", "add", "--email", "zoe@example.org", "--name", "Zoe"),
    ("user", "reset-password", "zoe@example.org"),
)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


@pytest.mark.parametrize("words", ASKING, ids=lambda words: words[1])
def test_without_a_terminal_it_names_the_other_way(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main([*words, "--data", str(tmp_path)]) == 1
    assert "--password-stdin" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(HubError) as caught:
        passphrase(argparse.Namespace(passphrase_file=None))
    assert "--passphrase-file" in str(caught.value)
    assert VARIABLE in str(caught.value)


# Whoever runs the tests in the background may have them ignore Ctrl-C, and programs that they start with them.
HEEDS_CTRL_C = ("env", "--default-signal=INT")


@pytest.mark.parametrize(("key", "code"), [("Ctrl-C", 130), ("Ctrl-D", 1)])
def test_who_leaves_at_the_prompt_sees_no_traceback(key: str, code: int, tmp_path: Path) -> None:
    teller, terminal = os.openpty()
    command = [*HEEDS_CTRL_C, sys.executable, "-m", "hub", *ASKING[0], "--data", str(tmp_path)]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True) as process:
        os.close(terminal)
        said = b""
        while b"Password: " not in said:
            said += os.read(teller, 1000)
        if key == "Ctrl-C":
            process.send_signal(signal.SIGINT)
        else:
            os.write(teller, b"\x04")
        assert process.wait(60) == code
        try:
            while more := os.read(teller, 1000):
                said += more
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(teller)
    assert b"Traceback" not in said
    assert (b"--password-stdin" in said) == (code == 1)
