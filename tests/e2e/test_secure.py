"""Secure this phone, in a real browser: before the certificate is installed, past the warning, and after it."""

from pathlib import Path

import pytest
from cryptography import x509
from playwright.async_api import Browser, expect

from hub.testing.process import EMAIL, PASSWORD, HubProcess
from tests.e2e.conftest import NAME

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


async def test_a_device_gets_the_certificate(hub: HubProcess, browser: Browser, shots: Path) -> None:
    context = await browser.new_context(base_url=f"http://{NAME}:{hub.http_port}", locale="en-GB", viewport=PHONE)
    page = await context.new_page()
    await page.goto("/secure")  # nobody has signed in here
    await expect(page.get_by_role("button", name="First get the certificate")).to_be_disabled()
    await expect(page.get_by_text(f"http://{NAME}:{hub.http_port}/secure")).to_be_visible()
    drawn = await page.get_by_role("img", name="QR code of").evaluate(
        "image => image.decode().then(() => image.naturalWidth > 0)"
    )
    assert drawn
    async with page.expect_download() as loading:
        await page.get_by_role("link", name="Download").click()
    download = await loading.value
    assert download.suggested_filename == "plughub-ca.crt"
    authority = x509.load_pem_x509_certificate(Path(await download.path()).read_bytes())
    assert authority == x509.load_pem_x509_certificate((hub.data / "certificates" / "web-ca.pem").read_bytes())
    await expect(page.get_by_role("button", name="Waiting for steps 2 and 3")).to_be_disabled()
    await page.screenshot(path=shots / "secure-phone.png", full_page=True)
    await context.close()
    past = await browser.new_context(
        base_url=f"https://{NAME}:{hub.https_port}", locale="en-GB", viewport=PHONE, ignore_https_errors=True
    )
    page = await past.new_page()
    await page.goto("/secure")
    await expect(page.get_by_text("this browser does not know your hub yet")).to_be_visible()
    await past.close()


async def test_a_device_that_trusts_the_hub_stays_on_https(hub: HubProcess, trusting: Browser, shots: Path) -> None:
    context = await trusting.new_context(base_url=f"http://{NAME}:{hub.http_port}", locale="en-GB", viewport=PHONE)
    page = await context.new_page()
    await page.goto("/secure")
    await expect(page.get_by_role("heading", name="This device trusts your hub")).to_be_visible()
    await page.get_by_role("link", name="Go on over HTTPS").click()
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    settings = page.get_by_role("link", name="Settings").or_(page.get_by_role("link", name="More"))
    await expect(settings).to_be_visible()
    assert page.url.startswith(f"https://{NAME}:{hub.https_port}/")
    (cookie,) = await context.cookies()
    assert cookie["name"] == "__Host-plughub_refresh"
    assert cookie["secure"]
    assert cookie["httpOnly"]
    await page.reload()
    await expect(settings).to_be_visible()
    await settings.click()
    await page.get_by_role("link", name="Secure a device").click()
    await expect(page.get_by_role("heading", name="This device is secure")).to_be_visible()
    await page.screenshot(path=shots / "secure-done.png", full_page=True)
    await page.goto(f"http://{NAME}:{hub.http_port}/")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await context.close()
