"""The web app's files: pages fall back to index.html, hashed assets are kept for ever, packed copies are used."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from hub.api.security import add_headers
from hub.api.server import errors_as_problems
from hub.api.webapp import WebApp

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = b"console.log('a');" * 200


async def serve(root: Path) -> tuple[TestServer, ClientSession]:
    webapp = WebApp(root)
    webapp.scan()
    application = web.Application(middlewares=[errors_as_problems])
    application.on_response_prepare.append(add_headers)
    application.router.add_route("GET", "/{rest:.*}", webapp.handle)
    server = TestServer(application)
    await server.start_server()
    return server, ClientSession(server.make_url(""), auto_decompress=False)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ClientSession]:
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>the app</title>")
    (root / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (root / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (root / "app.webmanifest").write_text("{}")
    (tmp_path / "secret.txt").write_text("not for the web")
    server, session = await serve(root)
    yield session
    await session.close()
    await server.close()


@pytest.mark.parametrize("path", ["/", "/plugs", "/plugs/5b1c?range=day", "/index.html"])
async def test_every_page_is_the_app_and_is_checked_for_news(client: ClientSession, path: str) -> None:
    async with client.get(path, headers=HTML) as response:
        assert response.status == 200
        assert "the app" in await response.text()
        assert response.headers["Cache-Control"] == "no-cache"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        etag = response.headers["ETag"]
    async with client.get(path, headers=HTML | {"If-None-Match": etag}) as response:
        assert response.status == 304


async def test_a_hashed_asset_is_kept_for_ever_and_sent_packed(client: ClientSession) -> None:
    async with client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"] in ("text/javascript", "application/javascript")
        assert gzip.decompress(await response.read()) == SCRIPT
    async with client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip;q=0, br; q=0"}) as response:
        assert "Content-Encoding" not in response.headers
        assert response.headers["Vary"] == "Accept-Encoding"
    async with client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"}) as response:
        assert await response.read() == SCRIPT


async def test_the_manifest_has_its_type(client: ClientSession) -> None:
    async with client.get("/app.webmanifest") as response:
        assert response.headers["Content-Type"] == "application/manifest+json"


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/x.png"]
)
async def test_what_is_not_there_is_a_problem_and_never_another_file(client: ClientSession, path: str) -> None:
    async with client.get(path, headers={"Accept": "*/*"}) as response:
        assert response.status == 404
        assert response.headers["Content-Type"] == "application/problem+json"
        assert (await response.json(content_type=None))["code"] == "path-unknown"


async def test_until_it_is_built_a_page_says_how(tmp_path: Path) -> None:
    root = tmp_path / "static"
    server, session = await serve(root)
    async with session.get("/", headers=HTML | {"Accept-Language": "de"}) as response:
        assert response.status == 503
        assert "script/run" in await response.text()
    root.mkdir()
    (root / "index.html").write_text("built meanwhile")
    async with session.get("/", headers=HTML) as response:
        assert await response.text() == "built meanwhile"
    await session.close()
    await server.close()
