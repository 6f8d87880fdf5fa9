"""What a running hub answers is no reason to say that it does not answer."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from hub.auth.keys import COMMAND_LINE_FILE
from hub.cli import main, place
from hub.cli.speech import local_time
from hub.client import HubClient
from hub.database import DataLock
from hub.messages import HubError


def test_a_time_that_no_calendar_has_is_shown_as_its_number() -> None:
    for at in (10**18, 2**63, -(10**18)):
        assert local_time(at) == f"? ({at})"
    assert local_time(1_764_000_000_000).startswith("2025-11-24 ")


def test_a_fault_of_the_command_itself_is_not_told_as_a_hub_that_is_away(tmp_path: Path) -> None:
    (tmp_path / COMMAND_LINE_FILE).write_text('{"url": "http://127.0.0.1:9", "key": "plughub_x"}')

    async def faulty(hub: HubClient) -> None:
        raise ValueError("a fault")

    async def asks(hub: HubClient) -> None:
        await hub.homes()

    lock = DataLock(tmp_path)
    lock.acquire()
    try:
        with pytest.raises(ValueError, match="a fault"):
            place.on_running(tmp_path, faulty)
        with pytest.raises(HubError) as away:
            place.on_running(tmp_path, asks)
        (tmp_path / COMMAND_LINE_FILE).write_text("no json")
        with pytest.raises(HubError) as unreadable:
            place.on_running(tmp_path, asks)
    finally:
        lock.release()
    assert (away.value.id, unreadable.value.id) == ("cli-hub-unreachable", "cli-hub-unreachable")


class Other(BaseHTTPRequestHandler):
    """Something else than a hub, on the hub's port."""

    answer = 200, b""

    def do_GET(self) -> None:
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test reads what the command says."""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """Its address, which stands in a data folder that is in use."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server, DataLock(tmp_path):
        url = f"http://127.0.0.1:{server.server_port}"
        write(tmp_path, url)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()


def write(data: Path, url: str, key: str = "plughub_x") -> None:
    (data / COMMAND_LINE_FILE).write_text(json.dumps({"url": url, "key": key}))


COMMANDS = (
    *(["mqtt", "list"], ["mqtt", "stats"], ["certificate", "show"], ["report"], ["export", "--from", "2026-01-01"]),
    *(
        ["device", "remove", "lamp", "--yes"],
        ["token", "list", "--user", "ada@example.org"],
        ["audit"],
        ["user", "list"],
    ),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (502, b"<html>Bad gateway</html>", "What answers at {url} is no hub (status 502)"),
        (200, b"<html>Router</html>", "What answers at {url} is no hub (status 200)"),
        (400, b"[]", "What answers at {url} is no hub (status 400)"),
        (401, b'{"code": "token-expired", "detail": "x"}', "The hub does not take the key in {key}"),
        (403, b'{"code": "forbidden", "detail": "You may not."}', "The hub answered: You may not."),
    ],
)
def test_what_answers_in_its_place_is_told(
    tmp_path: Path,
    other: str,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    body: bytes,
    said: str,
) -> None:
    Other.answer = status, body
    assert main([*words, "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(said.format(url=other, key=tmp_path / COMMAND_LINE_FILE))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("http://127.0.0.1:9", "plughub_x", "The hub that uses {data} does not answer."),
        ("foo", "plughub_x", "The hub that uses {data} does not answer."),
        ("http://127.0.0.1:9", "plughub_\n x", "The hub does not take the key in {data}/api.key."),
        (None, "", "A hub, or another `plughub` command, is at work in {data}"),
    ],
)
def test_where_nothing_answers_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], url: str | None, key: str, said: str
) -> None:
    if url is not None:
        write(tmp_path, url, key)
    with DataLock(tmp_path):
        assert main([*words, "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(said.format(data=tmp_path))


@pytest.mark.parametrize(
    "words",
    [["mqtt", "remove", "\udc80"], ["mqtt", "add", "x", "--read", "\udc80"], ["token", "list", "--user", "\udc80"]],
)
def test_what_is_no_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main([*words, "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("'\\udc80' is no text in UTF-8.")
    assert list(tmp_path.iterdir()) == [], "no hub was made for it"
