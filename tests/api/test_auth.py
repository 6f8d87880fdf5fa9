"""Setting up, signing in and out, the refresh cookie, and what other websites cannot do."""

import json
import resource

import pytest

from hub.auth.principal import system
from tests.api.house import PASSWORD, House

SETUP = {
    "name": "Ada",
    "email": "ada@example.org",
    "password": PASSWORD,
    "home_name": "Nest",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
    "price": 0.325,
    "week_start": 6,
}
LOGIN = {"email": "admin@example.org", "password": PASSWORD}
PROGRAM = {"X-Plughub-Client": "program"}


async def test_the_first_page_makes_the_admin_once(empty_house: House) -> None:
    http = empty_house.http
    async with http.get("/api/v1/system/info") as response:
        info = await response.json()
        assert (info["setup"], info["name"]) == ("open", "Smart Plug AI")
        assert info["setup_closes"] > empty_house.clock.now()
    async with http.post("/api/v1/setup", json=SETUP) as response:
        assert response.status == 201
        session = await response.json()
        assert session["user"]["role"] == "admin"
        assert session["user"]["operator"] is True
        home = session["home"]
        assert (home["time_zone"], home["price"], home["week_start"]) == ("Europe/Berlin", 0.325, 6)
        assert session["refresh_token"] is None
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("plughub_refresh=")
        assert "HttpOnly; SameSite=Strict" in cookie
        assert "Path=/api/v1/auth;" in cookie
        assert "Secure" not in cookie
    async with http.get("/api/v1/system/info") as response:
        assert (await response.json())["setup"] == "done"
    async with http.post("/api/v1/setup", json=SETUP) as response:
        assert response.status == 409
        assert (await response.json())["code"] == "setup-done"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_the_word_before_a_token_is_of_any_case(house: House, scheme: str) -> None:
    headers = {"Authorization": scheme + await house.token("user")}
    async with house.http.get("/api/v1/auth/me", headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "192.168.1.7"}, {"Via": "1.1 proxy"}, {"Host": "rebound.attacker.example"}]
)
async def test_who_may_be_elsewhere_needs_the_code(empty_house: House, headers: dict[str, str]) -> None:
    http = empty_house.http
    async with http.get("/api/v1/system/info", headers=headers) as response:
        assert (await response.json())["setup"] == "code"
    async with http.post("/api/v1/setup", json=SETUP, headers=headers) as response:
        assert (await response.json())["code"] == "setup-code-missing"
    code = (empty_house.data / "setup-code.txt").read_text().strip()
    async with http.post("/api/v1/setup", json=SETUP | {"code": code}, headers=headers) as response:
        assert response.status == 201


async def test_a_browser_keeps_its_session_by_cookie(house: House) -> None:
    http = house.http
    async with http.post("/api/v1/auth/login", json=LOGIN) as response:
        assert response.status == 200
        first = await response.json()
    async with http.post("/api/v1/auth/refresh", json={}) as response:
        assert response.status == 200
        second = await response.json()
        assert second["user"] | {"seen": 0} == first["user"] | {"seen": 0}
    bearer = {"Authorization": f"Bearer {second['access_token']}"}
    async with http.get("/api/v1/auth/me", headers=bearer) as response:
        assert (await response.json()) == {"user": second["user"], "home": first["home"]}
    async with http.post("/api/v1/auth/logout") as response:
        assert response.status == 204
        assert "Max-Age=0" in response.headers["Set-Cookie"]
    async with http.post("/api/v1/auth/refresh") as response:
        assert response.status == 401
        assert (await response.json())["code"] == "session-ended"


async def test_a_program_gets_the_refresh_token_in_the_answer(house: House) -> None:
    http = house.http
    async with http.post("/api/v1/auth/login", json=LOGIN, headers=PROGRAM) as response:
        session = await response.json()
        assert "Set-Cookie" not in response.headers
    body = {"refresh_token": session["refresh_token"]}
    async with http.post("/api/v1/auth/refresh", json=body, headers=PROGRAM) as response:
        assert (await response.json())["refresh_token"] not in (None, session["refresh_token"])


