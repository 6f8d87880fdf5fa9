"""New versions in a real browser: the hub asks once it is allowed, and a plug with older firmware is named."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from firmware.boards.desktop import DesktopPlug
from firmware.plug import VERSION
from hub.testing.process import HubProcess
from tests.e2e.test_first_evening import DESKTOP, SIZES, log_in_any, open_tab
from tests.updates.parts import Distributor, notice, public

pytestmark = pytest.mark.browser


@pytest.fixture
async def distributor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Distributor]:
    there = Distributor(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(there.files.certificate))
    await there.start()
    now = datetime.now(UTC).replace(microsecond=0)
    there.publish(notice("9.0.0", secure_from="9.0.0", issued=now, expires=now + timedelta(days=90)))
    yield there
    await there.stop()


async def test_an_admin_allows_it_and_is_told(
    distributor: Distributor, browser: Browser, shots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.plug.app.VERSION", "0.0.9")
    section = f"updates:\n  url: {distributor.url}\n  keys: {public(distributor.key)}\n"
    hub = HubProcess("network:\n  mdns: false\n" + section)
    plug = None
    try:
        await hub.start()
        await hub.set_up()
        _, secret = await hub.add_plug("plug-1", "Reading lamp")
        plug = DesktopPlug("127.0.0.1", hub.mqtt_port, "plug-1", secret)
        await plug.start()
        await plug.wait_online()

        context, tab = await open_tab(browser, hub, viewport=DESKTOP)
        page = tab.page
        await page.goto("/settings")
        await log_in_any(page)
        about = page.get_by_role("region", name="About")
        await expect(about.get_by_role("link", name="Reading lamp")).to_be_visible()
        assert distributor.requests == []
        look = about.get_by_role("switch", name="Look for new versions")
        await about.locator(".ink-switch").click()
        await expect(look).to_be_checked()
        await expect(about.get_by_text("Version 9.0.0 is out and mends a security fault")).to_be_visible()
        assert len(distributor.requests) == 1
        await about.get_by_role("link", name="Reading lamp").click()
        await expect(page.get_by_text(f"The hub brings firmware {VERSION}")).to_be_visible()
        await page.goto("/")
        await expect(page.get_by_text("Version 9.0.0 mends a security fault")).to_be_visible()
        assert tab.errors == []
        await context.close()

        for size, options in SIZES.items():
            context, tab = await open_tab(browser, hub, **options)
            await tab.page.goto("/settings")
            await log_in_any(tab.page)
            about = tab.page.get_by_role("region", name="About")
            await about.get_by_text("Version 9.0.0").scroll_into_view_if_needed()
            for theme in ("light", "dark"):
                await tab.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                await about.screenshot(path=shots / f"updates-{size}-{theme}-en.png", animations="disabled")
            wide = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
            await context.close()
    finally:
        if plug is not None:
            await plug.stop()
        await hub.close()
