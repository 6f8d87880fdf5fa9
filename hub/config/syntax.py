"""YAML 1.2 scalars, and plain sentences for what PyYAML says about broken syntax."""

import re
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.error import MarkedYAMLError
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from hub.config.place import Place, Problem
from hub.messages import Message

TAG = "tag:yaml.org,2002:"


class Composing(Reader, Scanner, Parser, Composer, BaseResolver):
    """Text → nodes with marks, with the scalars of YAML 1.2's core schema: only true and false are booleans,
    no octal by a leading zero, no 12:30 read as a number."""

    def __init__(self, stream: str) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


for _kind, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
):
    Composing.add_implicit_resolver(TAG + _kind, re.compile(rf"(?:{_pattern})\Z"), list(_first))


def resolve(text: str) -> Any:
    """What a plain (unquoted) scalar means."""
    for tag, pattern in Composing.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return scalar(tag, text)
    return text


def scalar(tag: str, text: str) -> Any:
    """The value of a scalar with this tag. Raises ValueError where an explicit tag does not fit the text."""
    kind = tag.removeprefix(TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind == "int":
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if kind == "float":
        return float(text.replace(".inf", "inf").replace(".nan", "nan").lower())
    return text


# What PyYAML says → the id of a plain sentence; "context" where the mistake began earlier than it was noticed.
_SENTENCES: tuple[tuple[str, str, bool], ...] = (
    (r"found character '\\t'", "yaml-tab", False),
    (r"found character '(?P<character>.)' that cannot start", "yaml-character", False),
    (r"mapping values are not allowed", "yaml-colon", False),
    (r"could not find expected ':'", "yaml-colon-missing", True),
    (r"expected <block end>, but found", "yaml-indentation", False),
    (r"found unexpected end of stream", "yaml-quote-open", True),
    (r"expected ',' or '(?P<bracket>[\]}])'", "yaml-bracket-open", True),
    (r"expected the node content, but found '<stream end>'", "yaml-ends", False),
    (r"expected the node content, but found '(?P<found>.*)'", "yaml-value-missing", False),
    (r"found undefined alias '(?P<name>.*)'", "yaml-alias", False),
    (r"expected a single document|but found another document", "yaml-documents", False),
    (r"found unknown escape character", "yaml-escape", False),
)


def syntax_problem(error: yaml.YAMLError, file: str, text: str) -> Problem:
    """The place and a sentence for a syntax error."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        column = error.position - (before.rfind("\n") + 1) + 1
        place = Place(file, before.count("\n") + 1, column)
        return Problem(place, Message("yaml-control-character", {"code": f"U+{ord(text[error.position]):04X}"}))
    if not isinstance(error, MarkedYAMLError):
        return Problem(Place(file, 1, 1), Message("yaml-syntax", {"detail": str(error)}))
    for pattern, id, begins_earlier in _SENTENCES:
        said = re.search(pattern, error.problem or "")
        if said:
            mark = error.context_mark if begins_earlier and error.context_mark else error.problem_mark
            return Problem(_place(mark, file), Message(id, said.groupdict()))
    return Problem(_place(error.problem_mark, file), Message("yaml-syntax", {"detail": error.problem or ""}))


def _place(mark: Any, file: str) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)
