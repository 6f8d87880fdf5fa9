"""What is forged, cut, doubled, too long or from the wrong place: each with its own error, and never more than that."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from hub.auth.signing import Signer
from hub.messages import HubError
from tests.api.house import PASSWORD, House

WITHIN = 20
EMAIL = "admin@example.org"
LOGIN = {"email": EMAIL, "password": PASSWORD}


def part(value: object) -> str:
    """A part of a JWT."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forge:
    """What somebody has who holds one good token and knows how tokens are made, and for some cases the key."""

    def __init__(self, house: House, good: str) -> None:
        self.good = good
        self.key = bytes.fromhex((house.data / "token.key").read_text())
        self.claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
        self.head, self.body, self.sign = good.split(".")

    def signed(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        return jwt.encode({**self.claims, **changes}, self.key, "HS256", headers=headers)

    def without(self, claim: str) -> str:
        return jwt.encode({k: v for k, v in self.claims.items() if k != claim}, self.key, "HS256")

    def bare(self, head: object, body: object = None) -> str:
        return f"{part(head)}.{self.body if body is None else part(body)}.{self.sign}"


Token = Callable[[Forge], str]
TOKENS: dict[str, tuple[Token, str]] = {
    "a word": (lambda f: "letmein", "token-wrong"),
    "dots": (lambda f: "..", "token-wrong"),
    "cut": (lambda f: f.good[:-4], "token-wrong"),
    "twice": (lambda f: f"{f.good}.{f.good}", "token-wrong"),
    "one letter more": (lambda f: f"{f.good}A", "token-wrong"),
    "signature missing": (lambda f: f"{f.head}.{f.body}.", "token-wrong"),
    "signature of another body": (
        lambda f: f"{f.head}.{part({**f.claims, 'role': 'admin', 'x': 1})}.{f.sign}",
        "token-wrong",
    ),
    "head not base64": (lambda f: f"%%%.{f.body}.{f.sign}", "token-wrong"),
    "head not JSON": (lambda f: f.bare(b"{"), "token-wrong"),
    "head a list": (lambda f: f.bare([]), "token-wrong"),
    "head too deep": (lambda f: f.bare(b"[" * 5000), "token-wrong"),
    "alg none": (lambda f: f"{part({'alg': 'none', 'typ': 'JWT'})}.{f.body}.", "token-wrong"),
    "alg None": (lambda f: f.bare({"alg": "None", "typ": "JWT"}), "token-wrong"),
    "alg empty": (lambda f: f.bare({"alg": ""}), "token-wrong"),
    "alg missing": (lambda f: f.bare({"typ": "JWT"}), "token-wrong"),
    "alg a number": (lambda f: f.bare({"alg": 256}), "token-wrong"),
    "alg RS256 over HS256": (lambda f: f.bare({"alg": "RS256", "typ": "JWT"}), "token-wrong"),
    "alg ES256": (lambda f: f.bare({"alg": "ES256", "typ": "JWT"}), "token-wrong"),
    "critical header unknown": (lambda f: f.signed({"crit": ["x"], "x": 1}), "token-wrong"),
    "kid to an empty file": (
        lambda f: jwt.encode(f.claims, b"\0" * 32, "HS256", headers={"kid": "../../../dev/null"}),
        "token-wrong",
    ),
    "jku to another host": (
        lambda f: jwt.encode(f.claims, b"k" * 32, "HS256", headers={"jku": "http://127.0.0.1:1/k"}),
        "token-wrong",
    ),
    "jwk with its own key": (
        lambda f: jwt.encode(f.claims, b"k" * 32, "HS256", headers={"jwk": {"kty": "oct", "k": part(b"k" * 32)}}),
        "token-wrong",
    ),
    "audience of another hub": (lambda f: f.signed(aud="other"), "token-wrong"),
    "audience a list without us": (lambda f: f.signed(aud=["a", "b"]), "token-wrong"),
    "kind refresh": (lambda f: f.signed(typ="refresh"), "token-wrong"),
    "somebody else": (lambda f: f.signed(sub="0000000000000000"), "token-wrong"),
    "subject a number": (lambda f: f.signed(sub=1), "token-wrong"),
    "session unknown": (lambda f: f.signed(sid="ffffffffffffffff"), "session-ended"),
    "session a list": (lambda f: f.signed(sid=["x"]), "token-wrong"),
    "home of others": (lambda f: f.signed(home="ffffffffffffffff"), "token-expired"),
    "over since a second": (lambda f: f.signed(exp=f.claims["iat"] - 1), "token-expired"),
    "over since 1970": (lambda f: f.signed(exp=0), "token-expired"),
    "end no number": (lambda f: f.signed(exp="never"), "token-wrong"),
    "end a fraction": (lambda f: f.signed(exp=1e12 + 0.5), "token-wrong"),
    "end true": (lambda f: f.signed(exp=True), "token-expired"),
    "valid from tomorrow": (lambda f: f.signed(nbf=f.claims["iat"] + 86400), "token-wrong"),
    "no end": (lambda f: f.without("exp"), "token-wrong"),
    "no beginning": (lambda f: f.without("iat"), "token-wrong"),
    "no subject": (lambda f: f.without("sub"), "token-wrong"),
    "no audience": (lambda f: f.without("aud"), "token-wrong"),
    "no kind": (lambda f: f.without("typ"), "token-wrong"),
    "no session": (lambda f: f.without("sid"), "token-wrong"),
    "a key nobody made": (lambda f: "plughub_" + "A" * 43, "token-wrong"),
    "the beginning of a key": (lambda f: "plughub_", "token-wrong"),
}


async def code_of(house: House, header: str | None) -> str:
    headers = {} if header is None else {"Authorization": header}
    async with house.http.get("/api/v1/auth/me", headers=headers) as response:
        problem = await response.json(content_type=None)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        return str(problem["code"])


@pytest.mark.parametrize("why", TOKENS)
async def test_token(house: House, why: str) -> None:
    make, expected = TOKENS[why]
    forge = Forge(house, await house.token("guest"))
    assert await code_of(house, f"Bearer {make(forge)}") == expected
    async with house.http.ws_connect("/api/v1/ws") as socket:  # the other way in
        await socket.send_json({"type": "auth", "token": make(forge)})
        async with asyncio.timeout(WITHIN):
            assert (await socket.receive_json())["code"] == expected
            assert (await socket.receive()).data == 4401


async def test_the_role_in_a_token_counts_for_nothing(house: House) -> None:
    forge = Forge(house, await house.token("guest"))
    headers = {"Authorization": f"Bearer {forge.signed(role='admin')}"}  # even one signed by the hub
    async with house.http.get("/api/v1/users", headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "bearer", "Basic {}", "Token {}", "{}", "Bearer\t{}"],
)
async def test_authorization(house: House, header: str) -> None:
    assert await code_of(house, header.replace("{}", await house.token("admin"))) == "token-missing"


