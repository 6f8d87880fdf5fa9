"""Loads a configuration folder: one pass that finds every mistake, for `plughub check` and for every start."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hub.config.explain import validate
from hub.config.place import ConfigurationError, Document, Place, Problem
from hub.config.reader import ConfigurationReader, did_you_mean
from hub.config.schema import SCHEMA, Configuration
from hub.messages import LANGUAGES, Message, environment_language

FILE = "configuration.yaml"


class LoadedConfiguration:
    """What stands in a folder, and every mistake in it. The plugins' sections are checked by `check_section`."""

    def __init__(self, folder: Path, document: Document, problems: list[Problem], checked: Any) -> None:
        self.folder = folder
        self._document = document
        self._problems = problems
        self._checked = checked
        self._sections: dict[str, Any] = {}

    @property
    def problems(self) -> list[Problem]:
        """Every mistake found so far, in the order of the files."""
        return sorted(
            self._problems, key=lambda problem: (problem.place, problem.message.id, str(problem.message.values))
        )

    def lines(self, language: str = "en") -> list[str]:
        """Every mistake as a terminal shows it: `folder/file:line:column: sentence`."""
        return [self.line(problem, language) for problem in self.problems]

    def line(self, problem: Problem, language: str = "en") -> str:
        """One of them."""
        return f"{self.folder}{os.sep}{problem.line(language)}"

    @property
    def secrets(self) -> frozenset[str]:
        """Values that must not appear in a log."""
        return frozenset(self._document.secrets)

    @property
    def language(self) -> str:
        """The language to speak about this configuration: the home's, else that of the environment."""
        language = self._document.at(("home", "language"))
        return language if language in LANGUAGES else environment_language()

    @property
    def disabled_plugins(self) -> frozenset[str]:
        """`plugins: disabled:`, as far as it can be read."""
        listed = self._document.at(("plugins", "disabled"))
        return frozenset(name for name in (listed if isinstance(listed, list) else [listed]) if isinstance(name, str))

    @property
    def sections(self) -> list[str]:
        """The plugins that have a section under `integrations:`."""
        sections = self._document.at(("integrations",))
        return [str(name) for name in sections] if isinstance(sections, dict) else []

    def check_section(self, plugin: str, schema: Any) -> list[Problem]:
        """Check a plugin's section and return every mistake in it (also in `problems`). Passes on what a schema
        raises that is none of voluptuous' errors."""
        path = ("integrations", plugin)
        if not self._document.is_broken(path):
            value, found = validate(schema, self._document, path, plugin)
            self._problems += found
        problems = [problem for problem in self.problems if problem.plugin == plugin]
        if not problems:
            self._sections[plugin] = value
        return problems

    def unknown_section(self, plugin: str, known: Sequence[str]) -> None:
        """Note that no plugin has this name."""
        self._problems.append(
            Problem(
                self._document.key_place(("integrations", plugin)),
                Message("config-plugin-unknown", {"name": plugin}),
                Message("config-expected-keys", {"keys": known}) if known else None,
                did_you_mean(plugin, known),
                plugin,
            )
        )

    def value(self, path: tuple[str, ...]) -> Any:
        """What stands there as it was read, right or wrong; None where nothing does."""
        return self._document.at(path)

    def problem(self, path: tuple[str, ...], message: Message) -> Problem:
        """A mistake at the place of that value."""
        return Problem(self._document.value_place(path), message)

    def add(self, problem: Problem) -> None:
        """Note a mistake that shows only when the value is used."""
        self._problems.append(problem)

    def section(self, plugin: str) -> Any:
        """The checked section of a plugin; None where it has mistakes or was not checked."""
        return self._sections.get(plugin)

    def configuration(self) -> Configuration:
        """The typed configuration. Raises ConfigurationError with all problems when the hub's own sections have one;
        the section of a plugin that has one is left out."""
        if any(problem.plugin is None for problem in self._problems):
            raise ConfigurationError(self.problems)
        return msgspec.convert({**self._checked, "integrations": dict(self._sections)}, Configuration)


def load_configuration(folder: Path, environment: Mapping[str, str] = os.environ) -> LoadedConfiguration:
    """Read and check `folder`/configuration.yaml; where there is none, the defaults hold."""
    if _is_absent(folder / FILE):
        top = Place(FILE, 1, 1)
        return LoadedConfiguration(folder, Document({}, {}, {(): top}, set(), set(), set()), [], {})
    reader = ConfigurationReader(folder, environment)
    document = reader.read(FILE)
    checked: Any = {}
    problems = list(reader.problems)
    if not document.is_broken(()):
        checked, found = validate(SCHEMA, document, ())
        problems += found
    return LoadedConfiguration(folder, document, problems, checked)


def _is_absent(file: Path) -> bool:
    """False where that cannot be told, too: the reader then says why."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
