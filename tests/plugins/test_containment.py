"""A plugin that raises, hangs or holds the loop in every hook: the hub goes on, and it is shown by name."""

import asyncio
import logging
from pathlib import Path

import pytest

from hub.events import ClockChanged, DeviceAdded, PluginFailed, ProblemEnded, ProblemRaised
from hub.messages import HubError, Message
from hub.plugins import HistoryStore, Notification
from tests.plugins.conftest import NOTIFIER, House, Write

HOOKS = {
    "plughub_device_driver": "hub",
    "plughub_history_store": "hub, config, data_folder",
    "plughub_notifier": "hub, config",
    "plughub_config_schema": "",
    "plughub_sentences": "",
}
GOOD = NOTIFIER + "\n@hookimpl\ndef plughub_notifier(hub, config):\n    return Notifier_()\n"
HELLO = Notification("Hello", "World")


def raising(*hooks: str, error: str = "RuntimeError('no luck')") -> str:
    return "".join(f"\n@hookimpl\ndef {hook}({HOOKS[hook]}):\n    raise {error}\n" for hook in hooks)


async def test_a_plugin_that_raises_in_every_hook(house: House, plugin: Write) -> None:
    plugin("bad", raising(*HOOKS))
    plugin("good", GOOD)
    await house.start("integrations:\n  bad:\n  good:\n")
    assert (house.info("bad").state, house.reason("bad")) == ("failed", "plugin-raised")
    assert [(event.plugin, event.hook) for event in house.failures] == [("bad", "plughub_sentences")]
    assert list(house.manager.notifiers()) == ["good"]
    await house.manager.notifiers()["good"].notify(HELLO)


@pytest.mark.parametrize("error", ["RuntimeError('no luck')", "SystemExit(3)", "HubError('forbidden')"])
@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "plughub_history_store"])
async def test_each_hook_alone(house: House, plugin: Write, hook: str, error: str) -> None:
    plugin("bad", (GOOD if hook != "plughub_notifier" else "") + raising(hook, error=error))
    plugin("good", GOOD)
    await house.start("integrations:\n  bad:\n  good:\n")
    assert house.info("bad").state == "failed"
    assert [(event.plugin, event.hook) for event in house.failures] == [("bad", hook)]
    assert list(house.manager.notifiers()) == ["good"]


@pytest.mark.parametrize("hook", ["plughub_device_driver", "plughub_config_schema", "plughub_sentences"])
async def test_a_hook_that_must_not_be_async(house: House, plugin: Write, hook: str) -> None:
    plugin("bad", f"@hookimpl\nasync def {hook}():\n    return None\n")
    await house.start("integrations:\n  bad:\n")
    assert (house.info("bad").state, house.reason("bad")) == ("failed", "plugin-hook-async")


@pytest.mark.parametrize("hook", ["plughub_device_driver", "plughub_notifier"])
async def test_what_a_hook_gives_must_be_whole(house: House, plugin: Write, hook: str) -> None:
    plugin("bad", f"@hookimpl\ndef {hook}():\n    return object()\n")
    await house.start("integrations:\n  bad:\n")
    assert (house.info("bad").state, house.reason("bad")) == ("failed", "plugin-incomplete")


DRIVER = """
class Driver:
    name = "lamp"
    counter_resolution_mwh = 1
    mdns_type = None
    def decode(self, suffix, payload): ...
    def encode_command(self, command): ...
    def encode_settings(self, settings): ...
    def encode_ack(self, ack): ...
    def found(self, name, properties): ...
@hookimpl
def plughub_device_driver(hub):
    return Driver()
"""


async def test_driver_names_are_taken_once(house: House, plugin: Write) -> None:
    plugin("first", DRIVER)
    plugin("second", DRIVER)
    await house.start()
    assert list(house.manager.device_drivers()) == ["lamp"]
    assert (house.info("second").state, house.reason("second")) == ("failed", "plugin-driver-taken")


