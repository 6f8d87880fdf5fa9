"""The page of the API in a real browser: it lists what there is, tries it with a key, and keeps nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from hub.api.rest import ROUTES
from hub.api.security import DOCS_POLICY
from hub.testing.process import PASSWORD, HubProcess
from tests.e2e.conftest import NAME
from tests.e2e.test_first_evening import DESKTOP, open_tab

pytestmark = pytest.mark.browser
KEPT = "async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length]"


@pytest.fixture
async def hub() -> AsyncIterator[HubProcess]:
    process = HubProcess()
    await process.start()
    await process.set_up()
    yield process
    await process.close()


async def test_a_request_is_tried_with_a_key(hub: HubProcess, browser: Browser, shots: Path) -> None:
    asked = {"name": "Docs", "scopes": ["read"], "expires": None, "password": PASSWORD}
    key = (await hub.call("POST", "/account/keys", asked))["text"]
    context, tab = await open_tab(browser, hub, viewport=DESKTOP)
    page = tab.page
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    shown = await page.goto("/api/v1/docs")
    assert shown is not None
    assert shown.headers["content-security-policy"] == DOCS_POLICY
    await expect(page.locator(".opblock")).to_have_count(len(ROUTES))
    await page.screenshot(path=shots / "api-docs-dk-light-en.png")

    operation = page.locator("#operations-auth-me")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response-col_status")
    await expect(status.last).to_contain_text("401")

    await page.get_by_role("button", name="Authorize", exact=True).first.click()
    dialog = page.locator(".dialog-ux")
    await dialog.locator("input").last.fill(key)
    await page.screenshot(path=shots / "api-docs-authorize-dk-light-en.png")
    await dialog.get_by_role("button", name="Apply credentials").last.click()
    await dialog.get_by_role("button", name="Close").last.click()
    await operation.get_by_role("button", name="Execute").click()
    await expect(status.last).to_contain_text("200")
    await expect(operation.locator(".live-responses-table")).to_contain_text('"Tester"')
    await operation.scroll_into_view_if_needed()
    await page.screenshot(path=shots / "api-docs-tried-dk-light-en.png")

    assert hosts == {f"{NAME}:{hub.http_port}"}
    assert await page.evaluate(KEPT) == [0, 0, "", 0]
    assert await context.cookies() == []
    assert tab.errors == []  # what the policy forbids is one
    await context.close()
