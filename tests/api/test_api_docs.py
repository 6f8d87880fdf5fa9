"""The page of the API: all that it is made of comes from the hub, with the right types, and little is allowed to it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from hub.api import ApiServer
from hub.api.server import STATIC
from tests.api.house import House

FRONTEND = Path(__file__).parents[2] / "frontend"
TYPES = {"css": {"text/css"}, "js": {"text/javascript", "application/javascript"}, "svg": {"image/svg+xml"}}


@pytest.fixture
async def site(house: House) -> AsyncIterator[ClientSession]:
    """The hub with the built web app, without a login."""
    server = ApiServer(house.services, host="127.0.0.1", port=0, static=STATIC)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.stop()


async def test_the_page_and_its_files_come_from_the_hub(site: ClientSession) -> None:
    async with site.get("/api/v1/docs") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert response.headers["Cache-Control"] == "no-cache"
        page = await response.text()
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page) == []
    files = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert {"/api-docs/swagger-ui-bundle.js", "/api-docs/swagger-ui.css", "/api-docs/start.js"} <= set(files)
    for name in files:
        assert name.startswith("/")
        assert not name.startswith("//")
        async with site.get(name) as response:
            assert response.status == 200, name
            assert response.content_type in TYPES[name.rpartition(".")[2]], name
            packed = response.headers.get("Content-Encoding") == "gzip"
            assert packed or "swagger-ui" not in name, name
            assert not re.search(r"url\(\s*[\"']?(?:https?:)?//|@import", await response.text()), name


async def test_its_policy_lets_it_load_and_ask_the_hub_only(site: ClientSession) -> None:
    async with site.get("/api/v1/docs") as response:
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert set(policy.values()) == {"'none'", "'self'", "'self' data:"}
    assert [name for name, value in policy.items() if "data:" in value] == ["img-src"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


async def test_the_page_has_one_address(site: ClientSession) -> None:
    """Under the name of its file it would come with the policy of the web app."""
    async with site.get("/api-docs/page.html", headers={"Accept": "*/*"}) as response:
        assert response.status == 404
    async with site.post("/api/v1/docs") as response:
        assert response.status == 405


def test_no_package_of_the_web_app_runs_anything_when_it_is_installed() -> None:
    assert "ignore-scripts=true" in (FRONTEND / ".npmrc").read_text(encoding="utf-8").splitlines()
