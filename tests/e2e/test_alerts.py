"""Alerts in a real browser: one is made and fires, Home and the plug say so, switching it off ends it everywhere."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from hub.testing.process import HubProcess
from tests.e2e.test_first_evening import DESKTOP, PHONE, log_in, open_tab

pytestmark = pytest.mark.browser


async def test_an_alert_from_its_first_to_its_last_moment(demo_hub: HubProcess, browser: Browser, shots: Path) -> None:
    await demo_hub.set_up()
    desk, desk_tab = await open_tab(browser, demo_hub, viewport=DESKTOP)
    hand, hand_tab = await open_tab(browser, demo_hub, viewport=PHONE, is_mobile=True, has_touch=True)
    page, phone = desk_tab.page, hand_tab.page
    await phone.goto("/")
    await log_in(phone)
    await expect(phone.get_by_text("measured by 5 plugs")).to_be_visible()
    await expect(phone.get_by_test_id("attention")).to_have_count(0)

    await page.goto("/alerts")
    await log_in(page)
    await expect(page.get_by_role("heading", name="No alerts yet")).to_be_visible()
    await expect(page.get_by_text("Only here")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="New alert").click()
    await page.get_by_label("Plug", exact=True).select_option("TV")
    await page.get_by_text("Draws less").click()
    await page.get_by_label("Threshold").fill("9,000")
    await page.get_by_label("For how long").select_option("At once")
    await page.get_by_label("Name").fill("TV on trial")
    await expect(page.get_by_role("img")).to_be_visible()
    await page.screenshot(path=shots / "alerts-form-dk-light-en.png")
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_text("Added: TV below 9,000 W")).to_be_visible()

    # It fires at the next reading; nobody has to reload a page.
    card = page.get_by_test_id("firing")
    await expect(card.get_by_role("heading", name="TV on trial")).to_be_visible()
    await expect(card.get_by_text("less than 9,000 W")).to_be_visible()
    await expect(card.get_by_role("img")).to_be_visible()
    line = phone.get_by_test_id("attention")
    await expect(line).to_contain_text("less than 9,000 W")
    await phone.screenshot(path=shots / "alerts-home-ph-light-en.png")
    await line.click()
    await expect(phone.get_by_test_id("firing")).to_contain_text("TV on trial")
    await phone.get_by_role("link", name="Look at TV").click()
    await expect(phone.get_by_role("link", name="Alerts")).to_contain_text("less than 9,000 W")

    # A change of its name moves nothing else.
    await page.get_by_role("link", name="Change alert").click()
    await page.get_by_label("Name").fill("TV below much")
    await page.get_by_role("button", name="Save").click()
    await expect(card.get_by_role("heading", name="TV below much")).to_be_visible()
    await page.screenshot(path=shots / "alerts-firing-dk-light-en.png")

    await phone.goto("/")
    await expect(line).to_be_visible()
    await page.get_by_role("switch", name="TV below much").click(force=True)
    await expect(page.get_by_text("Every alert is switched off.")).to_be_visible()
    await expect(line).to_have_count(0)

    await page.get_by_test_id("rule").click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("heading", name="No alerts yet")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Back again: TV below much")).to_be_visible()
    [back] = (await demo_hub.call("GET", "/alerts"))["items"]
    assert (back["name"], back["threshold"], back["enabled"]) == ("TV below much", 9000, False)
    assert desk_tab.errors == []
    assert hand_tab.errors == []
    await desk.close()
    await hand.close()
