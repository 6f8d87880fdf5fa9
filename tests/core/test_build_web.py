"""script/build_web.py: what it does not know is an error, not a build."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "script" / "build_web.py"


def test_what_it_does_not_know_is_said() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "npx", "vitest"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "knows no 'npx'" in done.stderr
    assert "npm ARGUMENTS…" in done.stderr
