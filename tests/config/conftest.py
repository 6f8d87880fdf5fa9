"""Helpers to write a configuration folder and to see what the loader says of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from hub.config import LoadedConfiguration, load_configuration

Load = Callable[..., LoadedConfiguration]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """load("text of configuration.yaml", environment={}, **{"secrets.yaml": "…"})."""

    def write_and_load(
        text: str, environment: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
    ) -> LoadedConfiguration:
        for name, content in {"configuration.yaml": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(content))
        return load_configuration(tmp_path, environment or {})

    return write_and_load


def lines(loaded: LoadedConfiguration, language: str = "en") -> list[str]:
    """Every problem as a person reads it."""
    return [problem.line(language) for problem in loaded.problems]


def places(loaded: LoadedConfiguration) -> list[tuple[str, str]]:
    """(file:line:column, message id) of every problem."""
    return [(str(problem.place), problem.message.id) for problem in loaded.problems]
