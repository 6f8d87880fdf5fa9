"""What somebody can do with a session that is not theirs."""

from tests.api.house import PASSWORD, House

NEW = "a new long phrase"


async def test_a_stolen_session_makes_nothing_that_outlives_it(house: House) -> None:
    headers = await house.headers("admin")
    attempts = [
        ("POST", "/account/password", {"current": "wrong", "password": NEW}, "password-wrong"),
        ("PATCH", "/account", {"email": "thief@example.org", "password": "wrong"}, "password-wrong"),
        ("PATCH", "/account", {"email": "thief@example.org"}, "field-missing"),
        ("POST", "/account/second-factor", {"password": "wrong"}, "password-wrong"),
        ("POST", "/account/keys", {"name": "x", "scopes": ["admin"], "password": "wrong"}, "password-wrong"),
        ("POST", "/account/keys", {"name": "x", "scopes": ["admin"]}, "field-missing"),
    ]
    for method, path, body, code in attempts:
        async with house.http.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
            assert (await response.json(content_type=None))["code"] == code, (method, path)
    admin = house.principal("admin")
    assert house.identity.keys.list(admin) == []
    ways = [  # by the page of a member who is oneself
        ("POST", "keys", {"name": "x", "scopes": ["admin"]}),
        ("POST", "password-link", None),
        ("DELETE", "second-factor", None),
    ]
    for method, path, own in ways:
        url = f"/api/v1/users/{admin.user}/{path}"
        async with house.http.request(method, url, json=own, headers=headers) as response:
            assert (response.status, (await response.json(content_type=None))["code"]) == (403, "forbidden"), path
    right = {"name": "x", "scopes": ["read"], "password": PASSWORD}
    async with house.http.post("/api/v1/account/keys", json=right, headers=headers) as response:
        assert response.status == 201
