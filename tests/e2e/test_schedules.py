"""Schedules in a real browser: on and off in one form, one of them runs, is paused, removed and taken back."""

import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from hub.testing.process import HubProcess
from tests.e2e.conftest import demo
from tests.e2e.test_first_evening import DESKTOP, device, log_in, open_tab

pytestmark = pytest.mark.browser
BERLIN = ZoneInfo("Europe/Berlin")
SHIFTED = """
import sys, time
real = time.time_ns
time.time_ns = lambda: real() + {ahead_ms} * 1_000_000
from hub.cli import main
sys.exit(main())
"""


class TimedHub:
    """The demo, some minutes ahead at most: its clock starts a quarter of a minute after a whole one (for 20 s it runs
    nothing, then a minute is near), and at no end of a day."""

    def __init__(self) -> None:
        now = time.time_ns() // 1_000_000
        self.ahead_ms = (15_000 - now) % 60_000
        if f"{datetime.fromtimestamp((now + self.ahead_ms) / 1000, BERLIN):%H:%M}" >= "23:50":
            self.ahead_ms += 600_000
        self.process: HubProcess

    def now(self) -> int:
        """Unix ms of the hub."""
        return time.time_ns() // 1_000_000 + self.ahead_ms


@pytest.fixture
async def timed() -> AsyncIterator[TimedHub]:
    hub = TimedHub()
    async with demo(("-c", SHIFTED.format(ahead_ms=hub.ahead_ms), "run")) as hub.process:
        yield hub


def clock_of(hub_ms: int) -> str:
    """HH:MM in the home."""
    return f"{datetime.fromtimestamp(hub_ms / 1000, BERLIN):%H:%M}"


async def test_a_pair_is_made_runs_is_paused_and_removed(timed: TimedHub, browser: Browser, shots: Path) -> None:
    timed_hub = timed.process
    await timed_hub.set_up()
    context, tab = await open_tab(browser, timed_hub, viewport=DESKTOP)
    page = tab.page
    await page.goto("/schedules")
    await log_in(page)
    await expect(page.get_by_role("heading", name="No schedules yet")).to_be_visible()
    await page.get_by_role("link", name="New schedule").click()
    await expect(page.get_by_role("heading", name="New schedule")).to_be_focused()
    await page.get_by_label("Plug", exact=True).select_option(label="TV")
    await page.get_by_label("Name").fill("Late")

    # Off in the next minute that there is time for, on again two hours later.
    due = (timed.now() + 25_000) // 60_000 * 60_000 + 60_000
    off, on = clock_of(due), clock_of(due + 7_200_000)
    await page.get_by_label("On at").fill(on.replace(":", ""))
    await page.get_by_label("Off at").fill(off)
    await page.get_by_role("button", name="Add").click()

    rows = page.get_by_test_id("schedule")
    await expect(rows).to_have_count(2)
    going_off = rows.filter(has_text=f"TV off at {off}, every day")
    await expect(going_off).to_contain_text(f"Next: today {off}")
    await expect(going_off).to_contain_text("Late · made by you")
    await expect(page.get_by_role("region", name="Today").get_by_role("listitem")).to_contain_text("TV")
    assert (await device(timed_hub, "tv"))["channels"][0]["on"] is True

    # It runs, and the page hears of it by itself: it would only ask again a minute after the last time.
    left = due - timed.now()
    await expect(going_off).to_contain_text(f"Switched {off}", timeout=left + 30_000)
    await expect(going_off).to_contain_text(f"Next: tomorrow {off}")
    assert (await device(timed_hub, "tv"))["channels"][0]["on"] is False
    await page.screenshot(path=shots / "schedules-pair-dk-light-en.png")

    in_use = page.get_by_role("switch", name=f"TV on at {on}, every day")
    await in_use.click(force=True)
    await expect(rows.filter(has_text=f"TV on at {on}")).to_contain_text("Paused")
    await page.reload()
    await expect(in_use).not_to_be_checked()

    await going_off.click()
    await page.get_by_role("button", name="Remove").click()
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Undo").click()
    await expect(rows).to_have_count(2)
    await expect(going_off).to_contain_text(f"Next: tomorrow {off}")
    await going_off.click()
    await page.get_by_role("button", name="Remove").click()
    await expect(rows).to_have_count(1)

    await page.goto("/plugs/tv")
    link = page.get_by_role("link", name="Schedules 1, paused")
    await link.click()
    await expect(page.get_by_role("region", name="TV").get_by_role("listitem")).to_have_count(7)
    assert [one["enabled"] for one in (await timed_hub.call("GET", "/schedules"))["items"]] == [False]
    assert tab.errors == []
    await context.close()
