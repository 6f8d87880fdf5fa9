"""The plugins that ship load as a third party's would: through their entry points."""

import tomllib
from pathlib import Path

import pytest

from hub.bus import Bus
from hub.plugins import PluginManager, prepare
from hub.testing.clock import FakeClock

ROOT = Path(__file__).parents[2]
POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["plughub"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry points as an installation of the hub would have them."""
    meta = tmp_path / "site" / "smartplug_hub-9.dist-info"
    meta.mkdir(parents=True)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: smartplug-hub\nVersion: 9\n")
    lines = [f"{name} = {module}" for name, module in POINTS.items()]
    (meta / "entry_points.txt").write_text("[plughub]\n" + "\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


def made(tmp_path: Path, text: str) -> PluginManager:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "configuration.yaml").write_text(text)
    loaded, manager = prepare(folder, Bus(), FakeClock(), environment={})
    assert loaded.problems == []
    return manager


@pytest.mark.usefixtures("installed")
async def test_one_of_each_kind(tmp_path: Path) -> None:
    manager = made(tmp_path, "integrations:\n  ntfy:\n    topic: plugs\n")
    await manager.start()
    states = {info.name: (info.state, info.shipped) for info in manager.plugins()}
    assert states == dict.fromkeys(POINTS, ("loaded", True))
    assert list(manager.device_drivers()) == ["smartplug"]
    assert manager.history_store("sqlite", tmp_path).name == "sqlite"
    assert list(manager.notifiers()) == ["ntfy"]
    await manager.stop()


@pytest.mark.usefixtures("installed")
async def test_safe_mode_keeps_them(tmp_path: Path) -> None:
    manager = PluginManager(Bus(), FakeClock(), tmp_path / "plugins", safe_mode=True)
    manager.load()
    assert {info.state for info in manager.plugins()} == {"loaded"}
