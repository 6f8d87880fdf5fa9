"""Several homes on one hub, and making an admin, in a real browser."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from hub.testing.process import PASSWORD, HubProcess
from tests.e2e.test_first_evening import DESKTOP, PHONE, SIZES, log_in, log_in_any, open_tab

pytestmark = pytest.mark.browser
GARDEN = {"name": "Garden house", "time_zone": "Europe/Berlin", "currency": "EUR"}
ZOE = {"name": "Zoe", "email": "zoe@home.example", "role": "admin", "password": PASSWORD}


async def sign_in(page: Page, email: str) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_home_is_taken_away_while_people_look_at_it(demo_hub: HubProcess, browser: Browser) -> None:
    await demo_hub.set_up()
    garden = (await demo_hub.call("POST", "/homes", GARDEN))["id"]
    moved = await demo_hub.call("POST", "/account/home", {"home": garden})
    demo_hub.token = moved["access_token"]
    await demo_hub.call("POST", "/users", ZOE)

    # Zoe is admin there: what is the hub's own is not hers, and says so.
    zoes, zoes_tab = await open_tab(browser, demo_hub, viewport=PHONE, is_mobile=True, has_touch=True)
    zoe = zoes_tab.page
    await zoe.goto("/settings")
    await sign_in(zoe, "zoe@home.example")
    await expect(zoe.get_by_role("heading", name="Audit log")).to_be_visible()
    await expect(zoe.get_by_role("heading", name="Backup")).to_have_count(0)
    await zoe.goto("/settings/backup")
    await expect(zoe.get_by_text("Only admins of its first home see them.")).to_be_visible()

    # Whoever looks after the hub looks at that home, too.
    context, tab = await open_tab(browser, demo_hub, viewport=DESKTOP)
    page = tab.page
    await page.goto("/settings")
    await log_in(page)
    home = page.get_by_role("region", name="Home", exact=True)
    await home.get_by_label("Shown home").select_option("Garden house (Admin)")
    await expect(home.get_by_label("Name")).to_have_value("Garden house")
    await demo_hub.call("DELETE", f"/homes/{garden}")
    await expect(home.get_by_label("Name")).to_have_value("Test home")
    await expect(home.get_by_label("Shown home")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Backup")).to_be_visible()
    await page.goto("/admin/audit")
    await expect(page.get_by_text("Took the home Garden house away")).to_be_visible()
    await expect(page.get_by_text("Accounts deleted with it: 1")).to_be_visible()

    # Zoe was in no other home: her account is gone with it.
    await expect(zoe.get_by_text("Your session has ended.")).to_be_visible()
    await sign_in(zoe, "zoe@home.example")
    await expect(zoe.get_by_role("alert")).to_have_text("E-mail address or password is wrong.")
    assert tab.errors == []
    assert zoes_tab.errors == []
    await zoes.close()
    await context.close()


async def test_an_admin_is_made_with_the_password(demo_hub: HubProcess, browser: Browser, shots: Path) -> None:
    await demo_hub.set_up()
    ben = await demo_hub.call(
        "POST", "/users", {"name": "Ben", "email": "ben@home.example", "role": "user", "password": PASSWORD}
    )
    context, tab = await open_tab(browser, demo_hub, viewport=PHONE, is_mobile=True, has_touch=True)
    page = tab.page
    await page.goto("/people")
    await log_in(page)
    await expect(page.get_by_role("heading", name="People")).to_be_visible()
    # After a restart the session goes on; who sits there the hub does not know any more.
    tab.expect_broken_off()
    await demo_hub.kill()
    await demo_hub.start()
    await page.goto(f"/people/{ben['id']}")
    role = page.get_by_role("radiogroup", name="Role")
    await role.get_by_text("Admin").click()
    dialog = page.get_by_role("alertdialog", name="Is it you?")
    await dialog.get_by_label("Your password", exact=True).fill("not the password")
    await dialog.get_by_role("button", name="Go on").click()
    await expect(dialog.get_by_text("This is not your password.")).to_be_visible()
    await page.screenshot(path=shots / "confirm-ph-light-en.png", animations="disabled")
    await dialog.get_by_label("Your password", exact=True).fill(PASSWORD)
    await dialog.get_by_role("button", name="Go on").click()
    await expect(dialog).to_have_count(0)
    await expect(role.get_by_role("radio", name="Admin")).to_be_checked()
    await demo_hub.log_in()
    assert (await demo_hub.call("GET", f"/users/{ben['id']}"))["role"] == "admin"
    refused = [line for line in tab.errors if "403" not in line and "422" not in line]
    assert refused == []
    await context.close()


@pytest.mark.parametrize(
    ("size", "language", "words"),
    [
        ("dk", "en", ("Homes on this hub", "Add a home", "Make the home", "Take Garden house away", "Take away")),
        (
            *("ph", "de"),
            ("Zuhause auf diesem Hub", "Zuhause hinzufügen", "Zuhause anlegen", "Garden house entfernen", "Entfernen"),
        ),
    ],
)
async def test_one_is_made_and_taken_away_in_the_settings(
    demo_hub: HubProcess, browser: Browser, shots: Path, size: str, language: str, words: tuple[str, ...]
) -> None:
    title, add, make, take, act = words
    await demo_hub.set_up()
    context, tab = await open_tab(browser, demo_hub, **SIZES[size])
    page = tab.page
    await page.add_init_script(f"localStorage.setItem('language', '{language}')")
    await page.goto("/settings")
    await log_in_any(page)
    sheet = page.get_by_role("region", name=title)
    rows = sheet.get_by_role("listitem")
    await expect(rows).to_have_count(1)
    await expect(sheet.get_by_role("button", name=take)).to_have_count(0)
    await sheet.get_by_role("button", name=add).click()
    await sheet.get_by_label("Name").fill("Garden house")
    await sheet.screenshot(path=shots / f"homes-add-{size}-{language}.png", animations="disabled")
    await sheet.get_by_role("button", name=make).click()
    await expect(rows).to_have_count(2)
    await expect(sheet.get_by_role("button", name=add)).to_be_visible()
    await sheet.screenshot(path=shots / f"homes-{size}-{language}.png", animations="disabled")
    await sheet.get_by_role("button", name=take).click()
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_be_visible()
    await page.screenshot(path=shots / f"homes-take-{size}-{language}.png", animations="disabled")
    await dialog.get_by_role("button", name=act).click()
    await expect(rows).to_have_count(1)
    assert [one["first"] for one in (await demo_hub.call("GET", "/homes"))["items"]] == [True]
    assert tab.errors == []
    await context.close()
