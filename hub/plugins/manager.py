"""The plugin manager: loads plugins, calls each implementation on its own, contains and shows what fails."""

import asyncio
import difflib
import inspect
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pluggy
import voluptuous as vol

from hub.bus import Bus
from hub.clock import Clock
from hub.config import LoadedConfiguration, load_configuration
from hub.config.validators import Section
from hub.messages import HubError, Message, catalog
from hub.plugins import hookspecs
from hub.plugins.containment import TIME_LIMIT, Containment, GuardedNotifier
from hub.plugins.contract import DeviceDriver, HistoryStore, Notifier
from hub.plugins.discovery import Found, UnusableError, describe, find, import_plugin
from hub.plugins.facade import Hub
from hub.plugins.plugin import Plugin, PluginInfo
from hub.plugins.watchdog import LIMIT

log = logging.getLogger("hub.plugins")
SCHEMA_HOOK = "plughub_config_schema"


class PluginManager:
    """Loads and holds the plugins of one hub process.

    `folder` is <config>/plugins; `time_limit` and `cpu_limit` in seconds. Order of calls: `load`, `configure`,
    `start`, then `device_drivers`, `history_store`, `notifiers`; `stop` at the end. All on the event loop's thread
    (`load` and `configure` may also run without a loop).
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        folder: Path | None = None,
        *,
        safe_mode: bool = False,
        time_limit: float = TIME_LIMIT,
        cpu_limit: float = LIMIT,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._folder = folder
        self._safe_mode = safe_mode
        self._plugins: dict[str, Plugin] = {}
        self._refused: list[PluginInfo] = []  # further plugins with a name that is taken
        self._containment = Containment(
            bus, clock, self._plugins, self._end, time_limit=time_limit, cpu_limit=cpu_limit
        )
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)

    # Loading

    def load(self, disabled: frozenset[str] = frozenset()) -> None:
        """Find and import every plugin. Raises nothing: what fails is in `plugins()` with its reason."""
        for found in find(self._folder):
            info = PluginInfo(found.name, found.origin, found.shipped, "loaded")
            if found.name in self._plugins:
                origin = self._plugins[found.name].info.origin
                info.state, info.reason = "failed", Message("plugin-name-taken", {"origin": origin})
                self._refused.append(info)
                self._containment.show(info, "load")
                continue
            plugin = self._plugins[found.name] = Plugin(info)
            if found.name in disabled:
                info.state, info.reason = "disabled", Message("plugin-disabled")
            elif self._safe_mode and not found.shipped:
                info.state, info.reason = "disabled", Message("plugin-safe-mode")
            else:
                self._load(plugin, found)

    def _load(self, plugin: Plugin, found: Found) -> None:
        begun = time.monotonic()
        try:
            plugin.module = import_plugin(found)
            plugin.hooks = self._implementations(plugin)
        except UnusableError as error:
            self._containment.fail(plugin, "load", error.reason, error.__cause__)
            return
        plugin.info.hooks = tuple(sorted(plugin.hooks))
        if time.monotonic() - begun > 1:
            log.warning("plugin %s took %.1f s to import", found.name, time.monotonic() - begun)
        sentences = self._containment.call(plugin, "plughub_sentences")
        if isinstance(sentences, Mapping):
            catalog().add(sentences)

    def _implementations(self, plugin: Plugin) -> dict[str, tuple[Callable[..., Any], tuple[str, ...]]]:
        name = plugin.info.name
        try:
            self._pluggy.register(plugin.module, name)
            callers = self._pluggy.get_hookcallers(plugin.module) or []
        except Exception as error:  # a module's own __getattr__ may raise anything
            raise UnusableError(Message("plugin-hooks", {"detail": describe(error)})) from error
        hooks: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {}
        for caller in callers:
            if not caller.has_spec():
                self._pluggy.unregister(plugin.module)
                near = difflib.get_close_matches(caller.name, vars(hookspecs), n=1)
                nearest = near[0] if near else "?"
                raise UnusableError(Message("plugin-hook-unknown", {"hook": caller.name, "nearest": nearest}))
            for implementation in caller.get_hookimpls():
                if implementation.plugin_name == name:
                    hooks[caller.name] = (implementation.function, tuple(implementation.argnames))
        return hooks

    def configure(self, loaded: LoadedConfiguration) -> None:
        """Check the plugins' sections with their own schemas. Mistakes are added to `loaded.problems`; a plugin whose
        section has one does not run."""
        known = sorted(self._plugins)
        for name in loaded.sections:
            plugin = self._plugins.get(name)
            if plugin is None:
                loaded.unknown_section(name, known)
            elif plugin.info.state == "loaded":
                self._configure(plugin, loaded)
        for plugin in self._running():
            if plugin.info.name not in loaded.sections:
                plugin.config = self._defaults(plugin)

    def _configure(self, plugin: Plugin, loaded: LoadedConfiguration) -> None:
        name = plugin.info.name
        schema: Any = Section({})
        if SCHEMA_HOOK in plugin.hooks:
            schema = self._containment.call(plugin, SCHEMA_HOOK)
        if plugin.info.state != "loaded":
            return
        try:
            problems = loaded.check_section(name, schema)
        except Exception as error:
            self._containment.fail(plugin, SCHEMA_HOOK, Message("plugin-raised", {"detail": describe(error)}), error)
            return
        if problems:
            self._containment.fail(plugin, SCHEMA_HOOK, Message("plugin-section", {"count": len(problems)}))
        else:
            plugin.config = loaded.section(name)

    def _defaults(self, plugin: Plugin) -> Any:
        """The section of a plugin that has none: what its schema makes of an empty one; None where it needs more."""
        if "plughub_history_store" not in plugin.hooks:
            return None
        if SCHEMA_HOOK not in plugin.hooks:
            return {}
        schema = self._containment.call(plugin, SCHEMA_HOOK)
        try:
            return vol.Schema(schema)({})
        except vol.Invalid:
            return None
        except Exception as error:
            self._containment.fail(plugin, SCHEMA_HOOK, Message("plugin-raised", {"detail": describe(error)}), error)
            return None

    # Life

    async def start(self) -> None:
        """Make what each plugin offers, and watch them."""
        self._containment.watchdog.start()
        for plugin in self._running():
            await self._start(plugin)

    async def stop(self) -> None:
        """Close everything that plugins hold."""
        for plugin in self._plugins.values():
            self._end(plugin)
        await self._containment.ended()
        self._containment.watchdog.stop()

    async def _start(self, plugin: Plugin) -> None:
        plugin.hub = Hub(plugin.info.name, self._bus, self._clock, self._containment)
        if "plughub_device_driver" in plugin.hooks:
            self._start_driver(plugin, plugin.hub)
        if "plughub_notifier" in plugin.hooks and plugin.config is not None and plugin.info.state == "loaded":
            await self._start_notifier(plugin, plugin.hub)

    def _start_driver(self, plugin: Plugin, hub: Hub) -> None:
        hook = "plughub_device_driver"
        driver = self._containment.call(plugin, hook, hub=hub)
        if not self._is_usable(plugin, hook, driver, DeviceDriver):
            return
        for other in self._running():
            if other.driver is not None and other.driver.name == driver.name:
                taken = Message("plugin-driver-taken", {"driver": driver.name, "plugin": other.info.name})
                self._containment.fail(plugin, hook, taken)
                return
        plugin.driver = driver

    async def _start_notifier(self, plugin: Plugin, hub: Hub) -> None:
        hook = "plughub_notifier"
        made = self._containment.call(plugin, hook, may_await=True, hub=hub, config=plugin.config)
        if inspect.isawaitable(made):
            try:
                made = await self._containment.limited(plugin.info.name, hook, lambda: made)
            except HubError as error:
                self._containment.fail(plugin, hook, error.message, error.__cause__)
                return
        if self._is_usable(plugin, hook, made, Notifier):
            plugin.notifier = made

    def _end(self, plugin: Plugin) -> None:
        if plugin.notifier is not None:
            closing = self._close(plugin, plugin.notifier)
            plugin.notifier = None
            self._containment.track(asyncio.get_running_loop().create_task(closing))
        plugin.driver = None
        if plugin.hub is not None:
            for task in plugin.hub.close():
                self._containment.track(task)
            plugin.hub = None

    async def _close(self, plugin: Plugin, notifier: Notifier) -> None:
        try:
            await self._containment.limited(plugin.info.name, "close", notifier.close)
        except HubError as error:
            log.warning("plugin %s: %s", plugin.info.name, error)

    # What plugins offer

    def plugins(self) -> list[PluginInfo]:
        """Every plugin by name, with its state."""
        return sorted([*(plugin.info for plugin in self._plugins.values()), *self._refused], key=lambda info: info.name)

    def device_drivers(self) -> dict[str, DeviceDriver]:
        """Drivers by their name. Whoever calls one reports what it raises, PayloadError aside, by `failed`."""
        return {plugin.driver.name: plugin.driver for plugin in self._running() if plugin.driver is not None}

    def history_store(self, name: str, data_folder: Path) -> HistoryStore:
        """The store of this plugin. Raises HubError where there is none or it cannot be made."""
        plugin = self._plugins.get(name)
        if plugin is None or (plugin.info.state == "loaded" and "plughub_history_store" not in plugin.hooks):
            stores = [other.info.name for other in self._running() if "plughub_history_store" in other.hooks]
            raise HubError("plugin-no-store", name=name, stores=stores)
        if plugin.info.state != "loaded" or plugin.hub is None:
            raise HubError("plugin-not-running", name=name, reason=plugin.info.reason or Message("plugin-not-started"))
        if plugin.config is None:
            raise HubError("plugin-not-configured", name=name)
        store = self._containment.call(
            plugin, "plughub_history_store", hub=plugin.hub, config=plugin.config, data_folder=data_folder
        )
        if not self._is_usable(plugin, "plughub_history_store", store, HistoryStore):
            raise HubError("plugin-not-running", name=name, reason=plugin.info.reason or Message("plugin-not-started"))
        made: HistoryStore = store
        return made

    def notifiers(self) -> dict[str, Notifier]:
        """Notifiers by the plugin's name; each keeps the time limit, and raises only HubError."""
        return {
            plugin.info.name: GuardedNotifier(plugin.info.name, plugin.notifier, self._containment)
            for plugin in self._running()
            if plugin.notifier is not None
        }

    def switch_off(self, name: str, reason: Message) -> None:
        """Drop everything of the plugin; `switch_on` brings it back, and so does the next start."""
        self._containment.switch_off(self._plugins[name], reason)

    async def switch_on(self, name: str) -> None:
        """Start a plugin that was switched off."""
        plugin = self._plugins[name]
        if plugin.info.state == "switched_off":
            plugin.info.state, plugin.info.reason = "loaded", None
            plugin.strikes.clear()
            await self._start(plugin)

    def failed(self, name: str, what: str, error: BaseException) -> None:
        """A plugin's code raised where the hub calls it straight (a driver's decode): count it and show it."""
        self._containment.failed(name, what, error)

    def _is_usable(self, plugin: Plugin, hook: str, made: Any, kind: type) -> bool:
        if plugin.info.state != "loaded":
            return False
        members = [name for name in {**vars(kind), **kind.__annotations__} if not name.startswith("_")]
        missing = [name for name in members if not hasattr(made, name)]
        if missing:
            self._containment.fail(plugin, hook, Message("plugin-incomplete", {"hook": hook, "missing": missing}))
        return not missing

    def _running(self) -> list[Plugin]:
        return [plugin for plugin in self._plugins.values() if plugin.info.state == "loaded"]


def prepare(
    folder: Path, bus: Bus, clock: Clock, *, safe_mode: bool = False, environment: Mapping[str, str] = os.environ
) -> tuple[LoadedConfiguration, PluginManager]:
    """Read the configuration, load the plugins, check their sections: `plughub check` and every start begin with it.

    Mistakes are in `loaded.problems` and `manager.plugins()`; `loaded.configuration()` raises ConfigurationError
    where the hub cannot run with them.
    """
    loaded = load_configuration(folder, environment)
    manager = PluginManager(bus, clock, folder / "plugins", safe_mode=safe_mode)
    manager.load(loaded.disabled_plugins)
    manager.configure(loaded)
    return loaded, manager