async def test_driver_errors_are_counted_and_said_at_1_10_100(house: House, plugin: Write) -> None:
    plugin("lamp", DRIVER)
    await house.start()
    for _ in range(100):
        house.manager.failed("lamp", "decode", ValueError("odd"))
    assert house.info("lamp").failures == 100
    assert house.info("lamp").last_failure == "decode: ValueError: odd"
    assert house.failures == [PluginFailed("lamp", "decode", "ValueError: odd")] * 3
    assert house.info("lamp").state == "loaded"


STORE = """
class Store:
    name = "disk"
    def __init__(self, data_folder, config): self.data_folder, self.config = data_folder, config
    def open(self): ...
    def close(self): ...
    def merge(self, change): ...
    def read(self, series, start, end): ...
    def read_stream(self, series, run, seq_from, seq_to): ...
    def rollup(self, series, tier, start, end): ...
    def delete(self, series, tier, before): ...
    def stats(self): ...
@hookimpl
def plughub_history_store(hub, config, data_folder):
    return Store(data_folder, config)
"""


async def test_history_store(house: House, plugin: Write, tmp_path: Path) -> None:
    plugin("disk", STORE)
    await house.start()
    store: HistoryStore = house.manager.history_store("disk", tmp_path)
    assert store.data_folder == tmp_path  # type: ignore[attr-defined]
    assert store.config == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "id"),
    [
        ("", "plugin-no-store"),
        ("raise RuntimeError", "plugin-not-running"),
        (raising("plughub_history_store"), "plugin-not-running"),
        (
            STORE + "import voluptuous as vol\n@hookimpl\ndef plughub_config_schema():\n"
            "    return {vol.Required('url'): str}\n",
            "plugin-not-configured",
        ),
    ],
)
async def test_history_store_that_is_not_there(house: House, plugin: Write, code: str, id: str) -> None:
    plugin("disk", code)
    plugin("other", STORE)
    await house.start()
    with pytest.raises(HubError) as raised:
        house.manager.history_store("disk", Path())
    assert raised.value.id == id
    with pytest.raises(HubError, match="nobody"):
        house.manager.history_store("nobody", Path())


async def test_async_hook(house: House, plugin: Write) -> None:
    plugin(
        "lamp",
        NOTIFIER + "\n@hookimpl\nasync def plughub_notifier():\n    await asyncio.sleep(0)\n    return Notifier_()\n",
    )
    await house.start("integrations:\n  lamp:\n")
    assert list(house.manager.notifiers()) == ["lamp"]


async def test_slow_async_hook_meets_its_limit(house: House, plugin: Write) -> None:
    plugin("slow", "@hookimpl\nasync def plughub_notifier():\n    await asyncio.Event().wait()\n")
    plugin("tail", GOOD)
    await house.start("integrations:\n  slow:\n  tail:\n")
    assert (house.info("slow").state, house.reason("slow")) == ("failed", "plugin-slow")
    assert list(house.manager.notifiers()) == ["tail"]


@pytest.mark.parametrize(
    ("body", "id"),
    [
        ("raise ValueError('odd')", "plugin-raised"),
        ("raise HubError('ntfy-limit', server='x')", "ntfy-limit"),
        ("sys.exit(1)", "plugin-raised"),
        ("raise asyncio.CancelledError", "plugin-raised"),
        ("await asyncio.Event().wait()", "plugin-slow"),
    ],
)
async def test_notifier_that_fails_gives_only_hub_errors(house: House, plugin: Write, body: str, id: str) -> None:
    plugin(
        "bad",
        NOTIFIER + f"\nclass Bad(Notifier_):\n    async def notify(self, n):\n        {body}\n"
        "@hookimpl\ndef plughub_notifier():\n    return Bad()\n",
    )
    await house.start("integrations:\n  bad:\n")
    with pytest.raises(HubError) as raised:
        await house.manager.notifiers()["bad"].notify(HELLO)
    assert raised.value.id == id
    assert house.info("bad").state == "loaded"
    assert house.info("bad").failures == (0 if id == "ntfy-limit" else 1)


