"""Plugins as third parties write them: files in a folder, and distributions with entry points."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import pytest_asyncio

from hub.bus import Bus
from hub.config import LoadedConfiguration, load_configuration
from hub.events import PluginFailed
from hub.plugins import PluginInfo, PluginManager
from hub.testing.clock import FakeClock
from hub.testing.plugins import hub

__all__ = ["hub"]  # the fixture that plugin authors use

HEAD = """\
from hub.plugins import *
from hub.plugins import hookimpl
import asyncio, sys, time
api = 1
"""
NOTIFIER = """
class Notifier_:
    name = "fake"
    def __init__(self):
        self.sent, self.closed = [], False
    async def notify(self, notification):
        self.sent.append(notification)
    async def close(self):
        self.closed = True
"""

Write = Callable[..., Path]


class House:
    """A plugin manager with its surroundings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus = Bus()
        self.clock = FakeClock()
        self.failures: list[PluginFailed] = []
        self.bus.subscribe(PluginFailed, self.failures.append, owner="test")
        self.manager = PluginManager(self.bus, self.clock, folder / "plugins", time_limit=0.2)
        self.loaded: LoadedConfiguration | None = None

    async def start(self, configuration: str = "", *, safe_mode: bool = False) -> None:
        """Everything that a start of the hub does with plugins."""
        (self.folder / "configuration.yaml").write_text(dedent(configuration))
        self.loaded = load_configuration(self.folder, {})
        if safe_mode:
            self.manager = PluginManager(self.bus, self.clock, self.folder / "plugins", safe_mode=True)
        self.manager.load(self.loaded.disabled_plugins)
        self.manager.configure(self.loaded)
        await self.manager.start()

    def info(self, name: str) -> PluginInfo:
        """The plugin as people see it."""
        return next(info for info in self.manager.plugins() if info.name == name)

    def reason(self, name: str) -> str:
        """The id of the reason why it does not run."""
        reason = self.info(name).reason
        return reason.id if reason is not None else ""


@pytest.fixture
def plugin(tmp_path: Path) -> Write:
    """plugin("name", code): a file in the plugins folder; the usual imports and `api = 1` come first."""

    def write(name: str, code: str, head: str = HEAD) -> Path:
        path = tmp_path / "plugins" / (name if "." in name else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + dedent(code))
        return path

    return write


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """distribution("dist-name", "plugin", code): an installed distribution with an entry point."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(dist: str, name: str, code: str) -> Path:
        module = f"{dist.replace('-', '_')}_{name}_module"
        (site / f"{module}.py").write_text(HEAD + dedent(code))
        meta = site / f"{dist.replace('-', '_')}-1.2.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.2\n")
        (meta / "entry_points.txt").write_text(f"[plughub]\n{name} = {module}\n")
        return site

    return install


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    """Plugins of one test are not there in the next."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("plughub_plugin_") or name.endswith("_module"):
            del sys.modules[name]


@pytest_asyncio.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A plugin manager over tmp_path, stopped at the end; the shipped plugins stay out of the way."""
    import importlib.metadata

    everything = importlib.metadata.entry_points

    def others(*, group: str) -> list[importlib.metadata.EntryPoint]:
        return [point for point in everything(group=group) if not point.value.startswith("integrations.")]

    monkeypatch.setattr(importlib.metadata, "entry_points", others)
    made = House(tmp_path)
    yield made
    await made.manager.stop()
