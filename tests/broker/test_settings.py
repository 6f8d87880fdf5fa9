"""The broker's limits as people write them."""

from pathlib import Path

import pytest

from hub.broker import Limits
from hub.config import load_configuration
from hub.wiring import limits


def read(folder: Path, text: str) -> tuple[list[str], Limits | None]:
    (folder / "configuration.yaml").write_text(text)
    found = load_configuration(folder)
    lines = [problem.line("en") for problem in found.problems]
    return lines, None if lines else limits(found.configuration().network.mqtt.limits)


def test_nothing_written_is_what_the_broker_has_by_itself(tmp_path: Path) -> None:
    assert read(tmp_path, "network:\n  mqtt:\n    port: 1883\n") == ([], Limits())
    assert read(tmp_path, "network:\n  mqtt:\n    limits:\n") == ([], Limits())


def test_each_limit_reaches_the_broker(tmp_path: Path) -> None:
    text = """network:
  mqtt:
    limits:
      connections: 200
      connections_per_host: 40
      queued_messages: 5000
      session_age: 12 h
      message_rate: 50
"""
    lines, found = read(tmp_path, text)
    assert lines == []
    assert found is not None
    assert (found.connections, found.connections_per_host, found.waiting) == (200, 40, 200)
    assert (found.queued, found.queued_bytes) == (5000, 5000 * 1024)
    assert (found.session_age, found.rate) == (12 * 3600, 50)


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("connections: 19", "4:20"),
        ("connections: 1e9", "4:20"),
        ("connections_per_host: many", "4:29"),
        ("queued_messages: 0", "4:24"),
        ("session_age: 7", "4:20"),
        ("session_age: 2 y", "4:20"),
        ("message_rate: -1", "4:21"),
        ("conections: 100", "4:7"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, setting: str, place: str) -> None:
    (line,), _ = read(tmp_path, f"network:\n  mqtt:\n    limits:\n      {setting}\n")
    assert f"configuration.yaml:{place}" in line
