"""People in a real browser: a guest comes by a link and is signed out again; a second factor from switch to sign-in."""

import base64
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.async_api import Browser, Page, expect

from hub.testing.process import EMAIL, PASSWORD, HubProcess
from tests.e2e.test_first_evening import DESKTOP, PHONE, log_in, open_tab

pytestmark = pytest.mark.browser
GUEST_PASSWORD = "three words and a number 7"


async def test_a_guest_comes_by_a_link_and_sees_what_is_shared(
    demo_hub: HubProcess, browser: Browser, shots: Path
) -> None:
    await demo_hub.set_up()
    context, tab = await open_tab(browser, demo_hub, viewport=DESKTOP)
    admin = tab.page
    await admin.goto("/people")
    await log_in(admin)
    await expect(admin.get_by_role("heading", name="People")).to_be_visible()
    await admin.get_by_role("radio", name="Guest").check(force=True)
    await admin.get_by_role("button", name="Make a link").click()
    await expect(admin.get_by_role("img", name="Invitation as a QR code")).to_be_visible()
    link = await admin.locator(".secret-text").inner_text()
    await admin.screenshot(path=shots / "people-dk-light-en.png")

    guests, guest_tab = await open_tab(browser, demo_hub, viewport=PHONE, is_mobile=True, has_touch=True)
    guest = guest_tab.page
    await guest.goto(link)
    await expect(guest.get_by_role("heading", name="Join Test home")).to_be_visible()
    await guest.get_by_role("button", name="Join").click()
    await expect(guest.get_by_text("Enter your name.")).to_be_visible()
    await guest.get_by_label("Your name").fill("Mia")
    await guest.get_by_label("E-mail").fill("mia@home.example")
    await guest.get_by_label("Password", exact=True).fill(GUEST_PASSWORD)
    await guest.get_by_role("button", name="Join").click()
    await guest.get_by_role("navigation").get_by_role("link", name="Plugs").click()
    await expect(guest.get_by_role("heading", name="Plugs", exact=True)).to_be_visible()
    await expect(guest.locator("[data-testid^=plug-]")).to_have_count(0)

    # The admin lets her look at the TV: it comes to her by itself, and nothing else does.
    await admin.reload()
    await admin.get_by_role("link", name="Mia").click()
    await expect(admin.get_by_role("heading", name="What Mia may do")).to_be_visible()
    room = admin.get_by_role("radiogroup", name="Living room: what Mia may do")
    await room.get_by_text("look").click()
    await expect(room.get_by_role("radio", name="look")).to_be_checked()
    await expect(admin.get_by_role("link", name="Mia")).to_contain_text("looks at Living room")
    await guest.reload()
    await expect(guest.get_by_test_id("plug-tv")).to_be_visible()
    await expect(guest.locator("[data-testid^=plug-]")).to_have_count(1)
    await guest.goto("/people")
    await expect(guest.get_by_text("looks at Living room")).to_be_visible()
    await expect(guest.get_by_role("heading", name="Invite someone")).to_have_count(0)

    await admin.get_by_role("button", name="Sign out everywhere").click()
    await admin.get_by_role("alertdialog").get_by_role("button", name="Sign out Mia").click()
    await expect(guest.get_by_text("Your session has ended.")).to_be_visible()
    await expect(guest.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(admin.get_by_text("Not signed in").first).to_be_visible()

    await admin.goto("/admin/audit")
    await expect(admin.get_by_text("Joined by a link")).to_be_visible()
    await expect(admin.get_by_text("Changed who may do what with TV")).to_be_visible()
    assert tab.errors == []
    assert guest_tab.errors == []
    await guests.close()
    await context.close()


async def test_a_second_factor_from_the_switch_to_the_next_sign_in(
    demo_hub: HubProcess, browser: Browser, shots: Path
) -> None:
    await demo_hub.set_up()
    context, tab = await open_tab(browser, demo_hub, viewport=PHONE, is_mobile=True, has_touch=True)
    page = tab.page
    await page.goto("/settings/account")
    await log_in(page)
    section = page.get_by_role("region", name="Second step")
    await section.get_by_role("button", name="Switch on").click()
    await section.get_by_label("Your password", exact=True).fill(PASSWORD)
    await section.get_by_role("button", name="Next").click()
    await expect(section.get_by_role("img")).to_be_visible()
    secret = (await section.locator(".secret-text .mono").inner_text()).replace(" ", "")
    app = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    await section.get_by_label("Code of the app").fill("12345")
    await section.get_by_role("button", name="Switch on").click()
    await expect(section.get_by_text("Enter the six digits")).to_be_visible()
    await section.get_by_label("Code of the app").fill(app.generate(int(time.time())).decode())
    await section.get_by_role("button", name="Switch on").click()

    codes = page.get_by_role("region", name="Recovery codes")
    await expect(codes.get_by_role("listitem")).to_have_count(10)
    recovery = await codes.get_by_role("listitem").first.inner_text()
    await expect(codes.get_by_role("button", name="Done")).to_be_disabled()
    await page.screenshot(path=shots / "recovery-codes-ph-light-en.png", full_page=True)
    await codes.get_by_label("I have kept the codes").check()
    await codes.get_by_role("button", name="Done").click()
    await expect(section.get_by_text("10 recovery codes are left")).to_be_visible()
    await expect(page.get_by_text(recovery)).to_have_count(0)

    # A code serves once: the next one is of the next half minute.
    await sign_out(page)
    await give(page, app.generate(int(time.time()) + 30).decode())
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await sign_out(page)
    await give(page, recovery)
    await page.get_by_role("link", name="Account settings").click()
    await expect(section.get_by_text("9 recovery codes are left")).to_be_visible()
    assert tab.errors == []
    await context.close()


async def sign_out(page: Page) -> None:
    await page.goto("/settings")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(page.get_by_text("Your session has ended.")).to_have_count(0)


async def give(page: Page, code: str) -> None:
    """Sign in with the password, then with this code."""
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    await expect(page.get_by_label("Code")).to_be_focused()
    await page.get_by_label("Code").fill(code)
    await page.get_by_role("button", name="Sign in").click()
