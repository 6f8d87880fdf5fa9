"""How often somebody may ask, and who is behind a proxy."""

import pytest

from hub.auth.limits import MOST_KEYS, RateLimits, Rates
from hub.messages import HubError
from hub.testing.clock import FakeClock


def takes(limits: RateLimits, who: str, count: int, *, write: bool = True) -> int:
    """How many of so many calls pass."""
    passed = 0
    for _ in range(count):
        try:
            limits.take(who, write=write)
        except HubError as error:
            assert error.id == "requests-too-many"
        else:
            passed += 1
    return passed


async def test_a_minutes_worth_at_once_and_then_what_flows_in() -> None:
    clock = FakeClock()
    limits = RateLimits(clock, Rates(reads=1000, writes=100))
    assert takes(limits, "ada", 150) == 100
    assert takes(limits, "ada", 1500, write=False) == 1000  # reads and writes do not take from one another
    assert takes(limits, "ben", 1) == 1
    await clock.advance(6)
    assert takes(limits, "ada", 50) == 10
    await clock.advance(3600)
    assert takes(limits, "ada", 500) == 100


async def test_it_says_when_to_come_back() -> None:
    clock = FakeClock()
    limits = RateLimits(clock, Rates(writes=10))
    takes(limits, "ada", 10)
    with pytest.raises(HubError) as caught:
        limits.take("ada", write=True)
    seconds = caught.value.message.values["seconds"]
    await clock.advance(seconds)
    limits.take("ada", write=True)


def test_many_addresses_take_no_memory() -> None:
    limits = RateLimits(FakeClock(), Rates())
    for number in range(MOST_KEYS + 500):
        limits.take(f"10.{number}", write=False)
    assert len(limits._buckets) == MOST_KEYS
