"""Adding the demo's sixth plug in a real browser: each step as it happens, its first value, its name; failures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hub.testing.process import HubProcess
from tests.e2e.conftest import DemoHub
from tests.e2e.test_first_evening import DESKTOP, PHONE, Tab, log_in_any, open_tab

pytestmark = pytest.mark.browser
NEW = "demo-new-plug"
WRONG = "0000-0000-0000-0000"
SIZES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ph", {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}),
    ("dk", {"viewport": DESKTOP}),
)
# How many steps are behind, each time the page shows another number.
WATCH = """
  window.reached = [];
  new MutationObserver(() => {
    const steps = document.querySelector('.pair-steps');
    if (steps && window.reached.at(-1) !== steps.dataset.reached) window.reached.push(steps.dataset.reached);
  }).observe(document, { subtree: true, childList: true, attributes: true });
"""
# What a page over HTTPS has: a camera (it shows nothing), and a reader of QR codes (it finds this text in whatever).
CAMERA = """
  window.label = '';
  Object.defineProperty(window, 'isSecureContext', { value: true });
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ['qr_code']; }
    async detect() { return window.label ? [{ rawValue: window.label }] : []; }
  };
  const getUserMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const pen = canvas.getContext('2d');
    const paint = () => { pen.fillStyle = '#4b5052'; pen.fillRect(0, 0, 640, 480); };
    paint(); setInterval(paint, 100);
    return canvas.captureStream();
  };
  Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia } });
"""


def label(hub: HubProcess) -> str:
    """The code on the new plug's label."""
    return str(json.loads((hub.data / "demo.json").read_text())["new"]["code"])


async def signed_in(browser: Browser, hub: HubProcess, **options: Any) -> tuple[BrowserContext, Tab]:
    context, tab = await open_tab(browser, hub, **options)
    await tab.page.goto("/")
    await log_in_any(tab.page)
    await expect(tab.page.locator(".now").first).to_have_text(re.compile(r"\d"))
    return context, tab


async def pictures(page: Page, folder: Path, name: str) -> None:
    """In both themes; nothing may be wider than the screen."""
    for theme in ("dark", "light"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.screenshot(path=folder / f"{name}-{theme}.png")
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


async def typed(page: Page, code: str) -> None:
    await page.get_by_label("Hardware id").fill(NEW)
    await page.get_by_label("Code", exact=True).fill(code)
    await page.get_by_role("button", name="Connect").click()


async def test_a_new_plug_is_added_step_by_step(demo_hub: DemoHub, browser: Browser, shots: Path) -> None:
    await demo_hub.set_up()
    context, tab = await signed_in(browser, demo_hub, **SIZES[0][1])
    page = tab.page
    await page.add_init_script(WATCH)
    await page.emulate_media(reduced_motion="no-preference")

    # It is there before anybody asks for it.
    await page.reload()
    await expect(page.get_by_text("A new plug is here")).to_be_visible()
    await pictures(page, shots, "pair-home-ph")
    await page.get_by_role("link", name="Add", exact=True).click()
    await expect(page.get_by_label("Hardware id")).to_have_value(NEW)
    await expect(page.get_by_text(label(demo_hub))).to_be_visible()
    await pictures(page, shots, "pair-type-ph")

    # Each step is shown as it happens, in its order, and none is left out.
    await page.get_by_role("button", name="Use it").click()
    with demo_hub.still():
        await page.get_by_role("button", name="Connect").click()
        await expect(page.get_by_role("heading", name="Waiting for the plug")).to_be_visible()
        await expect(page.get_by_text(re.compile("The hub waits for another 10"))).to_be_visible()
        await page.screenshot(path=shots / "pair-wait-ph-light.png")
    await page.wait_for_function("() => window.reached.at(-1) === '4'")
    await page.screenshot(path=shots / "pair-work-ph-light.png")

    # The first value that it measured, then what it is.
    await expect(page.get_by_role("heading", name="What is plugged in?")).to_be_visible()
    assert await page.evaluate("window.reached") == ["1", "2", "3", "4"]
    await expect(page.locator(".pair-measured .quantity")).to_have_text(re.compile(r"\d"))
    await page.get_by_role("radio", name="Lamp").check(force=True)
    await expect(page.get_by_label("Name")).to_have_value("Lamp")
    await page.get_by_role("button", name="Office").click()
    await page.get_by_label("Name").fill("Reading lamp")
    await pictures(page, shots, "pair-name-ph")
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("heading", name="Reading lamp")).to_be_visible()
    await expect(page.locator(".quantity.plug").first).to_have_text(re.compile(r"\d"))
    listed = (await demo_hub.call("GET", "/devices"))["items"]
    (added,) = [device for device in listed if device["hardware_id"] == NEW]
    assert (added["name"], added["room"], added["icon"], added["online"]) == ("Reading lamp", "Office", "lamp", True)
    await page.goto("/plugs")
    await expect(page.get_by_text("Reading lamp")).to_be_visible()
    await expect(page.get_by_text("A new plug is here")).to_have_count(0)
    assert tab.errors == []
    await context.close()


