"""Finds plugins (entry points, the plugins folder) and imports them; says why one cannot be used."""

import importlib.metadata
import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from hub.messages import Message
from hub.plugins.hookspecs import PROJECT, SUPPORTED_APIS

log = logging.getLogger("hub.plugins")

SHIPPED_BY = "smartplug-hub"  # the distribution whose entry points are no third party's
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


class Found(msgspec.Struct, frozen=True):
    """A plugin that is there, not imported yet. `origin`: distribution and version, or the file."""

    name: str
    origin: str
    shipped: bool
    load: Callable[[], Any]


class UnusableError(Exception):
    """A plugin cannot be used; `reason` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.id)
        self.reason = reason


def find(folder: Path | None) -> Iterator[Found]:
    """The hub's own plugins, those of other distributions, those in the folder; each group by name."""
    points = sorted(importlib.metadata.entry_points(group=PROJECT), key=lambda point: point.name)
    found = [_of_distribution(point) for point in points]
    yield from (plugin for plugin in found if plugin.shipped)
    yield from (plugin for plugin in found if not plugin.shipped)
    if folder is not None:
        yield from _in_folder(folder)


def _of_distribution(point: importlib.metadata.EntryPoint) -> Found:
    name = point.dist.name if point.dist is not None else ""
    origin = f"{name} {point.dist.version}" if point.dist is not None else point.value
    return Found(point.name, origin, name == SHIPPED_BY, point.load)


def _in_folder(folder: Path) -> Iterator[Found]:
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        log.error("no plugin of %s is loaded: %s", folder, error)
        return
    for path in paths:
        if path.name.startswith((".", "_")):
            continue
        if path.is_file() and path.suffix == ".py":
            yield Found(path.stem, str(path), False, _importer(path.stem, path))
        elif path.is_dir() and (path / "integration.py").is_file():
            yield Found(path.name, str(path), False, _importer(path.name, path, "integration"))
        elif path.is_dir() and (path / "__init__.py").is_file():
            yield Found(path.name, str(path), False, _importer(path.name, path))


def _importer(name: str, path: Path, submodule: str | None = None) -> Callable[[], ModuleType]:
    # A prefix of its own: a plugin called `json` must not stand in for the library's.
    qualified = f"plughub_plugin_{name}"

    def load() -> ModuleType:
        package = path if path.is_dir() else None
        file = path / "__init__.py" if package else path
        spec = importlib.util.spec_from_file_location(
            qualified, file if file.exists() else None, submodule_search_locations=[str(package)] if package else None
        )
        if spec is None:
            spec = importlib.machinery.ModuleSpec(qualified, None, is_package=True)
            spec.submodule_search_locations = [str(path)]
        module = importlib.util.module_from_spec(spec)
        sys.modules[qualified] = module
        try:
            if spec.loader is not None:
                spec.loader.exec_module(module)
            return importlib.import_module(f"{qualified}.{submodule}") if submodule else module
        except BaseException:
            for loaded in [key for key in sys.modules if key == qualified or key.startswith(qualified + ".")]:
                del sys.modules[loaded]
            raise

    return load


def import_plugin(found: Found) -> Any:
    """The plugin's module. Raises UnusableError."""
    if not NAME.fullmatch(found.name):
        raise UnusableError(Message("plugin-name", {"name": found.name}))
    try:
        module = found.load()
    except SyntaxError as error:
        place = f"{Path(error.filename or '?').name}:{error.lineno}"
        raise UnusableError(Message("plugin-syntax", {"place": place, "detail": error.msg})) from error
    except (Exception, SystemExit) as error:  # a plugin must not end the hub by sys.exit() either
        raise UnusableError(Message("plugin-import", {"detail": describe(error)})) from error
    declared = getattr(module, "api", None)
    if declared is None:
        raise UnusableError(Message("plugin-api-missing", {"api": max(SUPPORTED_APIS)}))
    if isinstance(declared, bool) or declared not in SUPPORTED_APIS:
        known = isinstance(declared, int) and declared > max(SUPPORTED_APIS)
        id = "plugin-api-newer" if known else "plugin-api-unknown"
        raise UnusableError(Message(id, {"declared": str(declared), "api": max(SUPPORTED_APIS)}))
    return module


def describe(error: BaseException) -> str:
    """An exception in one line: its type and what it says."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
