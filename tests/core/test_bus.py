"""The event bus: dispatch by type, isolation, owners, bounded queues."""

import asyncio
import logging

import pytest

from hub.bus import Bus
from hub.events import DeviceAdded, DeviceChanged, Event


def test_an_event_reaches_every_handler_of_its_type_in_order() -> None:
    bus, heard = Bus(), []
    bus.subscribe(DeviceAdded, lambda e: heard.append(("first", e.device)), "a")
    bus.subscribe(DeviceAdded, lambda e: heard.append(("second", e.device)), "b")
    bus.subscribe(DeviceChanged, lambda e: heard.append(("other", e.device)), "b")
    bus.publish(DeviceAdded("d1", "h"))
    assert heard == [("first", "d1"), ("second", "d1")]


def test_a_handler_that_raises_is_logged_with_its_owner_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard, failures = Bus(), [], []
    bus.on_failure = lambda owner, event, error: failures.append((owner, event, str(error)))

    def broken(event: Event) -> None:
        raise ValueError("no such thing")

    bus.subscribe(DeviceAdded, broken, "plugin:broken")
    bus.subscribe(DeviceAdded, lambda e: heard.append(e.device), "good")
    with caplog.at_level(logging.ERROR):
        for _ in range(25):
            bus.publish(DeviceAdded("d1", "h"))
    assert heard == ["d1"] * 25
    assert failures == [("plugin:broken", DeviceAdded, "no such thing")] * 25
    assert bus.failures == {"plugin:broken": 25}
    assert len(caplog.records) == 2, "the 1st and the 10th failure are written, not every one"
    assert "plugin:broken" in caplog.text
    assert "no such thing" in caplog.text


def test_cancelling_and_subscribing_during_a_delivery_takes_effect_with_the_next_event() -> None:
    bus, heard = Bus(), []

    def once(event: DeviceAdded) -> None:
        heard.append("once")
        subscription.cancel()
        subscription.cancel()
        bus.subscribe(DeviceAdded, lambda e: heard.append("late"), "x")

    subscription = bus.subscribe(DeviceAdded, once, "x")
    bus.publish(DeviceAdded("d", "h"))
    assert heard == ["once"]
    bus.publish(DeviceAdded("d", "h"))
    assert heard == ["once", "late"]


def test_removing_an_owner_removes_all_that_it_subscribed() -> None:
    bus, heard = Bus(), []
    bus.subscribe(DeviceAdded, lambda e: heard.append(1), "plugin:a")
    bus.subscribe(DeviceChanged, lambda e: heard.append(2), "plugin:a")
    bus.subscribe(DeviceChanged, lambda e: heard.append(3), "hub")
    bus.remove_owner("plugin:a")
    bus.publish(DeviceAdded("d", "h"))
    bus.publish(DeviceChanged("d", "h"))
    assert heard == [3]


async def test_a_queue_keeps_the_newest_and_counts_what_it_dropped() -> None:
    bus = Bus()
    queue = bus.queue(DeviceAdded, DeviceChanged, owner="slow", limit=3)
    for k in range(5):
        bus.publish(DeviceAdded(f"d{k}", "h"))
    assert len(queue) == 3
    assert queue.dropped == 2
    assert [(await queue.get()).device for _ in range(3)] == ["d2", "d3", "d4"]
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish(DeviceChanged("d9", "h"))
    assert (await waiting).device == "d9"
    queue.close()
    bus.publish(DeviceChanged("d10", "h"))
    assert len(queue) == 0