async def test_a_wrong_code_is_told_and_the_right_one_replaces_a_dead_plug(
    demo_hub: HubProcess, browser: Browser, shots: Path
) -> None:
    await demo_hub.set_up()
    context, tab = await signed_in(browser, demo_hub, viewport=PHONE)
    page = tab.page
    await page.goto("/plugs/tv/edit")
    await page.get_by_role("link", name="Replace plug").click()
    await expect(page.get_by_role("heading", name="Which plug takes the place of TV?")).to_be_visible()
    await pictures(page, shots, "pair-replace-ph")

    # Somebody else waits for it already: said, and free again when they stop.
    mine = {"device_id": NEW, "name": "x", "pairing_code": WRONG}
    command_line = json.loads((demo_hub.data / "api.key").read_text())["key"]
    headers = {"Authorization": f"Bearer {command_line}"}
    response = await context.request.post(f"{demo_hub.url}/devices", data=mine, headers=headers)
    assert response.status == 202, await response.text()
    await typed(page, WRONG)
    await expect(page.get_by_text(f"Somebody else is pairing the plug {NEW}")).to_be_visible()
    await context.request.delete(f"{demo_hub.url}/pairings/{(await response.json())['id']}", headers=headers)

    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("heading", name="The code is not that of this plug")).to_be_visible()
    await expect(page.get_by_text("4 more tries, then the hub stops waiting")).to_be_visible()
    await pictures(page, shots, "pair-fail-ph")
    await page.get_by_role("button", name="Type the code again").click()
    await typed(page, label(demo_hub).replace("-", " ").lower())
    await expect(page.get_by_role("heading", name="TV is here again")).to_be_visible()
    await expect(page.locator(".pair-measured .quantity")).to_have_text(re.compile(r"\d"))
    await pictures(page, shots, "pair-back-ph")
    await page.get_by_role("link", name="To the plug").click()
    await expect(page.get_by_role("heading", name="TV", exact=True)).to_be_visible()
    listed = (await demo_hub.call("GET", "/devices"))["items"]
    assert [device["hardware_id"] for device in listed if device["key"] == "tv"] == [NEW]
    assert [error for error in tab.errors if "409" not in error] == []
    await context.close()


async def test_a_label_is_scanned_and_every_screen_fits(demo_hub: HubProcess, browser: Browser, shots: Path) -> None:
    await demo_hub.set_up()
    for size, options in SIZES:
        context, tab = await open_tab(browser, demo_hub, **options)
        page = tab.page
        await page.add_init_script(CAMERA)
        await page.add_init_script("localStorage.setItem('language', 'de')")
        await page.goto("/")
        await log_in_any(page)
        await expect(page.locator(".now").first).to_have_text(re.compile(r"\d"))
        await page.goto("/plugs/add")
        if size == "dk":
            await expect(page.get_by_role("heading", name="Welcher Stecker?")).to_be_visible()
            await pictures(page, shots, "pair-start-dk")
            await page.get_by_role("button", name="Etikett scannen").click()
        await expect(page.get_by_role("heading", name="Etikett scannen")).to_be_visible()
        await expect(page.get_by_text("auf der Rückseite des Steckers")).to_be_visible()
        await page.screenshot(path=shots / f"pair-scan-{size}.png")
        await page.evaluate("window.label = 'https://example.org'")
        await expect(page.get_by_text("Dieser Code ist nicht der eines Steckers")).to_be_visible()
        await page.evaluate(f"window.label = 'PLUGHUB:1:not-here-yet:{WRONG}'")
        await expect(page.get_by_label("Code", exact=True)).to_have_value(WRONG)
        await page.get_by_role("button", name="Verbinden").click()
        await expect(page.get_by_role("heading", name="Warten auf den Stecker")).to_be_visible()
        await pictures(page, shots, f"pair-wait-de-{size}")
        await page.reload()
        await expect(page.get_by_role("heading", name="Warten auf den Stecker")).to_be_visible()
        await page.get_by_role("button", name="Abbrechen").click()
        await expect(page.get_by_role("heading", name="Warten auf den Stecker")).to_have_count(0)
        await page.goto("/plugs/add?by=hand")
        await expect(page.get_by_label("Gerätekennung")).to_be_visible()
        await pictures(page, shots, f"pair-hand-{size}")
        assert tab.errors == []
        await context.close()
