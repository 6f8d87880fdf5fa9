"""The time zones that a home may have: IANA names of places, and of UTC and distances from it."""

import functools
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hub.messages import HubError

NOWHERE = frozenset({"Factory", "localtime", "posixrules"})
"""What a machine was left with or set to: it says nothing of a home, and another machine knows it otherwise."""


@functools.cache
def time_zones() -> frozenset[str]:
    """Every name that can be chosen. Those of posix/ and right/ (which counts leap seconds) are not among them."""
    return frozenset(available_timezones() - NOWHERE)


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name, also of one that nobody can choose. Raises HubError("zone-unknown")."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # names are paths: of a folder, out of the folder
        raise HubError("zone-unknown", field="time_zone", zone=name) from error