async def test_a_token_in_the_address_is_none(house: House) -> None:
    token = await house.token("admin")
    async with house.http.get(f"/api/v1/auth/me?access_token={token}&token={token}") as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (401, "token-missing")


def test_a_public_key_signs_nothing(house_key: tuple[Signer, str]) -> None:
    """RS256 is set, and somebody signs with HS256 and the public half, which everybody may have."""
    signer, pem = house_key
    claims = {"aud": "plughub", "typ": "access", "iat": 1, "exp": 2, "sub": "u", "sid": "s", "home": "h"}
    assert signer.read(signer.sign(claims)) == claims
    head, body = part({"alg": "HS256", "typ": "JWT"}), part(claims)
    for secret in (pem.encode(), pem.strip().encode(), b"".join(pem.encode().splitlines()[1:-1])):
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        forged = f"{head}.{body}.{part(mac.sign(f'{head}.{body}'.encode(), secret))}"
        with pytest.raises(HubError) as caught:
            signer.read(forged)
        assert caught.value.id == "token-wrong"
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    for headers in ({}, {"jwk": numbers}, {"kid": "1", "x5u": "http://127.0.0.1:1/"}):
        with pytest.raises(HubError):
            signer.read(jwt.encode(claims, own, "RS256", headers=headers))
    with pytest.raises(HubError):
        signer.read(jwt.encode(claims, signer.derive(b"x", b"y"), "HS256"))


@pytest.fixture
def house_key(tmp_path: Any) -> tuple[Signer, str]:
    signer = Signer(tmp_path, "RS256")
    signer.load()
    pem = signer.public_key()
    assert pem is not None
    assert isinstance(serialization.load_pem_public_key(pem.encode()), rsa.RSAPublicKey)
    return signer, pem


