"""Notifiers over the API: which there are, how delivery went, and a test message."""

import asyncio

import pytest

from hub.client import ApiError, HubClient
from hub.plugins import Notification
from tests.alerts.conftest import Home
from tests.alerts.test_delivery import Phone
from tests.alerts.test_rest import doors

__all__ = ["doors"]


async def test_a_test_arrives_or_says_why_not(home: Home, doors: dict[str, HubClient]) -> None:
    admin, phone = doors["admin"], Phone()
    assert await admin.notifiers() == []
    home.notifiers["phone"] = phone
    nothing = {"name": "phone", "delivered": None, "failed": None, "detail": None}
    assert await admin.notifiers() == [nothing]
    now = home.clock.now()
    arrived = {**nothing, "delivered": now}
    assert await admin.test_notifier("phone") == arrived
    assert phone.got == [f"Alerts of {home.identity.homes.first.name} arrive here."]
    await home.clock.advance(5)
    phone.refusals = 1
    with pytest.raises(ApiError) as caught:
        await admin.test_notifier("phone")
    assert (caught.value.status, caught.value.code) == (502, "notifier-failed")
    assert caught.value.detail.startswith("The message did not arrive. ")
    [failed] = await admin.notifiers()
    assert (failed["delivered"], failed["failed"]) == (now, now + 5000)
    assert failed["detail"] in caught.value.detail
    assert [line["object"] for line in await admin.audit(action="notifier")] == ["phone"]
    with pytest.raises(ApiError) as caught:
        await admin.test_notifier("pigeon")
    assert caught.value.code == "notifier-unknown"


async def test_what_arrives_ends_the_problem(home: Home, doors: dict[str, HubClient]) -> None:
    home.notifiers["phone"] = phone = Phone()
    phone.refusals = 4
    home.delivery.send(Notification("x", "y"))
    await home.clock.advance(200)
    assert [one["id"] for one in await doors["admin"].problems()] == ["alert-undelivered"]
    await doors["admin"].test_notifier("phone")
    assert await doors["admin"].problems() == []


async def test_a_test_beside_a_delivery_forgets_nothing_of_it(home: Home, doors: dict[str, HubClient]) -> None:
    home.notifiers["phone"] = phone = Phone()
    phone.holding = asyncio.Event()
    home.delivery.send(Notification("x", "y"))
    waiting = asyncio.create_task(home.delivery.test("phone", Notification("x", "z")))
    while phone.tries < 2:
        await asyncio.sleep(0)
    phone.refusals = 1  # the first one that goes on
    phone.holding.set()
    await waiting
    [one] = await doors["admin"].notifiers()
    assert one["delivered"] is not None
    assert one["failed"] is not None
