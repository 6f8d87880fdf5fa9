"""The log: short text, JSON on request, a level per part, no secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from hub.log import HubHandler, setup_logging


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [handler for handler in root.handlers if isinstance(handler, HubHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)


def test_text_is_one_short_line() -> None:
    stream = Terminal()
    setup_logging(stream=stream)
    logging.getLogger("hub.broker").info("%d plugs", 3)
    time, level, part, *message = stream.getvalue().split()
    assert len(time) == 8
    assert (level, part, message) == ("info", "broker:", ["3", "plugs"])
    assert "\x1b" not in stream.getvalue()


def test_colours_only_on_a_terminal() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        setup_logging(stream=stream)
        logging.getLogger("hub.broker").warning("x")
    assert terminal.getvalue().startswith("\x1b[33m")
    assert "\x1b" not in file.getvalue()
    assert file.getvalue()[:2] == "20"  # a file has the date


def test_a_message_cannot_forge_a_line() -> None:
    stream = io.StringIO()
    setup_logging(stream=stream)
    logging.getLogger("hub.broker").warning("client %s", "x\n2026-01-01 00:00:00 error auth: forged\x1b[2J\u2028")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\\n2026" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_traceback_follows() -> None:
    stream = io.StringIO()
    setup_logging(stream=stream)
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("hub.x").exception("failed")
    assert "Traceback" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("ValueError: odd")


def test_json_lines() -> None:
    stream = io.StringIO()
    setup_logging(format="json", stream=stream)
    logging.getLogger("hub.telemetry").info("line one\nline two", extra={"device": "d1", "count": 3})
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("hub.x").exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["time"].endswith("Z")
    assert first["time"][10] == "T"
    del first["time"]
    assert first == {
        "level": "info",
        "part": "hub.telemetry",
        "message": "line one\nline two",
        "device": "d1",
        "count": 3,
    }
    assert "ValueError: odd" in second["error"]


def test_a_level_per_part() -> None:
    stream = io.StringIO()
    setup_logging("warning", levels={"broker": "debug", "ntfy": "info", "telemetry": "error"}, stream=stream)
    logging.getLogger("hub.broker.lane").debug("1")
    logging.getLogger("plugin.ntfy").info("2")
    logging.getLogger("hub.telemetry").warning("no")
    logging.getLogger("hub.api").info("no")
    logging.getLogger("hub.api").warning("3")
    assert [line.split(": ")[1] for line in stream.getvalue().splitlines()] == ["1", "2", "3"]


def test_libraries_are_quiet_unless_asked() -> None:
    stream = io.StringIO()
    setup_logging(stream=stream)
    for name in ("amqtt.broker", "zeroconf", "aiohttp.access", "transitions.core"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("heard")
    assert stream.getvalue().count("chatter") == 0
    assert stream.getvalue().count("heard") == 4
    setup_logging(levels={"amqtt": "info"}, stream=stream)
    logging.getLogger("amqtt.broker").info("chatter")
    assert stream.getvalue().count("chatter") == 1


def test_setting_up_again_replaces() -> None:
    first, second = io.StringIO(), io.StringIO()
    setup_logging(levels={"broker": "debug"}, stream=first)
    setup_logging(stream=second)
    logging.getLogger("hub.broker").debug("no")
    logging.getLogger("hub.broker").info("yes")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize(
    "said",
    [
        "password=hunter2-hunter2",
        "password: hunter2-hunter2",
        '{"password": "hunter2-hunter2", "name": "x"}',
        "{'mqtt_password': 'hunter2-hunter2'}",
        "access_token=hunter2-hunter2&x=1",
        "Authorization: Bearer hunter2-hunter2",
        "sent Bearer hunter2-hunter2 to it",
        "Cookie: hunter2-hunter2; a=b",
        "GET /?token=hunter2-hunter2",
    ],
)
def test_secrets_are_masked(format: str, said: str) -> None:
    stream = io.StringIO()
    setup_logging(format=format, stream=stream)
    logging.getLogger("hub.x").info("%s", said)
    assert "hunter2" not in stream.getvalue()
    assert "•••" in stream.getvalue()


@pytest.mark.parametrize("format", ["text", "json"])
def test_known_values_and_secret_fields_are_masked_everywhere(format: str) -> None:
    stream = io.StringIO()
    setup_logging(format=format, secrets={"correct horse", "1234"}, stream=stream)
    try:
        raise ValueError("the key is correct horse")
    except ValueError:
        logging.getLogger("hub.x").exception("with correct horse in 1234 lines", extra={"secret": "hunter2"})
    assert "correct horse" not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert "1234" in stream.getvalue()  # too short to be told from other numbers


def test_ordinary_words_stay() -> None:
    stream = io.StringIO()
    setup_logging(stream=stream)
    logging.getLogger("hub.x").info("the token was refused; password too short: 5 characters")
    assert "•••" not in stream.getvalue()