class Cookie(NamedTuple):
    """A Cookie header and what the refresh says. GOOD stands for a token that holds, OVER for one of a session that
    has ended, USED for one that was used long ago."""

    header: str
    code: str
    headers: dict[str, str] = {}  # noqa: RUF012


COOKIES = {
    "none": Cookie("", "session-ended"),
    "another name": Cookie("refresh=GOOD", "session-ended"),
    "that of HTTPS over HTTP": Cookie("__Host-plughub_refresh=GOOD", "session-ended"),
    "case of the name": Cookie("PLUGHUB_REFRESH=GOOD", "session-ended"),
    "empty": Cookie("plughub_refresh=", "session-ended"),
    "an access token": Cookie("plughub_refresh=ACCESS", "session-ended"),
    "cut": Cookie("plughub_refresh=CUT", "session-ended"),
    "of a session that ended": Cookie("plughub_refresh=OVER", "session-ended"),
    "spaces": Cookie("plughub_refresh=%20GOOD", "session-ended"),
    "long": Cookie("plughub_refresh=" + "A" * 7000, "session-ended"),
    "not ASCII": Cookie("plughub_refresh=Ã¼Ã¼Ã¼", "session-ended"),
    "from another website": Cookie("plughub_refresh=GOOD", "origin-refused", {"Origin": "https://evil.example"}),
    "from nowhere": Cookie("plughub_refresh=GOOD", "origin-refused", {"Origin": "null"}),
    "from another port": Cookie("plughub_refresh=GOOD", "origin-refused", {"Origin": "http://127.0.0.1:1"}),
    "from a broken origin": Cookie("plughub_refresh=GOOD", "origin-refused", {"Origin": "http://[::1"}),
    "from a sibling": Cookie("plughub_refresh=GOOD", "origin-refused", {"Sec-Fetch-Site": "same-site"}),
    "by a link": Cookie("plughub_refresh=GOOD", "origin-refused", {"Sec-Fetch-Site": "cross-site"}),
}


@pytest.mark.parametrize("why", COOKIES)
async def test_cookie(house: House, why: str) -> None:
    cookie = COOKIES[why]
    user = house.people.user(house.principal("user").user)
    assert user is not None
    good = await house.tokens.issue(user, house.identity.homes.first)
    over = await house.tokens.issue(user, house.identity.homes.first)
    await house.tokens.revoke(over.refresh_token)
    text = cookie.header
    for name, value in {
        "GOOD": good.refresh_token,
        "ACCESS": good.access_token,
        "CUT": good.refresh_token[:-1],
        "OVER": over.refresh_token,
    }.items():
        text = text.replace(name, value)
    headers = {**cookie.headers, **({"Cookie": text} if text else {})}
    async with house.http.post("/api/v1/auth/refresh", headers=headers) as response:
        assert (await response.json(content_type=None))["code"] == cookie.code
        assert response.status in (401, 403)
    async with house.http.post("/api/v1/auth/refresh", json={"refresh_token": good.refresh_token}) as response:
        assert response.status == 200  # none of these used the good one up, or ended its session


async def test_a_cookie_opens_nothing_but_the_way_to_a_token(house: House) -> None:
    async with house.http.post("/api/v1/auth/login", json=LOGIN) as response:
        assert "Path=/api/v1/auth" in response.headers["Set-Cookie"]
        cookie = response.headers["Set-Cookie"].partition(";")[0]
    for method, path in (("GET", "/devices"), ("POST", "/devices"), ("GET", "/auth/me"), ("POST", "/account/keys")):
        async with house.http.request(method, f"/api/v1{path}", headers={"Cookie": cookie}) as response:
            assert (response.status, (await response.json(content_type=None))["code"]) == (401, "token-missing")


class Body(NamedTuple):
    """A POST to an open route. CODE stands for the code of this moment."""

    path: str
    body: Any
    status: int
    code: str