async def test_stubborn_notifier_cannot_hold_its_caller(house: House, plugin: Write) -> None:
    """It swallows its cancellation: the caller gets its error at the limit all the same."""
    plugin(
        "bad",
        NOTIFIER
        + """
class Bad(Notifier_):
    async def notify(self, n):
        self.release = asyncio.Event()
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                pass
BAD = Bad()
@hookimpl
def plughub_notifier():
    return BAD
""",
    )
    await house.start("integrations:\n  bad:\n")
    with pytest.raises(HubError):
        await house.manager.notifiers()["bad"].notify(HELLO)
    import sys

    sys.modules["plughub_plugin_bad"].BAD.release.set()  # so that nothing outlives the test


async def test_cancelling_the_caller_cancels_the_notifier(house: House, plugin: Write) -> None:
    plugin(
        "lamp",
        NOTIFIER
        + """
STARTED, CANCELLED = asyncio.Event(), asyncio.Event()
class Long(Notifier_):
    async def notify(self, n):
        STARTED.set()
        try:
            await asyncio.Event().wait()
        finally:
            CANCELLED.set()
@hookimpl
def plughub_notifier():
    return Long()
""",
    )
    await house.start("integrations:\n  lamp:\n")
    import sys

    module = sys.modules["plughub_plugin_lamp"]
    calling = asyncio.create_task(house.manager.notifiers()["lamp"].notify(HELLO))
    await module.STARTED.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await module.CANCELLED.wait()
    assert house.info("lamp").failures == 0


LISTENER = (
    NOTIFIER
    + """
HEARD, STATE = [], {}
@hookimpl
def plughub_notifier(hub):
    STATE["hub"] = hub
    STATE["notifier"] = Notifier_()
    def listen(event):
        HEARD.append(event)
        if STATE.get("raise"):
            raise ValueError("odd")
        if STATE.get("burn") and isinstance(event, DeviceAdded):
            end = time.thread_time() + STATE["burn"]
            while time.thread_time() < end:
                pass
    hub.subscribe(DeviceAdded, listen)
    hub.subscribe(PluginFailed, listen)
    return STATE["notifier"]
"""
)


@pytest.fixture
async def listener(house: House, plugin: Write) -> dict[str, object]:
    plugin("ear", LISTENER)
    plugin("good", GOOD)
    await house.start("integrations:\n  ear:\n  good:\n")
    import sys

    return vars(sys.modules["plughub_plugin_ear"])


async def test_handler_that_raises(house: House, listener: dict) -> None:
    listener["STATE"]["raise"] = True
    heard: list[DeviceAdded] = []
    house.bus.subscribe(DeviceAdded, heard.append, owner="after it")
    for _ in range(10):
        house.bus.publish(DeviceAdded("d", "h"))
    assert len(heard) == 10
    assert house.info("ear").failures >= 10
    assert [event.hook for event in house.failures if event.plugin == "ear"].count("DeviceAdded") == 2  # 1st and 10th
    assert house.bus.failures == {}


async def test_handler_that_raises_when_it_hears_of_failures_does_not_go_round(house: House, listener: dict) -> None:
    listener["STATE"]["raise"] = True
    house.manager.failed("good", "notify", ValueError("x"))
    assert [event.plugin for event in house.failures] == ["good"]
    assert house.info("ear").failures == 1


async def test_three_times_too_long_in_ten_minutes_switches_off(
    house: House, listener: dict, caplog: pytest.LogCaptureFixture
) -> None:
    listener["STATE"]["burn"] = 0.11
    for count in (1, 2, 3):
        house.bus.publish(DeviceAdded("d", "h"))
        events = [event for event in house.failures if event.hook == "DeviceAdded"]
        assert len(events) == count
        assert events[-1].switched_off == (count == 3)
    assert (house.info("ear").state, house.reason("ear")) == ("switched_off", "plugin-held-loop")
    assert "ear is switched off" in caplog.text
    heard = len(listener["HEARD"])
    house.bus.publish(DeviceAdded("d", "h"))
    assert len(listener["HEARD"]) == heard
    assert list(house.manager.notifiers()) == ["good"]

    listener["STATE"]["burn"] = 0
    await house.manager.switch_on("ear")
    assert house.info("ear").state == "loaded"
    house.bus.publish(DeviceAdded("d", "h"))
    assert len(listener["HEARD"]) > heard
    assert sorted(house.manager.notifiers()) == ["ear", "good"]


