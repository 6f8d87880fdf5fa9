"""Host headers: which of them only a house gives, and what is none."""

import pytest

from hub.api.hosts import host_name, is_house_host, port_of
from hub.auth.certificates.names import HOUSE_DOMAINS
from hub.loopback import is_here, is_loopback
from tests.api.house import House
from tests.api.test_auth import SETUP

PUBLIC = ("box", "com", "org", "net", "de", "ip", "app", "dev", "zip", "house", "homes", "network", "link", "arpa")
"""Domains that are in the public DNS, or might be."""

OF_A_HOUSE = [
    *("plughub", "localhost", "localhost.", "plughub.local:8080", "PlugHub.Local", "pi.lan", "pi.home", "pi.home.arpa"),
    *("pi.internal", "pi.localdomain", "hub.fritz.box", "hub.fritz.box.:8080", "fritz.box", "kitchen.hub.fritz.box"),
    *("192.168.1.20:8080", "[fd00::7]:8080", "[::1]", "127.1"),
]
OF_THE_INTERNET = [
    *("evil.box", "evil.box:8080", "fritz.box.evil.example", "evilfritz.box", "xfritz.box", "box.", "evil.local.com"),
    *("evil.test", "local.evil.example", "evil.example.", "homearpa.evil.net", "evil-home.arpa", "ai.", "1.2.3.4.com"),
    *("", "a@b", "[::1", 'a"><b'),
]
REFUSED = ['a"><b', "a@b", "[::1", "pi.lan; script-src *", "pi.lan'", "hub/x", "hub:80:80", "hub:8o8o", "h ub", "hüb"]


@pytest.mark.parametrize("host", OF_A_HOUSE)
def test_names_that_only_a_house_gives(host: str) -> None:
    assert is_house_host(host)


@pytest.mark.parametrize("host", OF_THE_INTERNET)
def test_names_that_somebody_else_may_have(host: str) -> None:
    assert not is_house_host(host)


@pytest.mark.parametrize("domain", PUBLIC)
def test_no_domain_of_a_house_is_one_that_anybody_may_buy_a_name_in(domain: str) -> None:
    assert domain not in HOUSE_DOMAINS
    assert not is_house_host(f"evil.{domain}")


@pytest.mark.parametrize(("host", "expected"), [("evil.box", "code"), ("hub.fritz.box", "open"), ("pi.lan", "open")])
async def test_a_page_of_the_internet_sets_up_no_new_hub(empty_house: House, host: str, expected: str) -> None:
    asked = f"{host}:{empty_house.server.port}"
    headers = {"Host": asked, "Origin": f"http://{asked}"}
    async with empty_house.http.get("/api/v1/system/info", headers=headers) as response:
        assert (await response.json())["setup"] == expected
    async with empty_house.http.post("/api/v1/setup", json=SETUP, headers=headers) as response:
        answer = (response.status, (await response.json()).get("code"))
    assert answer == ((422, "setup-code-missing") if expected == "code" else (201, None))
    assert empty_house.people.has_admin() == (expected == "open")


@pytest.mark.parametrize("host", REFUSED)
def test_what_is_no_host(host: str) -> None:
    assert host_name(host) is None
    assert not port_of(host)


@pytest.mark.parametrize("path", ["/api/v1/system/info", "/", "/secure"])
@pytest.mark.parametrize("host", ['a"><b', "a@b", "[::1", "pi.lan; script-src *", ""])
async def test_a_host_that_is_none_is_refused(house: House, host: str, path: str) -> None:
    async with house.http.get(path, headers={"Host": host}) as response:
        problem = await response.json(content_type=None)
        assert (response.status, problem["code"]) == (400, "host-invalid")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST.", "pi.localhost", "127.0.0.1", "127.0.0.2", "127.1"),
        *("0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "::1"),
    ],
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host) and is_here(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "[::]", "::"])
def test_a_server_that_listens_for_everybody_is_not_alone(host: str) -> None:
    assert is_here(host) and not is_loopback(host)


@pytest.mark.parametrize(
    "host", ["192.168.1.20", "plughub.local", "localhost.example.org", "127.0.0.1.example", "cafe", ""]
)
def test_another_machine(host: str) -> None:
    assert not is_loopback(host) and not is_here(host)
