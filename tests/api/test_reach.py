"""Links for others: whoever makes one may have reached the hub as "this machine", which is nobody else's."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from hub.api.https import Https
from hub.api.reach import Reach, choose, house_address
from hub.auth.certificates.names import is_full_name
from tests.api.house import House
from tests.broker.certificates import make_certificate

NAME = "plughub-1a2b3c4d.local"
OTHERS = house_address() or NAME


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.0.0.2"),
        *("127.1", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]"),
    ],
)
def test_this_machine_is_not_told_to_others(host: str) -> None:
    assert Reach(NAME).origin("http", f"{host}:8080") == f"http://{OTHERS}:8080"
    assert Reach(NAME, alone=True).origin("http", f"{host}:8080") == f"http://{host}:8080", "nobody else can open any"


@pytest.mark.parametrize("host", ["192.168.1.20:8080", "plughub.local", "[fd00::7]:8080", "hub.example.org:8443"])
def test_an_address_that_others_know_stays(host: str) -> None:
    assert Reach(NAME).origin("http", host) == f"http://{host}"


def test_what_is_no_host_is_in_no_link() -> None:
    assert Reach(NAME).origin("http", 'a"><b') == f"http://{NAME}"


@pytest.mark.parametrize(
    ("only", "certified", "origin"),
    [
        (False, None, f"http://{OTHERS}:8080"),
        (True, None, f"https://{OTHERS}:8443"),
        (False, "hub.example.org", "https://hub.example.org:8443"),
    ],
)
def test_https_where_the_other_device_is_not_warned_of_it(
    tmp_path: Path, only: bool, certified: str | None, origin: str
) -> None:
    https = Https(make_certificate(tmp_path), 0, only=only)
    https.port = 8443
    assert Reach(NAME).origin("http", "localhost:8080", https, certified) == origin


def test_of_several_addresses_the_one_that_leads_out() -> None:
    found = [IPv4Address("172.17.0.1"), IPv4Address("192.168.1.20"), IPv4Address("10.8.0.1")]
    assert choose(found, "192.168.1.20") == "192.168.1.20"
    assert choose(found, "203.0.113.5") == choose(found, None) == "10.8.0.1"
    assert choose([], "203.0.113.5") is None


async def test_links_made_on_this_machine_open_elsewhere(house: House) -> None:
    host = house_address() or Reach().name
    port, ben = house.server.port, house.principal("user").user
    for path, body in (("/invitations", {"role": "user"}), (f"/users/{ben}/password-link", None)):
        headers = {**await house.headers("admin"), "Host": f"localhost:{port}"}
        async with house.http.post(f"/api/v1{path}", json=body, headers=headers) as response:
            link = (await response.json())["link"]
        assert link.startswith(f"http://{host}:{port}/"), link


def test_a_certificate_of_many_names_gives_one_that_can_be_opened() -> None:
    names = ["localhost", "*.example.org", "192.168.1.20", "fd00::7", "hub.example.org"]
    assert [name for name in names if is_full_name(name)] == ["hub.example.org"]
