"""Hypothesis fails no test for the time that it takes."""

import re
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parents[1]


def test_the_profile_of_all_tests_times_nothing() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


def test_no_test_turns_that_on_again() -> None:
    """What a test suppresses takes the place of what the profile does."""
    for file in TESTS.rglob("test_*.py"):
        for own in re.findall(r"suppress_health_check=\[([^\]]*)\]", file.read_text()):
            assert "HealthCheck.too_slow" in own, file
