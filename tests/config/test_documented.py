"""Every setting stands in docs/configuration.md with its default, and in the starting configuration."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.config.schema import SCHEMA
from hub.config.validators import Section

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "configuration.md").read_text()
STARTING = (ROOT / "config" / "configuration.yaml").read_text()


def settings(section: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every setting."""
    for key, node in section.schema.schema.items() if isinstance(section, Section) else section.schema.items():
        name = str(key)
        named = isinstance(node, Section) and any(hasattr(inner, "schema") for inner in node.schema.schema)
        if named:
            yield from settings(node, (*path, name))
        elif path:
            yield (*path, name)


ALL = list(settings(SCHEMA))
# Documented, but nothing that a beginner should meet.
RARE = (
    ("network", "mqtt", "host"),
    ("network", "mqtt", "websocket", "tls"),
    ("network", "https", "certificate"),
    ("network", "https", "key"),
    ("history", "store"),
)
WHOLE_RARE = (("network", "mqtt", "external"), ("network", "mqtt", "limits"), ("network", "mqtt", "tls"))


def test_there_are_settings() -> None:
    assert ("network", "mqtt", "port") in ALL
    assert len(ALL) > 20


@pytest.mark.parametrize("path", ALL, ids=": ".join)
def test_documented(path: tuple[str, ...]) -> None:
    section = re.search(rf"^### {path[0]}$(.*?)(?=^##)", DOCS, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert f"| `{': '.join(path[1:])}` |" in section[1]


@pytest.mark.parametrize(
    "path", [path for path in ALL if path not in RARE and path[:3] not in WHOLE_RARE], ids=": ".join
)
def test_in_the_starting_configuration(path: tuple[str, ...]) -> None:
    section = re.search(rf"^{path[0]}:$(.*?)(?=^\w|\Z)", STARTING, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert re.search(rf"^#\s+{path[-1]}:", section[1], re.MULTILINE)
