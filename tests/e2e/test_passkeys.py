"""Passkeys in a real browser, with an authenticator of Chromium's own: made, used, renamed, removed; and where not."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page, expect

from hub.testing.process import PASSWORD, HubProcess
from tests.e2e.conftest import NAME
from tests.e2e.test_first_evening import DESKTOP, PHONE, log_in

pytestmark = pytest.mark.browser

# A finger that lies on this authenticator answers all that is asked, the list under the e-mail field too, which with
# people waits for their choice. Where the button is tried, the browser says that it has no such list.
WITHOUT_LIST = "PublicKeyCredential.isConditionalMediationAvailable = async () => false;"


class Phone:
    """An authenticator that is built in, asks for a fingerprint, and gets it at once."""

    def __init__(self, page: Page, cdp: CDPSession, id: str) -> None:
        self.page = page
        self._cdp = cdp
        self._id = id

    @classmethod
    async def plugged_into(cls, page: Page) -> "Phone":
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        added = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(page, cdp, added["authenticatorId"])

    async def credentials(self) -> list[dict[str, Any]]:
        found = await self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        return list(found["credentials"])

    async def knows_the_finger(self, known: bool) -> None:
        said = {"authenticatorId": self._id, "isUserVerified": known}
        await self._cdp.send("WebAuthn.setUserVerified", said)


async def make(page: Page, name: str) -> None:
    section = page.get_by_role("region", name="Passkeys")
    await section.get_by_role("button", name="Make a passkey").click()
    await section.get_by_label("Name", exact=True).fill(name)
    await section.get_by_label("Your password", exact=True).fill(PASSWORD)
    await section.get_by_role("button", name="Make a passkey").click()


async def sign_out(page: Page) -> None:
    await page.goto("/settings")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def test_a_passkey_from_the_first_to_its_end(hub: HubProcess, trusting: Browser, shots: Path) -> None:
    context = await trusting.new_context(base_url=f"https://{NAME}:{hub.https_port}", locale="en-GB", viewport=PHONE)
    page = await context.new_page()
    await page.add_init_script(WITHOUT_LIST)
    phone = await Phone.plugged_into(page)
    await page.goto("/settings/account")
    await log_in(page)
    section = page.get_by_role("region", name="Passkeys")
    await make(page, "Ada’s phone")
    await expect(section.get_by_text(f"for {NAME}, since")).to_be_visible()
    await expect(section.get_by_text("not used yet")).to_be_visible()
    (kept,) = await phone.credentials()
    assert (kept["rpId"], kept["isResidentCredential"]) == (NAME, True)
    await make(page, "Another")
    await expect(section.get_by_text("This device has a passkey for your account already.")).to_be_visible()
    await section.get_by_role("button", name="Cancel").click()
    await section.scroll_into_view_if_needed()
    await page.screenshot(path=shots / "account-passkeys-ph.png", full_page=True)
    await page.set_viewport_size(DESKTOP)
    await page.screenshot(path=shots / "account-passkeys-dk.png", full_page=True)

    await sign_out(page)
    use = page.get_by_role("button", name="Use a passkey")
    await expect(use).to_be_visible()
    await page.screenshot(path=shots / "login-passkey-dk.png")
    await page.set_viewport_size(PHONE)
    await page.screenshot(path=shots / "login-passkey-ph.png")
    await phone.knows_the_finger(False)
    await use.click()
    await expect(page.get_by_text("It was cancelled, or took too long.")).to_be_visible()
    await phone.knows_the_finger(True)
    await use.click()
    await page.get_by_role("link", name="Account settings").click()
    await expect(section.get_by_text("not used yet")).to_have_count(0)

    await section.get_by_role("button", name="Rename Ada’s phone").click()
    await section.get_by_label("Name", exact=True).fill("Old phone")
    await section.get_by_role("button", name="Save").click()
    await section.get_by_role("button", name="Remove Old phone").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_label("Your password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Remove Old phone").click()
    await expect(page.get_by_text("“Old phone” opens nothing any more.")).to_be_visible()
    await expect(section.get_by_role("listitem")).to_have_count(0)
    await sign_out(page)
    await expect(use).to_be_visible()
    await use.click()
    await expect(page.get_by_text("This passkey does not open the hub")).to_be_visible()
    await context.close()


async def test_it_is_offered_where_the_e_mail_is_typed(hub: HubProcess, trusting: Browser) -> None:
    context = await trusting.new_context(base_url=f"https://{NAME}:{hub.https_port}", locale="en-GB", viewport=PHONE)
    page = await context.new_page()
    await Phone.plugged_into(page)
    await page.goto("/settings/account")
    await log_in(page)
    await make(page, "Phone")
    await expect(page.get_by_role("region", name="Passkeys").get_by_text("not used yet")).to_be_visible()
    await page.goto("/settings")
    await page.get_by_role("button", name="Sign out").click()
    # Nothing is pressed: this authenticator takes the browser's list for its owner's choice.
    await page.get_by_role("link", name="Account settings").click()
    await expect(page.get_by_role("region", name="Passkeys").get_by_text("last used:")).to_be_visible()
    await context.close()


async def test_where_none_can_be_made_the_page_says_why(hub: HubProcess, trusting: Browser, browser: Browser) -> None:
    past_a_warning = {"ignore_https_errors": True}
    places: tuple[tuple[Browser, str, dict[str, Any], str | None], ...] = (
        (browser, f"http://{NAME}:{hub.http_port}", {}, "Passkeys need HTTPS and the hub’s name"),
        (trusting, f"https://127.0.0.1:{hub.https_port}", {}, "A passkey belongs to a name, not to an address."),
        (browser, f"https://{NAME}:{hub.https_port}", past_a_warning, "Passkeys need a browser that trusts"),
        (browser, f"http://localhost:{hub.http_port}", {}, None),
    )
    for chromium, address, options, why in places:
        context = await chromium.new_context(base_url=address, locale="en-GB", viewport=DESKTOP, **options)
        page = await context.new_page()
        await page.goto("/settings/account")
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        if why is None:
            await expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()
        await log_in(page)
        section = page.get_by_role("region", name="Passkeys")
        if why is None:
            await expect(section.get_by_role("button", name="Make a passkey")).to_be_visible()
        else:
            await expect(section.get_by_text(why)).to_be_visible()
            await expect(section.get_by_role("button", name="Make a passkey")).to_have_count(0)
        await context.close()
