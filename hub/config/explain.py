"""Turns what voluptuous found into problems with a place, what was expected, and the nearest right name."""

from collections.abc import Mapping, Sequence
from typing import Any

import voluptuous as vol

from hub.config.place import Document, Path, Problem
from hub.config.reader import did_you_mean
from hub.config.syntax import resolve
from hub.config.validators import Validator, Wrong, choices_of
from hub.messages import Message

# How people who know YAML 1.1 (or Home Assistant) write booleans.
OLD_FLAGS = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
EXTRA_KEY = "extra keys not allowed"
TOP = "configuration.yaml"
LONGEST_SHOWN = 40
SIMPLE_TYPES = {
    str: "config-expected-text",
    int: "config-expected-integer",
    float: "config-expected-decimal",
    bool: "config-expected-flag",
    dict: "config-expected-section",
    list: "config-expected-list",
}


def validate(schema: Any, document: Document, path: Path, plugin: str | None = None) -> tuple[Any, list[Problem]]:
    """The checked value of what stands at `path`, and every mistake in it (then the value is None).

    A schema of a plugin may raise anything; what is not voluptuous' own is passed on.
    """
    schema = schema if isinstance(schema, vol.Schema) else vol.Schema(schema)
    value = document.at(path)
    try:
        return schema({} if value is None else value), []
    except vol.MultipleInvalid as invalid:
        found = [_problem(error, schema, document, path, plugin) for error in invalid.errors]
    except vol.Invalid as error:
        found = [_problem(error, schema, document, path, plugin)]
    return None, [problem for problem in found if problem is not None]


def _problem(error: vol.Invalid, schema: Any, document: Document, base: Path, plugin: str | None) -> Problem | None:
    inner: Path = tuple(key if isinstance(key, int) else str(key) for key in error.path)
    path = (*base, *inner)
    if document.is_broken(path):
        return None
    key = str(path[-1]) if path else ""
    if error.error_message == EXTRA_KEY:
        known = _known_keys(schema, inner[:-1])
        expected = Message("config-expected-keys", {"keys": known}) if known else None
        place = document.key_place(path)
        return Problem(place, Message("config-key-unknown", {"key": key}), expected, did_you_mean(key, known), plugin)
    node = _find(schema, inner)
    if isinstance(error, vol.RequiredFieldInvalid):
        place = document.key_place(path[:-1])
        return Problem(place, Message("config-key-missing", {"key": key}), expected_of(node), None, plugin)
    expected = error.expected if isinstance(error, Wrong) else _expected(error, node)
    choices = error.near if isinstance(error, Wrong) else choices_of(node)
    value = document.at(path)
    hint = _hint(value, expected, choices, hidden=path in document.hidden)
    return Problem(document.value_place(path), _wrong(document, path, key, value), expected, hint, plugin)


def _wrong(document: Document, path: Path, key: str, value: Any) -> Message:
    if path in document.hidden:
        return Message("config-value-wrong-hidden", {"key": key})
    if isinstance(value, (Mapping, list)):
        return Message(
            "config-kind-wrong", {"key": key or TOP, "kind": "list" if isinstance(value, list) else "section"}
        )
    if value is None:
        return Message("config-value-empty", {"key": key})
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    shown = shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "…"
    return Message("config-value-wrong", {"key": key, "value": shown})


def _hint(value: Any, expected: Message | None, choices: Sequence[str], hidden: bool) -> Message | None:
    if hidden:
        # A password of digits only is the usual mistake; the value itself is not shown.
        return Message("config-hint-quotes-hidden") if isinstance(value, (int, float)) else None
    if isinstance(value, str):
        if expected is not None and expected.id == "config-expected-flag" and value.casefold() in OLD_FLAGS:
            return Message("config-hint-flag", {"value": value, "better": OLD_FLAGS[value.casefold()]})
        if expected is not None and expected.id in ("config-expected-number", "config-expected-integer"):
            return Message("config-hint-no-quotes", {"value": value}) if isinstance(resolve(value), int) else None
        return did_you_mean(value, choices)
    if isinstance(value, (int, float)) and expected is not None and expected.id == "config-expected-text":
        return Message("config-hint-quotes", {"value": str(value).lower()})
    return None


def _expected(error: vol.Invalid, node: Any) -> Message:
    """In the hub's words where the schema tells, else in voluptuous' (or the plugin's)."""
    if isinstance(error, vol.UrlInvalid):
        return Message("config-expected-web")
    known = expected_of(node)
    if known is not None and not isinstance(error, (vol.LengthInvalid, vol.MatchInvalid)):
        return known
    return Message("config-expected-other", {"detail": error.error_message})


def expected_of(node: Any) -> Message | None:
    """What may stand where this part of a schema checks; None where its form is not known."""
    if isinstance(node, vol.Schema):
        return expected_of(node.schema)
    if isinstance(node, Validator):
        return node.expected
    if isinstance(node, (dict, list)):
        return Message(SIMPLE_TYPES[type(node)])
    if isinstance(node, type):
        return Message(SIMPLE_TYPES[node]) if node in SIMPLE_TYPES else None
    choices = choices_of(node)
    if choices:
        return Message("config-expected-choice", {"choices": choices})
    if isinstance(node, vol.Coerce):
        return expected_of(node.type)
    if isinstance(node, vol.Range) and node.min is not None and node.max is not None:
        return Message("config-expected-number", {"least": node.min, "most": node.max})
    if isinstance(node, vol.All):
        parts = [expected for part in node.validators if (expected := expected_of(part)) is not None]
        return next((part for part in parts if part.id == "config-expected-number"), parts[0] if parts else None)
    return None


def _known_keys(schema: Any, path: Path) -> list[str]:
    """The settings that may stand in the section at `path`."""
    node = _mapping(_find(schema, path))
    if node is None:
        return []
    return sorted(str(key) for key in node if isinstance(key, str) or isinstance(getattr(key, "schema", None), str))


def _find(node: Any, path: Path) -> Any:
    """The part of a schema that checks what stands at `path`; None when that cannot be told."""
    for step in path:
        if isinstance(step, int):
            node = _item(node)
            continue
        mapping = _mapping(node)
        if mapping is None:
            return None
        named = next((value for key, value in mapping.items() if str(key) == step), None)
        free = next((value for key, value in mapping.items() if not isinstance(key, (str, vol.Marker))), None)
        node = named if named is not None else free
    return node


def _mapping(node: Any) -> Mapping[Any, Any] | None:
    if isinstance(node, Mapping):
        return node
    if hasattr(node, "schema"):
        return _mapping(node.schema)
    if isinstance(node, (vol.All, vol.Any)):
        return next((found for part in node.validators if (found := _mapping(part)) is not None), None)
    return None


def _item(node: Any) -> Any:
    if isinstance(node, list):
        return node[0] if len(node) == 1 else None
    if hasattr(node, "schema"):
        return _item(node.schema)
    if isinstance(node, (vol.All, vol.Any)):
        return next((found for part in node.validators if (found := _item(part)) is not None), None)
    return None