async def test_a_wrong_password_says_nothing_more(house: House) -> None:
    for email in ("admin@example.org", "nobody@example.org"):
        async with house.http.post("/api/v1/auth/login", json={"email": email, "password": "wrong"}) as response:
            assert response.status == 401
            assert (await response.json())["code"] == "login-wrong"
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_guessing_has_to_wait(house: House) -> None:
    codes = []
    for _ in range(8):
        async with house.http.post("/api/v1/auth/login", json=LOGIN | {"password": "wrong"}) as response:
            codes.append(response.status)
    assert 429 in codes
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh", "/auth/logout", "/setup"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_website_is_refused(house: House, path: str, headers: dict[str, str]) -> None:
    async with house.http.post("/api/v1/auth/login", json=LOGIN):
        pass
    body = {"/auth/login": LOGIN, "/setup": SETUP}.get(path, {})
    async with house.http.post(f"/api/v1{path}", json=body, headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["code"] == "origin-refused"


async def test_the_own_page_is_not(house: House) -> None:
    origin = f"http://127.0.0.1:{house.server.port}"
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    async with house.http.post("/api/v1/auth/login", json=LOGIN, headers=headers) as response:
        assert response.status == 200


async def test_the_command_lines_key_acts_for_the_hub(house: House) -> None:
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    key = json.loads((house.data / "api.key").read_text())["key"]
    async with house.http.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {key}"}) as response:
        assert (await response.json())["user"]["id"] == "system"


async def test_a_full_disk_keeps_nobody_from_looking_what_is_wrong(house: House) -> None:
    plug = await house.plug()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        async with house.http.post("/api/v1/auth/login", json=LOGIN, headers=PROGRAM) as response:
            assert response.status == 200
            session = await response.json()
        headers = {"Authorization": f"Bearer {session['access_token']}", "Accept-Language": "de"}
        async with house.http.get("/api/v1/system/problems", headers=headers) as response:
            assert response.status == 200
        path = f"/api/v1/devices/{plug.id}"
        async with house.http.patch(path, json={"name": "Lamp"}, headers=headers) as response:
            problem = await response.json()
            assert (response.status, problem["code"]) == (507, "database-unwritable")
            assert problem["detail"].startswith("Es wurde nichts geändert")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert house.registry.all()[0].name == "plug-1"
    body = {"refresh_token": session["refresh_token"]}
    async with house.http.post("/api/v1/auth/refresh", json=body, headers=PROGRAM) as response:
        assert (response.status, (await response.json())["code"]) == (401, "session-ended")


async def test_a_session_goes_on_while_the_disk_is_full(house: House) -> None:
    async with house.http.post("/api/v1/auth/login", json=LOGIN, headers=PROGRAM) as response:
        body = {"refresh_token": (await response.json())["refresh_token"]}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        async with house.http.post("/api/v1/auth/refresh", json=body, headers=PROGRAM) as response:
            assert response.status == 200
            assert (await response.json())["refresh_token"] == body["refresh_token"], "it is not used up"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    async with house.http.post("/api/v1/auth/refresh", json=body, headers=PROGRAM) as response:
        assert (await response.json())["refresh_token"] != body["refresh_token"]


async def test_a_price_may_be_left_for_later(empty_house: House) -> None:
    later = {name: value for name, value in SETUP.items() if name not in ("price", "week_start")}
    async with empty_house.http.post("/api/v1/setup", json=later) as response:
        home = (await response.json())["home"]
        assert (home["price"], home["week_start"]) == (None, 0)


async def test_who_looks_after_the_hub_is_said(house: House) -> None:
    operator = house.principal("admin")
    other = await house.identity.homes.add(operator, name="Hut", time_zone="UTC", currency="EUR")
    there = await house.people.add(
        system(other.id), email="hut@example.org", name="hut", role="admin", password=PASSWORD
    )
    admin = house.people.user(operator.user)
    assert admin is not None
    await house.people.add_membership(there, house.home, "user")
    said = {}
    for user, home, role in (
        (admin, house.identity.homes.first, "admin"),
        (admin, other, "admin"),
        (there, other, "admin"),
        (there, house.identity.homes.first, "user"),
    ):
        house.people.added_to(other.id, operator)
        token = (await house.tokens.issue(user, home)).access_token
        headers = {"Authorization": f"Bearer {token}"}
        async with house.http.get("/api/v1/auth/me", headers=headers) as response:
            me = (await response.json())["user"]
            assert me["role"] == role
        async with house.http.get("/api/v1/plugins", headers=headers) as response:
            assert (response.status == 200) == me["operator"]
        said[user.name, home.name] = me["operator"]
    assert said == {("admin", "Home"): True, ("admin", "Hut"): True, ("hut", "Hut"): False, ("hut", "Home"): False}