async def test_three_times_in_a_longer_time_are_only_reported(house: House, listener: dict) -> None:
    listener["STATE"]["burn"] = 0.11
    for _ in range(3):
        house.bus.publish(DeviceAdded("d", "h"))
        await house.clock.advance(301)
    assert house.info("ear").state == "loaded"


@pytest.mark.parametrize("kind", [DRIVER, STORE])
async def test_drivers_and_stores_are_only_reported(house: House, plugin: Write, kind: str) -> None:
    plugin("ear", LISTENER + kind)
    await house.start("integrations:\n  ear:\n")
    import sys

    sys.modules["plughub_plugin_ear"].STATE["burn"] = 0.11
    for _ in range(4):
        house.bus.publish(DeviceAdded("d", "h"))
    assert house.info("ear").state == "loaded"
    assert len([event for event in house.failures if event.hook == "DeviceAdded"]) == 4


async def test_task_steps_count_too(house: House, listener: dict) -> None:
    hub = listener["STATE"]["hub"]

    async def burning() -> None:
        import time

        await asyncio.sleep(0)
        end = time.thread_time() + 0.11
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0)

    await hub.create_task(burning(), "burning")
    assert [event.hook for event in house.failures] == ["burning"]


async def test_task_that_raises_is_shown(house: House, listener: dict) -> None:
    hub = listener["STATE"]["hub"]

    async def failing() -> None:
        await asyncio.sleep(0)
        raise SystemExit("in a task")

    assert await hub.create_task(failing(), "failing") is None
    assert [(event.plugin, event.hook) for event in house.failures] == [("ear", "failing")]


async def test_switching_off_drops_everything(house: House, listener: dict) -> None:
    hub = listener["STATE"]["hub"]
    rang: list[int] = []
    raised: list[str] = []
    ended: list[str] = []
    house.bus.subscribe(ProblemRaised, lambda event: raised.append(event.id), owner="test")
    house.bus.subscribe(ProblemEnded, lambda event: ended.append(event.id), owner="test")

    async def waiting() -> None:
        await asyncio.Event().wait()

    task = hub.create_task(waiting())
    hub.call_later(10, lambda: rang.append(1))
    queue = hub.queue(ClockChanged)
    hub.report_problem("ntfy-limit", server="x")
    house.manager.switch_off("ear", Message("plugin-disabled"))
    with pytest.raises(asyncio.CancelledError):
        await task
    await house.clock.advance(20)
    house.bus.publish(ClockChanged(True, 0))
    assert rang == []
    assert len(queue) == 0
    assert raised == ended == ["ntfy-limit"]
    with pytest.raises(RuntimeError, match="switched off"):
        hub.subscribe(DeviceAdded, print)
    with pytest.raises(RuntimeError, match="switched off"):
        hub.create_task(waiting())
    await house.manager.stop()
    assert listener["STATE"]["notifier"].closed


async def test_stop_closes_notifiers_even_if_one_raises(house: House, plugin: Write) -> None:
    plugin(
        "bad",
        NOTIFIER + "\nclass Bad(Notifier_):\n    async def close(self):\n        raise ValueError('odd')\n"
        "@hookimpl\ndef plughub_notifier():\n    return Bad()\n",
    )
    plugin("good", GOOD + "\n")
    await house.start("integrations:\n  bad:\n  good:\n")
    await house.manager.stop()
    assert house.info("bad").failures == 1


async def test_trace(
    house: House, plugin: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PLUGHUB_TRACE_HOOKS", "1")
    house.manager = type(house.manager)(house.bus, house.clock, house.folder / "plugins")
    plugin("ear", LISTENER)
    with caplog.at_level(logging.INFO, "hub.plugins"):
        await house.start("integrations:\n  ear:\n")
        house.bus.publish(DeviceAdded("d", "h"))
    traced = [record.getMessage() for record in caplog.records if "hook trace" in record.getMessage()]
    assert any("ear plughub_notifier" in line for line in traced)
    assert "hook trace: ear DeviceAdded" in traced
