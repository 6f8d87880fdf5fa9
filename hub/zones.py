"""The time zones that a home may have: IANA names of places, and of UTC and distances from it."""

import functools
from zoneinfo import available_timezones

NOWHERE = frozenset({"Factory", "localtime", "posixrules"})
"""What a machine was left with or set to: it says nothing of a home, and another machine knows it otherwise."""


@functools.cache
def time_zones() -> frozenset[str]:
    """Every name that can be chosen. Those of posix/ and right/ (which counts leap seconds) are not among them."""
    return frozenset(available_timezones() - NOWHERE)
