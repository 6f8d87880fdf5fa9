"""What msgspec found wrong with a value, in words: the one place where its types and patterns become sentences."""

import re

import msgspec

from hub.messages.catalog import HubError, Message

FORMS = {
    r"^[^@\s]+@[^@\s]+$": "form-email",
    r"^[A-Za-z0-9_-]{3,64}$": "form-hardware-id",
    r"^[A-Za-z0-9_.-]{3,64}$": "form-login-name",
    r"^[a-z0-9-]+$": "form-icon",
    r"^[A-Za-z0-9_-]+$": "form-base64url",
    r"^[A-Z]{3}$": "form-currency",
    r"^([01]\d|2[0-3]):[0-5]\d$": "form-time",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "form-time",
    r"^https://[!-~]+$": "form-web-address",
    r"^\d{1,6}\.\d{1,6}\.\d{1,6}$": "form-version",
}
"""How people are told of a pattern that a value has to match."""

KINDS = {
    "str": "kind-text",
    "int": "kind-whole-number",
    "float": "kind-number",
    "bool": "kind-true-or-false",
    "array": "kind-list",
    "object": "kind-object",
    "null": "kind-null",
    "datetime": "kind-time",
}
"""How people are told of a type."""

_MISSING = re.compile(r"missing required field `(.+?)`")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")
_LENGTH = re.compile(r"of length (>=|<=) (\d+)")
_BOUND = re.compile(r"Expected `(?:int|float)[^`]*` (>=|<=|>|<) (\S+)")
_PATTERN = re.compile(r"matching regex (['\"])(.*)\1")
_CHOICE = re.compile(r"Invalid (?:enum )?value (.*)")
_TYPE = re.compile(r"Expected `(.+?)`, got `(.+?)`")


def invalid(error: msgspec.ValidationError) -> HubError:
    """What msgspec found wrong, as an error with its field: `$.channels[0].name` becomes `channels[0].name`."""
    text, _, path = str(error).partition(" - at `")
    field = path.removesuffix("`").removeprefix("$").removeprefix(".")
    if match := _MISSING.search(text) or _UNKNOWN.search(text):
        id = "field-missing" if "missing" in text else "field-unknown"
        return _about(id, f"{field}.{match[1]}".removeprefix("."))
    if match := _LENGTH.search(text):
        return _about("field-too-short" if match[1] == ">=" else "field-too-long", field, limit=int(match[2]))
    if match := _BOUND.search(text):
        return _about("field-too-small" if match[1][0] == ">" else "field-too-large", field, limit=match[2])
    if match := _PATTERN.search(text):
        # msgspec writes the pattern as Python would: with each backslash twice.
        form = FORMS.get(match[2].replace("\\\\", "\\"))
        return _about("field-invalid", field) if form is None else _about("field-format", field, form=Message(form))
    if match := _CHOICE.search(text):
        return _about("field-choice", field, value=match[1].strip("'"))
    if match := _TYPE.search(text):
        expected, got = kinds(match[1]), kinds(match[2])
        if not field:
            return HubError("body-wrong", expected=expected, got=got)
        return _about("field-type", field, expected=expected, got=got)
    return _about("field-invalid", field)


def kinds(types: str) -> list[Message | str]:
    """msgspec's names of types (`int | null`) as people call them. That a field may also be null helps nobody who sent
    something else."""
    names = types.split(" | ")
    wanted = [name for name in names if name != "null"] or names
    return [Message(KINDS[name]) if name in KINDS else name for name in wanted]


def _about(id: str, field: str, **values: object) -> HubError:
    return HubError(id, field=field, name=field, **values)
