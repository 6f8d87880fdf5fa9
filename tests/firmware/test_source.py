"""What the firmware's source must not contain."""

import ast
from pathlib import Path

import pytest

from tests.firmware.pythons import ROOT

FIRMWARE = ROOT / "firmware"
ON_THE_PLUG = [*sorted((FIRMWARE / "plug").glob("*.py")), FIRMWARE / "boards" / "ina219.py"]


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", ON_THE_PLUG, ids=lambda path: path.name)
def test_no_float_arithmetic(path: Path) -> None:
    """An ESP32's floats have 24 bits: none may be made where counters and times are."""
    for node in nodes(path):
        if path.name == "tasks.py" and isinstance(node, ast.Div):
            continue  # CPython only: ms to seconds of a sleep
        assert not isinstance(node, ast.Div), path
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path


@pytest.mark.parametrize("path", ON_THE_PLUG, ids=lambda path: path.name)
def test_no_calendar(path: Path) -> None:
    """An ESP32 counts from 2000, a PC from 1970: time comes from the hub's acks and the board's ticks alone."""
    modules = {name.name for node in nodes(path) if isinstance(node, ast.Import) for name in node.names}
    assert not modules & {"time", "utime", "datetime", "machine"}, path


def test_the_trace_excerpts_are_small_and_attributed() -> None:
    folder = FIRMWARE / "boards" / "traces"
    assert sum(path.stat().st_size for path in folder.glob("*.gz")) < 300_000
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "tracebase data set, which is made available at http://www.tracebase.org" in text.replace("\n", " ")
    for path in folder.glob("*.gz"):
        assert path.name.removesuffix(".csv.gz") in text
