"""Logging: short lines on a terminal, JSON lines on request, a level per part, and no secrets in either."""

import json
import logging
import re
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

QUIET = ("amqtt", "transitions", "zeroconf", "aiohttp.access", "asyncio", "sqlalchemy", "alembic", "PIL")
HIDDEN = "•••"
SHORTEST_SECRET = 6  # a shorter one would be found inside of ordinary words and numbers
COLOURS = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31", logging.DEBUG: "2"}

_KEYS = r"passwords?|passwd|secret|token|access_token|refresh_token|api_key|authorization|cookie|private_key"
_PAIR = re.compile(
    rf"""(?i)(?P<key>["']?\b(?:[a-z]+_)?(?:{_KEYS})["']?\s*[:=]\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?:Bearer |Basic )?[^\s,;&})\]]+)"""
)
_SCHEME = re.compile(r"(?i)\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_SECRET_FIELD = re.compile(rf"(?i)(?:[a-z]+_)?(?:{_KEYS})")
# What breaks or repaints a line on a terminal, and what makes letters run the other way: a stranger may send it.
_UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
_CONTROL = re.compile(f"[{_UNPRINTABLE}]")
_CONTROL_IN_LINES = re.compile(rf"(?![\n\t])[{_UNPRINTABLE}]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Mask:
    """Takes secrets out of a line: values of keys that name one, bearer tokens, and the given values themselves."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        known = sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(secret) for secret in known)) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _PAIR.sub(lambda found: found["key"] + HIDDEN, text)
        return _SCHEME.sub(lambda found: f"{found[1]} {HIDDEN}", text)


class TextFormatter(logging.Formatter):
    """`15:04:05 warning broker: message`, local time; with the date where nobody sits before a terminal.

    A line break in a message is written as \\n: what a stranger sends must not look like a line of the log.
    """

    def __init__(self, mask: Mask, terminal: bool) -> None:
        super().__init__()
        self._mask = mask
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback below it where there is one."""
        at = datetime.fromtimestamp(record.created).astimezone()
        written = at.strftime("%H:%M:%S" if self._terminal else "%Y-%m-%d %H:%M:%S")
        part = record.name.removeprefix("hub.")
        message = _CONTROL.sub(_escaped, record.getMessage())
        line = f"{written} {record.levelname.lower():<7} {part}: {message}"
        if record.exc_info:
            line += "\n" + _CONTROL_IN_LINES.sub(_escaped, self.formatException(record.exc_info))
        line = self._mask(line)
        colour = COLOURS.get(record.levelno) if self._terminal else None
        return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, part, message, further fields, error (the traceback)."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": self._mask(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                fields[name] = HIDDEN if _SECRET_FIELD.fullmatch(name) else self._plain(value)
        if record.exc_info:
            fields["error"] = self._mask(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)

    def _plain(self, value: Any) -> Any:
        return value if value is None or isinstance(value, (bool, int, float)) else self._mask(str(value))


class HubHandler(logging.StreamHandler[TextIO]):
    """The hub's own handler: set up again, it takes the place of the one before."""


def setup_logging(
    level: str = "info",
    format: str = "text",
    levels: Mapping[str, str] | None = None,
    *,
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Write the process's log to `stream` (standard error). `levels`: part → level, a part being a name below `hub`
    (broker, telemetry.ingest), a plugin (ntfy) or a library (amqtt). Calling it again replaces everything."""
    stream = sys.stderr if stream is None else stream
    mask = Mask(secrets)
    handler = HubHandler(stream)
    handler.setFormatter(JsonFormatter(mask) if format == "json" else TextFormatter(mask, stream.isatty()))
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, HubHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("hub.", "plugin.")):
            logging.getLogger(name).setLevel(logging.NOTSET)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A malformed request is the client's mistake: it gets its 400, and must not fill the log. What goes wrong in the
    # hub's own answers is logged by hub.api.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    for part, wanted in (levels or {}).items():
        for name in (f"hub.{part}", f"plugin.{part}", part):
            logging.getLogger(name).setLevel(wanted.upper())


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
