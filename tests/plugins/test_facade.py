"""The Hub that a plugin is given, with the fixtures that plugin authors use."""

import asyncio

import pytest

from hub.events import DeviceAdded, ProblemEnded, ProblemRaised
from hub.testing.plugins import Raised, StrictGuard, TestHub, checked

ADDED = DeviceAdded("d", "h")


async def test_subscription(hub: TestHub) -> None:
    heard: list[DeviceAdded] = []
    subscription = hub.subscribe(DeviceAdded, heard.append)
    hub.bus.publish(ADDED)
    subscription.cancel()
    hub.bus.publish(ADDED)
    assert heard == [ADDED]


async def test_async_handler_is_refused(hub: TestHub) -> None:
    async def handler(event: DeviceAdded) -> None: ...

    with pytest.raises(TypeError, match="queue"):
        hub.subscribe(DeviceAdded, handler)  # type: ignore[arg-type]


async def test_queue_in_a_task(hub: TestHub) -> None:
    queue = hub.queue(DeviceAdded)
    got: asyncio.Future[DeviceAdded] = asyncio.get_running_loop().create_future()

    async def reading() -> None:
        got.set_result(await queue.get())

    task = hub.create_task(reading())
    hub.bus.publish(ADDED)
    await task
    assert got.result() == ADDED


async def test_task_gives_its_result(hub: TestHub) -> None:
    async def asking(future: "asyncio.Future[int]") -> int:
        try:
            return await future
        except ValueError:
            return 7

    failing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    failing.set_exception(ValueError())
    assert await hub.create_task(asking(failing)) == 7


async def test_timers_follow_the_clock(hub: TestHub) -> None:
    rang: list[int] = []
    hub.call_later(60, lambda: rang.append(hub.clock.now()))
    hub.call_later(30, lambda: rang.append(hub.clock.now())).cancel()
    begun = hub.clock.now()
    await hub.fake_clock.advance(59)
    assert rang == []
    await hub.fake_clock.advance(1)
    assert rang == [begun + 60_000]


async def test_sleeping_task_wakes_in_order(hub: TestHub) -> None:
    woken: list[float] = []

    async def sleeping(seconds: float) -> None:
        await hub.clock.sleep(seconds)
        woken.append(hub.clock.monotonic())

    begun = hub.clock.monotonic()
    tasks = [hub.create_task(sleeping(seconds)) for seconds in (3, 1, 2)]
    await hub.fake_clock.advance(10)
    await asyncio.gather(*tasks)
    assert [at - begun for at in woken] == [1, 2, 3]


async def test_problems(hub: TestHub) -> None:
    hub.hear(ProblemRaised, ProblemEnded)
    hub.report_problem("ntfy-limit", server="x")
    hub.end_problem("ntfy-limit")
    hub.end_problem("ntfy-limit")
    assert hub.heard(ProblemRaised) == [ProblemRaised("ntfy-limit", {"server": "x"})]
    assert hub.heard(ProblemEnded) == [ProblemEnded("ntfy-limit")]


async def test_what_a_plugin_raises_fails_its_test() -> None:
    hub = TestHub()

    def failing(event: DeviceAdded) -> None:
        raise ValueError("odd")

    hub.subscribe(DeviceAdded, failing)
    hub.bus.publish(ADDED)
    with pytest.raises(Raised, match="odd"):
        hub.guard.check()
    StrictGuard().check()


def test_checked_section() -> None:
    assert checked({"a": int}, {"a": 1}) == {"a": 1}
