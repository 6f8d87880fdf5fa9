"""Alert: a rule about one outlet, and how it stands."""

from typing import Any

import msgspec

POWER_ABOVE, POWER_BELOW, OFFLINE = "power_above", "power_below", "offline"
OF_POWER = (POWER_ABOVE, POWER_BELOW)


class Alert(msgspec.Struct):
    """Read it freely; only Alerts and Watch change it.

    kind: power_above, power_below (with `threshold` in W) or offline; hold_s: for how many seconds it must be so;
    author: whose rights it has, None = the hub's own; created: Unix ms; since: Unix ms since when it fires, None = it
    does not.
    """

    id: str
    home: str
    device: str
    channel: int
    name: str
    kind: str
    threshold: float | None
    hold_s: int
    enabled: bool
    author: str | None
    created: int
    since: int | None = None


class Standing(msgspec.Struct):
    """How a rule stands in this run of the hub.

    state: ok, pending (it is so, but not for long enough), firing, resolved (it fired, and is over); since: Unix ms
    since when; turned: monotonic seconds since when things are other than `state` says; watts: measured last.
    """

    state: str = "ok"
    since: int | None = None
    turned: float | None = None
    watts: float | None = None


def shown(alert: Alert) -> dict[str, Any]:
    """What the audit log holds of it."""
    fields = msgspec.structs.asdict(alert)
    return {name: value for name, value in fields.items() if name not in ("id", "home", "created", "since")}
