"""Every hook that a plugin may implement, with its types, an example, and the version since when it exists.

A plugin is a module with `api = 1` and functions marked `@hookimpl`. It implements the hooks that it needs, and
of their parameters it names those that it needs. Each implementation is called on its own: what one plugin raises
stops no other. docs/plugins.md has a page for each hook.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from hub.plugins.contract import DeviceDriver, HistoryStore, Notifier

if TYPE_CHECKING:
    from hub.plugins.facade import Hub

PROJECT = "plughub"  # of pluggy, of the entry-point group, and the prefix of every hook
API = 1  # what a plugin declares as `api`; grows when a plugin written for the old one would no longer work
SUPPORTED_APIS = (1,)

F = TypeVar("F", bound=Callable[..., Any])


def hookimpl(function: F) -> F:
    """Marks a function of a plugin as its implementation of the hook of the same name."""
    marked: F = pluggy.HookimplMarker(PROJECT)(function)
    return marked


def _hookspec(function: F) -> F:
    marked: F = pluggy.HookspecMarker(PROJECT)(function)
    return marked


@_hookspec
def plughub_device_driver(hub: "Hub") -> DeviceDriver:  # type: ignore[empty-body]
    """A driver that speaks one make of plug; its `name` is what a device in the registry refers to. Since 0.1.

    ```python
    @hookimpl
    def plughub_device_driver(hub: Hub) -> DeviceDriver:
        return SmartplugDriver()
    ```
    """


@_hookspec
def plughub_history_store(hub: "Hub", config: Mapping[str, Any], data_folder: Path) -> HistoryStore:  # type: ignore[empty-body]
    """A store for merged history; used when `history: store:` names the plugin. Since 0.1.

    `config` is the plugin's own section, checked by its schema; `data_folder` is where the hub keeps its data.
    The hub calls `open()` later, in a worker thread: do nothing slow here.

    ```python
    @hookimpl
    def plughub_history_store(hub: Hub, config: Mapping[str, Any], data_folder: Path) -> HistoryStore:
        return SqliteStore(data_folder / "history.sqlite")
    ```
    """


@_hookspec
def plughub_notifier(hub: "Hub", config: Mapping[str, Any]) -> Notifier:  # type: ignore[empty-body]
    """A way to reach people; asked for when the configuration has a section for the plugin. Since 0.1.

    May be `async`; then it has 10 seconds.

    ```python
    @hookimpl
    def plughub_notifier(hub: Hub, config: Mapping[str, Any]) -> Notifier:
        return NtfyNotifier(config["server"], config["topic"])
    ```
    """


@_hookspec
def plughub_config_schema() -> Any:
    """A voluptuous schema (or a dict for one) of the plugin's section under `integrations:`. Since 0.1.

    Without it the plugin's section must be empty. Mistakes are shown as file:line:column.

    ```python
    @hookimpl
    def plughub_config_schema() -> vol.Schema:
        return vol.Schema({vol.Required("topic"): str, vol.Optional("server", default="https://ntfy.sh"): str})
    ```
    """


@_hookspec
def plughub_sentences() -> Mapping[str, Mapping[str, str]]:  # type: ignore[empty-body]
    """The plugin's sentences for people by language and id, for HubError and problems. Since 0.1.

    Ids begin with the plugin's name, so that no two plugins share one.

    ```python
    @hookimpl
    def plughub_sentences() -> Mapping[str, Mapping[str, str]]:
        return {"en": {"ntfy-refused": "ntfy refused the login."}, "de": {"ntfy-refused": "ntfy lehnt ab."}}
    ```
    """
