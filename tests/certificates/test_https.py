"""A running hub over HTTPS: who can connect and how, renewal under open connections, and HTTP beside it."""

import asyncio
import contextlib
import plistlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from hub.testing.process import EMAIL, PASSWORD, HubProcess
from tests.broker.certificates import make_certificate, trusting

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOGIN = {"email": EMAIL, "password": PASSWORD}
THROUGH_A_PROXY = {"X-Forwarded-For": "192.168.1.7"}  # without it 127.0.0.1 is this machine itself


class Site:
    """The hub as browsers reach it."""

    def __init__(self, hub: HubProcess, authority: str | None) -> None:
        self.hub = hub
        self.authority = authority
        self.trust = ssl.create_default_context(cadata=authority)
        self.http = f"http://127.0.0.1:{hub.http_port}"
        self.https = f"https://127.0.0.1:{hub.https_port}"
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def connect(self, context: ssl.SSLContext, name: str = "plughub.local") -> ssl.SSLObject:
        """A connection's TLS, after its handshake; the connection is closed."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.hub.https_port, ssl=context, server_hostname=name)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        writer.close()
        await writer.wait_closed()
        return connection

    async def get(self, url: str, **options: Any) -> aiohttp.ClientResponse:
        response = await self.session.get(url, ssl=self.trust, allow_redirects=False, **options)
        await response.read()
        return response


async def opened(hub: HubProcess) -> Site:
    """Started, and its authority installed."""
    await hub.start()
    async with aiohttp.ClientSession() as session, session.get(f"{hub.url}/certificates/ca") as response:
        return Site(hub, await response.text() if response.status == 200 else None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    hub = HubProcess()
    try:
        made = await opened(hub)
        await hub.set_up()
        yield made
        await made.session.close()
    finally:
        await hub.close()


async def test_https_as_a_browser_finds_it(site: Site) -> None:
    for version, name in ((ssl.TLSVersion.TLSv1_2, "plughub.local"), (ssl.TLSVersion.TLSv1_3, "127.0.0.1")):
        trust = ssl.create_default_context(cadata=site.authority)
        trust.minimum_version = trust.maximum_version = version
        found = await site.connect(trust, name)
        cipher = found.cipher()
        assert cipher is not None
        assert version is ssl.TLSVersion.TLSv1_3 or cipher[0].startswith("ECDHE-ECDSA-AES")
        assert found.compression() is None
    both = ssl.create_default_context()
    both.check_hostname, both.verify_mode = False, ssl.CERT_NONE
    assert (await site.connect(both)).version() == "TLSv1.3"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await site.connect(old)
    weak = ssl.create_default_context()
    weak.check_hostname, weak.verify_mode, weak.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:AES128-GCM-SHA256")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await site.connect(weak)
    with pytest.raises(ssl.SSLCertVerificationError):
        await site.connect(ssl.create_default_context())


async def test_who_signs_in_over_https_has_a_cookie_that_http_never_sees(site: Site) -> None:
    async with site.session.post(f"{site.https}/api/v1/auth/login", json=LOGIN, ssl=site.trust) as response:
        assert response.status == 200
        (cookie,) = response.headers.getall("Set-Cookie")
    kept, *rules = [part.strip() for part in cookie.split(";")]
    assert kept.startswith("__Host-plughub_refresh=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} < set(rules)
    secret = kept.partition("=")[2]

    async def refresh(base: str, name: str) -> int:
        headers = {"Cookie": f"{name}={secret}", "Origin": base}
        async with (
            aiohttp.ClientSession() as plain,
            plain.post(f"{base}/api/v1/auth/refresh", json={}, headers=headers, ssl=site.trust) as response,
        ):
            return response.status

    async def first_frame(base: str) -> str:
        headers = {"Cookie": f"__Host-plughub_refresh={secret}"}
        async with (
            aiohttp.ClientSession() as plain,
            plain.ws_connect(f"{base}/api/v1/ws", headers=headers, origin=base, ssl=site.trust) as socket,
        ):
            await socket.send_json({"type": "ping"})
            return str((await socket.receive_json(timeout=10))["type"])

    assert await first_frame(site.https) == "ready", "it signs in the WebSocket, and is not used up by it"
    assert await first_frame(site.http) == "error"
    assert await refresh(site.https, "plughub_refresh") == 401, "one that came over HTTP does not count"
    assert await refresh(site.http, "__Host-plughub_refresh") == 401
    assert await refresh(site.https, "__Host-plughub_refresh") == 200
    response = await site.get(site.https)
    assert "Strict-Transport-Security" not in response.headers, "as long as HTTP is served too"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_a_new_certificate_drops_no_connection(site: Site) -> None:
    async def serial() -> str:
        found = (await site.connect(site.trust)).getpeercert()
        assert found is not None
        return str(found["serialNumber"])

    first = await serial()
    socket = await site.session.ws_connect(f"{site.https}/api/v1/ws", ssl=site.trust)
    await socket.send_json({"type": "auth", "token": site.hub.token})
    assert (await socket.receive_json())["type"] == "ready"
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", site.hub.https_port, ssl=site.trust, server_hostname="localhost"
    )
    request = b"GET /api/v1/system/info HTTP/1.1\r\nHost: localhost\r\n\r\n"
    before = await site.hub.call("GET", "/certificates")
    after = await site.hub.call("POST", "/certificates/renew")
    assert after["web"]["authority"] == before["web"]["authority"]
    assert after["web"]["certificate"]["fingerprint"] != before["web"]["certificate"]["fingerprint"]
    assert after["mqtt"]["certificate"]["fingerprint"] != before["mqtt"]["certificate"]["fingerprint"]
    assert await serial() != first
    await socket.send_json({"type": "ping"})
    assert (await socket.receive_json())["type"] == "pong"
    writer.write(request)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()
    await socket.close()


async def test_what_people_download(site: Site) -> None:
    text = await site.get(f"{site.http}/api/v1/certificates/ca")
    assert text.content_type == "application/x-x509-ca-cert"
    assert text.headers["Content-Disposition"] == 'attachment; filename="plughub-ca.crt"'
    binary = await site.get(f"{site.http}/api/v1/certificates/ca?format=der")
    assert ssl.DER_cert_to_PEM_cert(await binary.read()) == await text.text()
    apple = await site.get(f"{site.http}/api/v1/certificates/ca.mobileconfig", headers={"Accept-Language": "de"})
    assert apple.content_type == "application/x-apple-aspen-config"
    shown = plistlib.loads(await apple.read())
    assert shown["PayloadDisplayName"].startswith("Smart Plug AI ")
    assert "Heimnetz" in shown["PayloadDescription"]
    picture = await site.get(f"{site.http}/api/v1/certificates/qr", headers={"Host": "pi.lan:8080"})
    assert picture.content_type == "image/svg+xml"
    assert (await picture.read()).startswith(b"<svg")
    access = await site.get(f"{site.http}/api/v1/certificates/access", headers={"Host": "pi.lan:8080"})
    assert await access.json() == {
        "secure": False,
        "port": site.hub.https_port,
        "only": False,
        "own": False,
        "address": f"https://pi.lan:{site.hub.https_port}",
        "install": "http://pi.lan:8080/secure",
        "authority": shown["PayloadDisplayName"],
    }
    over = await site.get(f"{site.https}/api/v1/certificates/access", headers={"Host": "pi.lan:8443"})
    assert (await over.json())["install"] == f"http://pi.lan:{site.hub.http_port}/secure"


async def test_a_page_over_http_may_ask_whether_https_is_trusted_and_nothing_else(site: Site) -> None:
    page = await site.get(f"{site.http}/", headers={"Host": "pi.lan:8080"})
    assert f"connect-src 'self' https://pi.lan:{site.hub.https_port};" in page.headers["Content-Security-Policy"]
    trusted = await site.get(f"{site.https}/api/v1/certificates/trusted")
    assert trusted.status == 204
    assert trusted.headers["Access-Control-Allow-Origin"] == "*"
    other = await site.get(f"{site.https}/api/v1/system/info")
    assert "Access-Control-Allow-Origin" not in other.headers
    for host in ("pi.lan; script-src *", "a@b", "[::1", "pi.lan'"):
        odd = await site.get(f"{site.http}/", headers={"Host": host})
        assert odd.status == 400
        assert "https:" not in odd.headers["Content-Security-Policy"]


async def test_where_only_https_is_wanted_http_leads_there() -> None:
    hub = HubProcess("network:\n  mdns: false\n  https:\n    only: true\n")
    try:
        site = await opened(hub)
        before = await site.get(f"{site.http}/", headers=THROUGH_A_PROXY)
        assert before.status in (200, 503), "the set-up comes before any certificate"
        await hub.set_up()
        assert await hub.call("GET", "/devices"), "this machine itself may use HTTP"
        moved = await site.get(f"{site.http}/plugs?room=1", headers=THROUGH_A_PROXY)
        assert moved.status == 308
        assert moved.headers["Location"] == f"{site.https}/plugs?room=1"
        moved = await site.get(f"{site.http}/api/v1/docs", headers=THROUGH_A_PROXY)
        assert (moved.status, moved.headers["Location"]) == (308, f"{site.https}/api/v1/docs")
        for path in ("/secure", "/api/v1/certificates/ca", "/api/v1/certificates/access", "/api/v1/system/info"):
            open_to_all = await site.get(site.http + path, headers=THROUGH_A_PROXY | {"Accept": "text/html"})
            assert open_to_all.status in (200, 503), path
        for method, path in (
            ("GET", "/devices"),
            ("GET", "/certificates"),
            ("POST", "/certificates/renew"),
            ("POST", "/auth/login"),
            ("GET", "/ws"),
            ("GET", "/openapi.json"),
        ):
            async with site.session.request(
                method, f"{site.http}/api/v1{path}", json=LOGIN, headers=THROUGH_A_PROXY
            ) as refused:
                assert (refused.status, (await refused.json())["code"]) == (403, "https-required"), path
        assert (await site.get(f"{site.http}/mqtt", headers=THROUGH_A_PROXY)).status == 403
        secure = await site.get(f"{site.https}/", headers=THROUGH_A_PROXY)
        assert secure.headers["Strict-Transport-Security"].startswith("max-age=")
        await site.session.close()
    finally:
        await hub.close()


async def test_a_certificate_of_ones_own_and_its_successor(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "first")
    hub = HubProcess(
        f"network:\n  mdns: false\n  https:\n    certificate: {files.certificate}\n    key: {files.key}\n"
        "  mqtt:\n    tls: {enabled: false}\n"
    )
    try:
        site = await opened(hub)
        await hub.set_up()
        await site.connect(trusting(files), "localhost")
        assert (await site.get(f"{site.http}/api/v1/certificates/ca")).status == 404
        assert (await site.get(f"{site.http}/api/v1/certificates/ca.mobileconfig")).status == 404
        second = make_certificate(tmp_path, "second")
        second.certificate.replace(files.certificate)
        second.key.replace(files.key)
        shown = await hub.call("POST", "/certificates/renew")
        assert shown["web"]["own"]
        assert shown["web"]["authority"] is None
        assert shown["mqtt"] is None
        await site.connect(trusting(files), "localhost")
        assert not (hub.data / "certificates").exists()
        await site.session.close()
    finally:
        await hub.close()


async def test_a_port_that_was_asked_for_and_is_in_use_is_said() -> None:
    hub = HubProcess()
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", hub.https_port)
    try:
        with pytest.raises(RuntimeError, match=f"Port {hub.https_port} is already in use"):
            await hub.start()
    finally:
        server.close()
        await server.wait_closed()
        await hub.close()


async def test_a_name_that_is_not_ascii_leaves_no_traceback(site: Site) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        site.trust.wrap_bio(incoming, outgoing, server_hostname="plughub.local").do_handshake()
    hello = outgoing.read().replace(b"plughub.local", b"\xff" * len("plughub.local"))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.hub.https_port)
    writer.write(hello)
    answer = await reader.read(1)
    writer.close()
    assert answer in (b"\x15", b"\x16", b"")  # refused, or answered as if no name was asked for
    await site.connect(site.trust)
    assert "Traceback" not in site.hub.output()
