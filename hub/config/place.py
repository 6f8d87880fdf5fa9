"""Where a value stands in the configuration, and what is wrong there."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hub.messages import HubError, Message, render

Path = tuple[str | int, ...]
"""Keys and list positions from the top of configuration.yaml down to a value."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in a file of the configuration folder; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where, what is wrong, what was expected, what may have been meant.

    `plugin` is the plugin whose section holds it, None for the hub's own sections.
    """

    place: Place
    message: Message
    expected: Message | None = None
    hint: Message | None = None
    plugin: str | None = None

    def sentence(self, language: str = "en") -> str:
        """What is wrong, what was expected and what may have been meant."""
        said = (self.message, self.expected, self.hint)
        return " ".join(render(message, language) for message in said if message is not None)

    def line(self, language: str = "en") -> str:
        """`file:line:column: sentence`."""
        return f"{self.place}: {self.sentence(language)}"


class Document(msgspec.Struct):
    """The configuration as plain values, with the place of every key and value.

    `broken`: paths whose value could not be read; their problem is known already.
    `secrets`: values that must never be shown.
    """

    value: Any
    keys: dict[Path, Place]
    values: dict[Path, Place]
    broken: set[Path]
    hidden: set[Path]
    secrets: set[str]

    def key_place(self, path: Path) -> Place:
        """Where the key stands; for what has no key, where its value does; for what is absent, its nearest section."""
        return self.keys.get(path) or self.value_place(path)

    def value_place(self, path: Path) -> Place:
        """Where the value begins; for what is absent, where its nearest section does."""
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def at(self, path: Path) -> Any:
        """The value there; None when there is none."""
        value = self.value
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def is_broken(self, path: Path) -> bool:
        """Is the value there, or one around it, known to be unreadable?"""
        return any(path[:length] in self.broken for length in range(len(path) + 1))


class ConfigurationError(HubError):
    """The configuration cannot be used; `problems` says every mistake."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("config-wrong", count=len(problems))
        self.problems = tuple(problems)
