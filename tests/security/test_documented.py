"""docs/security.md answers every point, and names tests that exist."""

import ast
import configparser
import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from hub.api.rest import ROUTES

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (done|open|not applicable) \|(.*?) ?\| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROWS = {int(number): rest for number, *rest in ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))}


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_point_is_answered() -> None:
    assert sorted(ROWS) == list(range(1, 41))


@pytest.mark.parametrize("number", range(1, 41))
def test_it_names_tests_that_exist(number: int) -> None:
    _, verdict, how, shown = ROWS[number]
    named = TEST.findall(shown)
    assert named, "no test is named"
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert not name or name in names_in(path), f"{path}::{name}"
    assert verdict == "done" or how


def test_the_support_period_and_the_way_to_report_are_published() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "security fixes until" in text
    assert "privately" in text.lower()
    assert "within seven days" in text


def test_the_unit_takes_what_the_hub_does_not_use() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "script" / "plughub.service")
    service = unit["Service"]
    assert service["User"] not in ("", "root")
    assert service["CapabilityBoundingSet"] == ""
    assert service["UMask"] == "0077"
    for wall in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictNamespaces", "MemoryDenyWriteExecute"):
        assert service[wall] == "yes", wall
    assert service["ProtectSystem"] == "strict"


def test_the_firmware_opens_nothing() -> None:
    for path in (ROOT / "firmware").rglob("*.py"):
        assert "webrepl" not in path.read_text(encoding="utf-8").lower(), path


def test_no_request_names_an_address_to_call() -> None:
    """The day a route takes an address, it has to be filtered: then this test wants to be told how."""
    for route in ROUTES:
        for kind in (route.body, route.query):
            if kind is not None:
                names = {field.encode_name for field in msgspec.structs.fields(kind)}
                assert not {name for name in names if re.search(r"url|uri|webhook|endpoint|server|host", name)}, (
                    route.path
                )