CODES = {
    "second factor: Arabic digits": Body("/auth/login", {**LOGIN, "code": "ARABIC"}, 422, "code-wrong"),
    "second factor: full-width digits": Body("/auth/login", {**LOGIN, "code": "WIDE"}, 422, "code-wrong"),
    "second factor: superscripts": Body("/auth/login", {**LOGIN, "code": "¹²³⁴⁵⁶"}, 422, "code-wrong"),
    "second factor: minus": Body("/auth/login", {**LOGIN, "code": "-CODE1"}, 422, "code-wrong"),
    "second factor: seven digits": Body("/auth/login", {**LOGIN, "code": "CODE0"}, 422, "code-wrong"),
    "second factor: empty": Body("/auth/login", {**LOGIN, "code": ""}, 422, "code-wrong"),
    "second factor: null": Body("/auth/login", {**LOGIN, "code": None}, 401, "code-needed"),
    "second factor: a number": Body("/auth/login", {**LOGIN, "code": 123456}, 422, "field-type"),
    "second factor: a list": Body("/auth/login", {**LOGIN, "code": ["123456"]}, 422, "field-type"),
    "second factor: long": Body("/auth/login", {**LOGIN, "code": "1" * 41}, 422, "field-too-long"),
    "second factor: line end": Body("/auth/login", {**LOGIN, "code": "12345\n"}, 422, "code-wrong"),
    "second factor: zero byte": Body("/auth/login", {**LOGIN, "code": "\0\0\0\0\0\0"}, 422, "code-wrong"),
    "recovery code: of nobody": Body("/auth/login", {**LOGIN, "code": "aaaaa-aaaaa"}, 422, "code-wrong"),
    "recovery code: half": Body("/auth/login", {**LOGIN, "code": "HALF"}, 422, "code-wrong"),
    "recovery code: doubled": Body("/auth/login", {**LOGIN, "code": "RECOVERYRECOVERY"}, 422, "code-wrong"),
    "recovery code: a percent sign": Body("/auth/login", {**LOGIN, "code": "%"}, 422, "code-wrong"),
    "the code does not stand for the password": Body(
        "/auth/login", {"email": EMAIL, "password": "CODE", "code": "CODE"}, 401, "login-wrong"
    ),
    "password: empty": Body("/auth/login", {**LOGIN, "password": ""}, 401, "login-wrong"),
    "password: longer than 72 bytes": Body(
        "/auth/login", {**LOGIN, "password": PASSWORD + "x" * 60}, 401, "login-wrong"
    ),
    "password: zero byte": Body("/auth/login", {**LOGIN, "password": PASSWORD + "\0"}, 401, "login-wrong"),
    "password: a megabyte": Body("/auth/login", {**LOGIN, "password": "x" * 900_000}, 401, "login-wrong"),
    "password: true": Body("/auth/login", {**LOGIN, "password": True}, 422, "field-type"),
    "e-mail: SQL": Body("/auth/login", {**LOGIN, "email": "' or 1=1 --"}, 401, "login-wrong"),
    "e-mail: a zero byte behind": Body("/auth/login", {**LOGIN, "email": EMAIL + "\0"}, 401, "login-wrong"),
    "e-mail: letters that look alike": Body("/auth/login", {**LOGIN, "email": "аdmin@example.org"}, 401, "login-wrong"),
    "e-mail: a list": Body("/auth/login", {**LOGIN, "email": [EMAIL]}, 422, "field-type"),
    "role by mass assignment": Body("/auth/login", {**LOGIN, "role": "admin"}, 422, "field-unknown"),
    "refresh: null": Body("/auth/refresh", {"refresh_token": None}, 401, "session-ended"),
    "refresh: empty": Body("/auth/refresh", {"refresh_token": ""}, 401, "session-ended"),
    "refresh: a JWT": Body("/auth/refresh", {"refresh_token": "ACCESS"}, 401, "session-ended"),
    "refresh: a number": Body("/auth/refresh", {"refresh_token": 1}, 422, "field-type"),
    "refresh: surrogates": Body("/auth/refresh", b'{"refresh_token":"\\ud800"}', 400, "json-truncated"),
    "link: empty": Body("/auth/link", {"token": ""}, 422, "field-too-short"),
    "link: of nobody": Body("/auth/link", {"token": "A" * 32}, 410, "invitation-over"),
    "link: its id": Body("/auth/link", {"token": "INVITATION"}, 410, "invitation-over"),
    "link: to join, for a password": Body(
        "/auth/password", {"token": "JOIN", "password": "a long enough phrase"}, 410, "invitation-over"
    ),
    "link: for a password, to join": Body(
        "/auth/join",
        {"token": "RESET", "name": "x", "email": "x@example.org", "password": "a long enough phrase"},
        410,
        "invitation-over",
    ),
    "join: another role": Body(
        "/auth/join",
        {"token": "JOIN", "name": "x", "email": "x@example.org", "password": "a long enough phrase", "role": "admin"},
        422,
        "field-unknown",
    ),
    "join: a name that turns the line": Body(
        "/auth/join",
        {"token": "JOIN", "name": "x\u202eadmin", "email": "x@example.org", "password": "a long enough phrase"},
        422,
        "name-invalid",
    ),
    "join: a name that paints": Body(
        "/auth/join",
        {"token": "JOIN", "name": "\x1b[31mx", "email": "x@example.org", "password": "a long enough phrase"},
        422,
        "name-invalid",
    ),
    "join: an address with a second header": Body(
        "/auth/join",
        {
            "token": "JOIN",
            "name": "x",
            "email": "x@example.org\r\nBcc: y@example.org",
            "password": "a long enough phrase",
        },
        422,
        "field-format",
    ),
    "join: a common password": Body(
        "/auth/join",
        {"token": "JOIN", "name": "x", "email": "x@example.org", "password": "Password123!"},
        422,
        "password-common",
    ),
    "set-up: done": Body(
        "/setup",
        {
            "name": "x",
            "email": "x@example.org",
            "password": "a long enough phrase",
            "home_name": "x",
            "time_zone": "Europe/Berlin",
            "currency": "EUR",
            "code": "AAAAA-AAAAA",
        },
        409,
        "setup-done",
    ),
    "JSON: deep": Body("/auth/login", b'{"email":' + b"[" * 100_000, 422, "field-type"),
    "JSON: deep where nothing is known": Body("/auth/login", b'{"x":' * 100_000, 422, "field-unknown"),
    "JSON: a number without end": Body(
        "/auth/refresh", b'{"refresh_token":' + b"9" * 100_000 + b"}", 422, "field-invalid"
    ),
    "JSON: a field twice, the last is wrong": Body(
        "/auth/login", f'{{"email":"{EMAIL}","password":"{PASSWORD}","password":"x"}}'.encode(), 401, "login-wrong"
    ),
    "JSON: UTF-16": Body("/auth/login", json.dumps(LOGIN).encode("utf-16"), 400, "json-broken"),
    "JSON: a comment": Body("/auth/login", b"/* */ {}", 400, "json-broken"),
}


