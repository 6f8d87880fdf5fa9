"""Finds, in source code, sentences for people that bypass hub/messages, and the message ids that are used."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|[a-z]+")
# Calls whose text people read: all arguments of the first, these keywords of the others.
PRINTING = {"print", "write", "input", "confirm"}
READ_BY_PEOPLE = {"help", "description", "epilog", "detail", "title", "text", "reason", "prompt", "usage"}
SPEAKING = re.compile(
    r"add_argument|add_parser|ArgumentParser|add_argument_group|add_subparsers|Problem|Response|json_response|HTTP\w+|exit|error"
)
MESSAGE_MAKERS = {"HubError", "Message", "Wrong", "ProblemRaised", "problem", "report_problem", "say", "translate"}
HUB_ERRORS = {"HubError", "Message", "Wrong", "ProblemRaised"}


class Finding(NamedTuple):
    """A sentence in the code: line and text."""

    line: int
    text: str


def sentences(tree: ast.AST) -> Iterator[Finding]:
    """Literal sentences and f-strings that reach people past the catalogue."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = _name(call.func)
        if name in HUB_ERRORS and call.args and not _is_id(call.args[0]):
            yield Finding(call.lineno, ast.unparse(call.args[0]))
        spoken: list[ast.expr] = []
        if name in PRINTING and _is_output(call.func):
            spoken += call.args
        if name == "print":
            spoken += [keyword.value for keyword in call.keywords if keyword.arg in ("sep", "end")]
        if SPEAKING.fullmatch(name):
            spoken += [keyword.value for keyword in call.keywords if keyword.arg in READ_BY_PEOPLE]
            if name in ("exit", "error") and _is_parser_or_sys(call.func):
                spoken += call.args
        yield from (Finding(node.lineno, ast.unparse(node)) for node in spoken if _is_sentence(node))


def used_ids(tree: ast.AST) -> Iterator[Finding]:
    """Every message id that stands literally where a message is made."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if _name(call.func) in MESSAGE_MAKERS and call.args:
            for node in _alternatives(call.args[0]):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and ID.fullmatch(node.value):
                    yield Finding(call.lineno, node.value)


def given_values(tree: ast.AST) -> Iterator[tuple[Finding, frozenset[str]]]:
    """For each `HubError("id", name=…)` without `**`: the id and the names of the values that it carries."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if _name(call.func) not in ("HubError", "Wrong") or not call.args:
            continue
        if any(keyword.arg is None for keyword in call.keywords):
            continue
        values = frozenset(keyword.arg for keyword in call.keywords if keyword.arg not in (None, "field"))
        for node in _alternatives(call.args[0]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield Finding(call.lineno, node.value), frozenset(str(value) for value in values)


def _alternatives(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_output(function: ast.expr) -> bool:
    """print(…), input(…), sys.stdout.write(…), stderr.write(…); not file.write(…)."""
    return isinstance(function, ast.Name) or "std" in ast.unparse(function)


def _is_parser_or_sys(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and ast.unparse(function.value) in ("sys", "parser")


def _is_id(node: ast.expr) -> bool:
    """A literal id, a choice of two, or an expression that carries one; never an f-string or a sentence."""
    return all(
        not isinstance(part, (ast.JoinedStr, ast.BinOp))
        and not (isinstance(part, ast.Constant) and not (isinstance(part.value, str) and ID.fullmatch(part.value)))
        for part in _alternatives(node)
    )


def _is_sentence(node: ast.expr) -> bool:
    """Two words in a literal, or one with letters in an f-string beside its values, or either through + % .format()."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and len(re.findall(r"[^\W\d_]{2,}", node.value)) >= 2
    if isinstance(node, ast.JoinedStr):
        literal = " ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        return bool(re.search(r"[^\W\d_]{3,}", literal))
    if isinstance(node, ast.BinOp):
        return _is_sentence(node.left) or _is_sentence(node.right)
    if isinstance(node, ast.IfExp):
        return any(_is_sentence(part) for part in _alternatives(node))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join"):
        return _is_sentence(node.func.value) or any(_is_sentence(argument) for argument in node.args)
    return False
