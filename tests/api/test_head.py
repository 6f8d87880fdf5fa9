"""HEAD answers what GET would, without the body, and no less is asked of who sends it (RFC 9110, 9.3.2)."""

import asyncio
from pathlib import Path

from hub.api import ApiServer
from hub.api.rest import ROUTES
from tests.api.house import House

DAY = 86_400_000
GOT = [f"/api/v1{route.path}" for route in ROUTES if route.method == "GET" and "{" not in route.path]
ANEW = ("date", "content-length")  # what differs between two answers a moment apart


async def ask(house: House, method: str, path: str, role: str | None = "admin") -> tuple[int, dict[str, str], bytes]:
    """On a connection of its own, read to its end: status, head, and all that follows it."""
    signed = await house.headers(role) if role else {}
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "Accept: text/html, */*"]
    lines += [f"{name}: {value}" for name, value in signed.items()]
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field.lower().split(": ", 1) for field in fields), body


def steady(head: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in head.items() if name not in ANEW and name != "transfer-encoding"}


async def test_every_route_that_can_be_got(house: House) -> None:
    for path in GOT:
        status, head, body = await ask(house, "GET", path)
        assert body or status == 204
        asked = await ask(house, "HEAD", path)
        assert (path, asked[0], steady(asked[1]), asked[2]) == (path, status, steady(head), b"")


async def test_it_tells_how_long_the_body_would_be(house: House) -> None:
    for path in ("/api/v1/rooms", "/api/v1/homes/current", "/api/v1/openapi.json", "/api/v1/nothing"):
        _, head, body = await ask(house, "GET", path)
        assert (await ask(house, "HEAD", path))[1]["content-length"] == head["content-length"] == str(len(body))


async def test_of_what_is_streamed_only_the_head(house: House) -> None:
    plug = await house.plug()
    end = house.clock.now() // DAY * DAY
    export = f"/api/v1/telemetry/export?device={plug.id}&from={end - DAY}&to={end}"
    for path in (export, "/api/v1/audit/export"):
        status, head, body = await ask(house, "HEAD", path)
        assert (status, head["content-type"], body) == (200, "text/csv; charset=utf-8", b"")
        assert "attachment" in head["content-disposition"]
    assert house.services.exports.free == house.services.exports.most


async def test_the_same_right_is_needed(house: House) -> None:
    for role, path, status in (
        (None, "/api/v1/devices", 401),
        ("guest", "/api/v1/users", 403),
        ("guest", f"/api/v1/devices/{(await house.plug()).id}", 404),
    ):
        assert (await ask(house, "HEAD", path, role))[::2] == (status, b"")


async def test_what_cannot_be_got_has_no_head(house: House) -> None:
    status, head, body = await ask(house, "HEAD", "/api/v1/auth/login")
    assert (status, head["allow"], body) == (405, "post", b"")
    assert (await ask(house, "PUT", "/api/v1/devices"))[1]["allow"] == "get, head, post"


async def test_pages_and_files(house: House, tmp_path: Path) -> None:
    root = tmp_path / "built"
    (root / "assets").mkdir(parents=True)
    (root / "api-docs").mkdir()
    for name in ("index.html", "assets/app-1a2b.js", "api-docs/page.html"):
        (root / name).write_text("<p>something</p>")
    await house.server.stop()
    house.server = ApiServer(house.services, host="127.0.0.1", port=0, static=root)
    await house.server.start()
    for path in ("/", "/plugs", "/assets/app-1a2b.js", "/api/v1/docs"):
        status, head, body = await ask(house, "HEAD", path)
        assert (status, head["content-length"], body) == (200, "16", b"")
    assert (await ask(house, "HEAD", "/assets/gone.js"))[::2] == (404, b"")
