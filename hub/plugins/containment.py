"""Calls plugin code so that nothing it does stops the hub: exceptions, time limits, CPU time, all shown by name."""

import asyncio
import inspect
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from hub.bus import Bus
from hub.clock import Clock
from hub.events import PluginFailed
from hub.messages import HubError, Message, render
from hub.plugins.contract import Notification, Notifier
from hub.plugins.discovery import describe
from hub.plugins.plugin import Plugin, PluginInfo
from hub.plugins.watchdog import LIMIT, Watchdog, Watched

T = TypeVar("T")
log = logging.getLogger("hub.plugins")

TIME_LIMIT = 10.0  # seconds for an async hook or a notification
STRIKES = 3  # calls that held the event loop ...
STRIKE_SECONDS = 600  # ... in this time switch a plugin off
CRITICAL = ("plughub_device_driver", "plughub_history_store")  # without these the hub would lose data: only reported
TRACE = "PLUGHUB_TRACE_HOOKS"


class Containment:
    """Runs plugin code. `plugins` is the manager's, by name; `end` drops what a plugin holds."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        plugins: dict[str, Plugin],
        end: Callable[[Plugin], None],
        *,
        time_limit: float = TIME_LIMIT,
        cpu_limit: float = LIMIT,
    ) -> None:
        self.watchdog = Watchdog(self._took_long, cpu_limit)
        self._bus = bus
        self._clock = clock
        self._plugins = plugins
        self._end = end
        self._time_limit = time_limit
        self._trace = os.environ.get(TRACE, "") not in ("", "0")
        self._reporting = False
        self._ending: set[asyncio.Task[Any]] = set()

    def run(self, plugin: str, what: str, function: Callable[..., T], *arguments: Any) -> T:
        """Call a plugin's function and count the CPU time that it takes."""
        if self._trace:
            log.info("hook trace: %s %s", plugin, what)
        return self.watchdog.run(plugin, what, function, *arguments)

    def failed(self, plugin: str, what: str, error: BaseException) -> None:
        """A plugin's code raised: count it, log it, show it. The 1st, 10th, 100th time of each hook is written."""
        held = self._plugins[plugin]
        held.info.failures += 1
        held.info.last_failure = f"{what}: {describe(error)}"
        count = held.failed_at[what] = held.failed_at.get(what, 0) + 1
        if str(count).strip("0") == "1":
            log.error("plugin %s raised in %s (%d times)", plugin, what, count, exc_info=error)
            self._publish(PluginFailed(plugin, what, describe(error)))

    def fail(self, plugin: Plugin, hook: str, reason: Message, error: BaseException | None = None) -> None:
        """The plugin cannot go on."""
        plugin.info.state, plugin.info.reason = "failed", reason
        self._end(plugin)
        self.show(plugin.info, hook, error)

    def show(self, info: PluginInfo, hook: str, error: BaseException | None = None) -> None:
        """Log and publish why a plugin does not run."""
        detail = render(info.reason) if info.reason is not None else ""
        log.error("plugin %s (%s) failed: %s", info.name, info.origin, detail, exc_info=error)
        self._publish(PluginFailed(info.name, hook, detail))

    def _publish(self, event: PluginFailed) -> None:
        # A plugin that raises while it hears of a failure must not report itself round and round.
        if self._reporting:
            return
        self._reporting = True
        try:
            self._bus.publish(event)
        finally:
            self._reporting = False

    def _took_long(self, name: str, what: str, seconds: float) -> None:
        plugin = self._plugins[name]
        now = self._clock.monotonic()
        plugin.strikes.append(now)
        detail = f"{what} took {seconds * 1000:.0f} ms of the event loop's CPU time"
        while now - plugin.strikes[0] > STRIKE_SECONDS:
            plugin.strikes.popleft()
        too_often = len(plugin.strikes) >= STRIKES
        off = too_often and not any(hook in plugin.hooks for hook in CRITICAL)
        log.warning("plugin %s: %s", name, detail)
        if off:
            self.switch_off(plugin, Message("plugin-held-loop", {"count": STRIKES, "ms": round(seconds * 1000)}))
        self._publish(PluginFailed(name, what, detail, switched_off=off))

    def call(self, plugin: Plugin, hook: str, *, may_await: bool = False, **arguments: Any) -> Any:
        """What this plugin's implementation returns; None where it has none or it failed."""
        if hook not in plugin.hooks or plugin.info.state != "loaded":
            return None
        function, names = plugin.hooks[hook]
        begun = time.perf_counter()
        try:
            result = function(*(arguments[name] for name in names))
        except (Exception, SystemExit) as error:
            reason = (
                error.message if isinstance(error, HubError) else Message("plugin-raised", {"detail": describe(error)})
            )
            self.fail(plugin, hook, reason, error)
            return None
        finally:
            if self._trace:
                log.info("hook trace: %s %s %.1f ms", plugin.info.name, hook, (time.perf_counter() - begun) * 1000)
        if inspect.iscoroutine(result) and not may_await:
            result.close()
            self.fail(plugin, hook, Message("plugin-hook-async", {"hook": hook}))
            return None
        return result

    async def limited(self, name: str, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a plugin's function and await what it returns, for at most the time limit. Raises HubError: the
        plugin's own, or that it raised or took too long."""
        called = _called(function, arguments)
        steps = Watched(called, lambda step, value: self.run(name, what, step, value))
        task = asyncio.get_running_loop().create_task(_awaited(steps), name=f"{name}: {what}")
        task.add_done_callback(lambda _: called.close())  # cancelled before its first step, it was never awaited
        try:
            # Not wait_for: a plugin that swallows its cancellation would make that wait for ever.
            done, _ = await asyncio.wait({task}, timeout=self._time_limit)
        finally:
            if not task.done():
                task.cancel()
                self.track(task)
        if not done:
            error = TimeoutError(f"took more than {self._time_limit:g} s")
            self.failed(name, what, error)
            raise HubError("plugin-slow", seconds=self._time_limit) from error
        try:
            return task.result()
        except HubError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            self.failed(name, what, error)
            raise HubError("plugin-raised", detail=describe(error)) from error

    def switch_off(self, plugin: Plugin, reason: Message) -> None:
        """Drop everything of a plugin that runs, and say why."""
        if plugin.info.state != "loaded":
            return
        plugin.info.state, plugin.info.reason = "switched_off", reason
        self._end(plugin)
        log.error("plugin %s is switched off: %s", plugin.info.name, render(reason))

    def track(self, task: "asyncio.Task[Any]") -> None:
        """A task that is being cancelled or closes something: `ended` waits for it."""
        self._ending.add(task)
        task.add_done_callback(self._done)

    async def ended(self) -> None:
        """Wait, for at most the time limit, until everything tracked has ended."""
        if self._ending:
            _, going = await asyncio.wait(self._ending, timeout=self._time_limit)
            for task in going:
                log.warning("%s does not end", task.get_name())

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._ending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("%s raised while it ended: %s", task.get_name(), task.exception())


class GuardedNotifier:
    """A plugin's notifier behind the containment: with a time limit, and only HubError comes out of it."""

    def __init__(self, name: str, notifier: Notifier, containment: Containment) -> None:
        self.name = name
        self._notifier = notifier
        self._containment = containment

    async def notify(self, notification: Notification) -> None:
        """Deliver. Raises HubError that says why not."""
        await self._containment.limited(self.name, "notify", self._notifier.notify, notification)

    async def close(self) -> None:
        """Let go of connections; the manager does it at the end."""
        await self._containment.limited(self.name, "close", self._notifier.close)


async def _called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result
    except SystemExit as error:  # in a task it would end the event loop
        raise RuntimeError(f"SystemExit: {error}") from error


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
