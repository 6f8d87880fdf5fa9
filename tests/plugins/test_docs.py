"""The first plugin of docs/plugins.md works as it stands there, and so does its test."""

import re
import subprocess
import sys
from pathlib import Path

from hub.plugins import Notification
from tests.plugins.conftest import House

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def files() -> dict[str, str]:
    """The code blocks that have a file name above them."""
    return dict(re.findall(r"^`([\w/.]+)`\n\n```python\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL))


def write(folder: Path) -> None:
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


async def test_the_first_plugin_runs(house: House, caplog: object) -> None:
    write(house.folder)
    section = re.search(r"```yaml\n(integrations:.*?)```", DOCS.read_text(), re.DOTALL)
    assert section is not None
    await house.start(section[1])
    assert house.info("shout").state == "loaded"
    await house.manager.notifiers()["shout"].notify(Notification("Washer", "done"))
    assert "DONE!!!" in caplog.text  # type: ignore[attr-defined]


def test_its_test_passes(tmp_path: Path) -> None:
    assert set(files()) == {"plugins/shout.py", "conftest.py", "test_shout.py"}
    write(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "--rootdir", tmp_path]
    done = subprocess.run(
        [*command, tmp_path],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{DOCS.parents[1]}:{tmp_path}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