@pytest.mark.parametrize("why", CODES)
async def test_code(house: House, why: str) -> None:
    admin, identity = house.principal("admin"), house.identity
    begun = identity.factors.begin(admin.user, EMAIL, "Hub")
    totp = TOTP(base64.b32decode(begun.secret), 6, SHA1(), 30)
    recovery = await identity.factors.confirm(admin, totp.generate(house.clock.now() // 1000 - 30).decode())
    now = totp.generate(house.clock.now() // 1000).decode()
    invitation, join = await identity.invitations.invite(admin, "guest")
    _, reset = await identity.invitations.reset(admin, house.principal("guest").user)
    names = {
        "RECOVERY": recovery[0],
        "HALF": recovery[0][:5],
        "CODE": now,
        "ARABIC": "".join(chr(0x660 + int(digit)) for digit in now),
        "WIDE": "".join(chr(0xFF10 + int(digit)) for digit in now),
        "ACCESS": await house.token("guest"),
        "INVITATION": invitation.id,
        "JOIN": join,
        "RESET": reset,
    }
    case = CODES[why]
    raw = case.body if isinstance(case.body, bytes) else json.dumps(case.body, ensure_ascii=False).encode()
    for name, value in names.items():
        raw = raw.replace(name.encode(), value.encode())
    headers = {"Content-Type": "application/json"}
    async with house.http.post(f"/api/v1{case.path}", data=raw, headers=headers) as response:
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["code"]) == (case.status, case.code)
        assert "Set-Cookie" not in response.headers
        assert PASSWORD not in json.dumps(problem)
    right = {**LOGIN, "code": now}
    async with house.http.post("/api/v1/auth/login", json=right) as response:
        assert response.status == 200  # it used nothing up
    assert identity.factors.codes_left(admin.user) == len(recovery)
    assert identity.invitations.look(join) == invitation
