"""One plugin as the manager holds it, and as people see it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from hub.messages import Message
from hub.plugins.contract import DeviceDriver, Notifier
from hub.plugins.facade import Hub

State = Literal["loaded", "failed", "disabled", "switched_off"]


class PluginInfo(msgspec.Struct):
    """A plugin as people see it: `reason` says why it does not run, `failures` how often it raised since the start,
    `last_failure` where and how it did last."""

    name: str
    origin: str
    shipped: bool
    state: State
    reason: Message | None = None
    hooks: tuple[str, ...] = ()
    failures: int = 0
    last_failure: str | None = None


class Plugin:
    """A plugin and what was made of it."""

    def __init__(self, info: PluginInfo) -> None:
        self.info = info
        self.module: Any = None
        self.hooks: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {}
        self.hub: Hub | None = None
        self.config: Any = None  # the checked section; None = not configured
        self.driver: DeviceDriver | None = None
        self.notifier: Notifier | None = None
        self.strikes: deque[float] = deque()
        self.failed_at: dict[str, int] = {}  # hook → how often it raised
