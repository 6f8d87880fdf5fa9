"""The part of ICU MessageFormat that the sentences use: `{name}`, `{count, plural, one {…} other {…}}` and
`{kind, select, a {…} other {…}}`; in a plural `#` is the number, `=0 {…}` an exact value; `'{'` is a brace."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


class Value(msgspec.Struct, frozen=True):
    """`{name}`."""

    name: str


class Number(msgspec.Struct, frozen=True):
    """`#`: the number of the plural around it."""

    name: str


class Choice(msgspec.Struct, frozen=True):
    """`{name, plural, …}` or `{name, select, …}`: one text of several."""

    name: str
    plural: bool
    branches: dict[str, "tuple[Node, ...]"]


Node = str | Value | Number | Choice


class MissingValueError(KeyError):
    """A sentence needs a value that it was not given."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def parse(text: str) -> tuple[Node, ...]:
    """The sentence as nodes. Raises ValueError where braces do not match or a form is not known."""
    parser = _Parser(text)
    nodes = parser.text(plural=None, nested=False)
    if parser.position < len(text):
        raise ValueError(f"a closing brace without an opening one at {parser.position}")
    return nodes


def names(nodes: tuple[Node, ...]) -> Iterator[str]:
    """Every value that the sentence uses, in all its branches."""
    for node in nodes:
        if isinstance(node, (Value, Number, Choice)):
            yield node.name
        if isinstance(node, Choice):
            for branch in node.branches.values():
                yield from names(branch)


def fill(nodes: tuple[Node, ...], values: Mapping[str, Any], language: str) -> str:
    """The sentence with its values. Raises MissingValueError."""
    return "".join(_filled(node, values, language) for node in nodes)


def _filled(node: Node, values: Mapping[str, Any], language: str) -> str:
    if isinstance(node, str):
        return node
    if node.name not in values:
        raise MissingValueError(node.name)
    value = values[node.name]
    if isinstance(node, Choice):
        return fill(_branch(node, value), values, language)
    return _written(value, language)


def _branch(node: Choice, value: Any) -> tuple[Node, ...]:
    if not node.plural:
        return node.branches.get(str(value), node.branches["other"])
    exact = node.branches.get(f"={value}")
    if exact is not None:
        return exact
    # English and German share their rule: "one" is the number 1 written without decimals.
    return node.branches.get("one" if value == 1 and isinstance(value, int) else "other", node.branches["other"])


def _written(value: Any, language: str) -> str:
    if isinstance(value, float) and language == "de":
        return f"{value}".replace(".", ",")
    return str(value)


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0

    def text(self, plural: str | None, nested: bool) -> tuple[Node, ...]:
        """Up to the end, or to the closing brace that ends the branch."""
        nodes: list[Node] = []
        plain: list[str] = []
        while self.position < len(self.source):
            character = self.source[self.position]
            if character == "}":
                break
            if character == "'" and self.source[self.position + 1 : self.position + 2] in ("{", "}"):
                end = self.source.find("'", self.position + 1)
                if end < 0:
                    raise ValueError(f"a quoted brace without its second quote at {self.position}")
                plain.append(self.source[self.position + 1 : end])
                self.position = end + 1
                continue
            if character == "{" or (character == "#" and plural is not None):
                if plain:
                    nodes.append("".join(plain))
                    plain = []
                nodes.append(self._argument() if character == "{" else self._number(plural or ""))
                continue
            plain.append(character)
            self.position += 1
        if nested and self.position >= len(self.source):
            raise ValueError("an opening brace without a closing one")
        if plain:
            nodes.append("".join(plain))
        return tuple(nodes)

    def _number(self, name: str) -> Number:
        self.position += 1
        return Number(name)

    def _argument(self) -> Node:
        self.position += 1
        name = self._word(",}")
        if not name.isidentifier():
            raise ValueError(f"{name!r} is not the name of a value")
        if self._take() == "}":
            return Value(name)
        kind = self._word(",}")
        if kind not in ("plural", "select") or self._take() != ",":
            raise ValueError(f"{kind!r} is neither plural nor select")
        return Choice(name, kind == "plural", self._branches(name if kind == "plural" else None))

    def _branches(self, plural: str | None) -> dict[str, tuple[Node, ...]]:
        branches: dict[str, tuple[Node, ...]] = {}
        while True:
            key = self._word("{}")
            if self._take() == "}":
                break
            if not key or key in branches:
                raise ValueError(f"the branch {key!r} has no name or is there twice")
            branches[key] = self.text(plural, nested=True)
            self.position += 1
        if "other" not in branches:
            raise ValueError("a plural or select needs the branch 'other'")
        return branches

    def _word(self, ends: str) -> str:
        start = self.position
        while self.position < len(self.source) and self.source[self.position] not in ends:
            self.position += 1
        return self.source[start : self.position].strip()

    def _take(self) -> str:
        if self.position >= len(self.source):
            raise ValueError("an opening brace without a closing one")
        self.position += 1
        return self.source[self.position - 1]
