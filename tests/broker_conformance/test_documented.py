"""Every difference between the two brokers is in docs/mqtt-conformance.md."""

from pathlib import Path

import pytest

from tests.broker_conformance.differences import ALL, Difference

PAGE = (Path(__file__).parents[2] / "docs" / "mqtt-conformance.md").read_text()


@pytest.mark.parametrize("difference", ALL, ids=lambda difference: difference.does)
def test_a_difference_is_in_the_docs(difference: Difference) -> None:
    broken, left_open = PAGE.split("## Where the standard leaves it to the server")
    assert f"| {difference.statement} | {difference.does} |" in (left_open if difference.allowed else broken)
