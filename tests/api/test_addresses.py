"""Behind a proxy, from a list of addresses, and too often: over real connections."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hub.api.addresses import Networks, parse
from hub.api.server import ApiServer
from hub.auth.audit import Asked
from hub.auth.limits import RateLimits, Rates
from tests.api.house import PASSWORD, House

LOCAL = ("127.0.0.1/32",)


async def asked(house: House, tmp_path: Path, path: str, headers: dict[str, str], **services: Any) -> tuple[int, Any]:
    """A GET to a server of its own with these services; status and body."""
    server = ApiServer(
        dataclasses.replace(house.services, **services), host="127.0.0.1", port=0, static=tmp_path / "none"
    )
    await server.start()
    try:
        async with house.http.get(f"http://127.0.0.1:{server.port}/api/v1{path}", headers=headers) as response:
            return response.status, await response.json(content_type=None)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ("192.168.1.9", "192.168.1.9"),
        ("6.6.6.6, 192.168.1.9", "192.168.1.9"),  # what stands left anybody may have written
        ("192.168.1.9, 127.0.0.1", "192.168.1.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:192.168.1.9", "192.168.1.9"),
    ],
)
async def test_the_address_behind_a_trusted_proxy(house: House, tmp_path: Path, chain: str, expected: str) -> None:
    headers = {**await house.headers("admin"), "X-Forwarded-For": chain}
    status, _ = await asked(
        house,
        tmp_path,
        "/users",
        headers,
        proxies=Networks(LOCAL),
        admin_networks=Networks((expected,)),
    )
    assert status == 200
    status, problem = await asked(
        house, tmp_path, "/users", headers, proxies=Networks(LOCAL), admin_networks=Networks(LOCAL)
    )
    assert (status, problem["code"]) == (403, "address-refused")


async def test_nobody_else_says_where_they_are(house: House, tmp_path: Path) -> None:
    headers = {**await house.headers("admin"), "X-Forwarded-For": "192.168.1.9"}
    status, problem = await asked(
        house,
        tmp_path,
        "/users",
        headers,
        admin_networks=Networks(("192.168.1.0/24",)),
        proxies=Networks(("10.0.0.1",)),
    )
    assert (status, problem["code"]) == (403, "address-refused")
    status, _ = await asked(house, tmp_path, "/devices", headers, admin_networks=Networks(("192.168.1.0/24",)))
    assert status == 200  # what is no admin's alone
    status, problem = await asked(
        house, tmp_path, "/users", {**headers, "X-Forwarded-For": "nonsense"}, proxies=Networks(LOCAL)
    )
    assert (status, problem["code"]) == (400, "forwarding-invalid")


@pytest.mark.parametrize(("proxies", "expected"), [(LOCAL, 200), (("10.0.0.1",), 403)])
async def test_the_page_behind_a_trusted_proxy_is_the_hubs_own(
    house: House, tmp_path: Path, proxies: tuple[str, ...], expected: int
) -> None:
    """The proxy asks by an address of its own, and says which name it was asked with. Nobody else is believed."""
    server = ApiServer(
        dataclasses.replace(house.services, proxies=Networks(proxies)),
        host="127.0.0.1",
        port=0,
        static=tmp_path / "none",
    )
    await server.start()
    headers = {
        "Origin": "https://plugs.example.org",
        "X-Forwarded-For": "192.168.1.9",
        "X-Forwarded-Host": "plugs.example.org",
        "X-Forwarded-Proto": "https",
    }
    login = {"email": "user@example.org", "password": PASSWORD}
    url = f"http://127.0.0.1:{server.port}/api/v1/auth/login"
    try:
        async with house.http.post(url, json=login, headers=headers) as response:
            assert response.status == expected
        async with house.http.post(url, json=login, headers={**headers, "Origin": "https://evil.example"}) as response:
            assert (response.status, (await response.json())["code"]) == (403, "origin-refused")
    finally:
        await server.stop()


async def test_too_many_requests(fake_house: House, tmp_path: Path) -> None:
    house = fake_house  # whose clock stands still: no bucket fills again
    limits = RateLimits(house.clock, Rates(reads=60, writes=10))
    headers = await house.headers("user")
    for _ in range(60):
        limits.take(house.principal("user").user, write=False)
    status, problem = await asked(house, tmp_path, "/devices", headers, limits=limits)
    assert (status, problem["code"]) == (429, "requests-too-many")
    status, _ = await asked(house, tmp_path, "/devices", await house.headers("guest"), limits=limits)
    assert status == 200
    for _ in range(60):
        limits.take("127.0.0.1", write=False)
    status, problem = await asked(house, tmp_path, "/system/info", {}, limits=limits)
    assert (status, problem["code"]) == (429, "requests-too-many")


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4.5", "::g", "1.2.3.4/33"])
def test_no_address(text: str) -> None:
    assert parse(text) is None
    assert text not in Networks(("0.0.0.0/0", "::/0"))


async def test_refusals_are_in_the_audit_log(house: House) -> None:
    async with house.http.get("/api/v1/users", headers=await house.headers("guest")) as response:
        assert response.status == 403
    async with house.http.post(
        "/api/v1/auth/login", json={"email": "admin@example.org", "password": "wrong"}
    ) as response:
        assert response.status == 401
    await house.identity.audit.flush()
    lines = await house.identity.audit.page(house.principal("admin"), Asked(refused=True), below=None, limit=10)
    assert {(line.action, line.refused) for line in lines} == {("list_users", "forbidden"), ("login", "login-wrong")}
    assert PASSWORD not in repr(lines)
