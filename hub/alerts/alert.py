"""Alert: a rule about one outlet, and how it stands."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.database.rows import Id, Ms, Text

POWER_ABOVE, POWER_BELOW, OFFLINE = "power_above", "power_below", "offline"
OF_POWER = (POWER_ABOVE, POWER_BELOW)
LAST_CHANNEL = 15
LONGEST_HOLD_S = 30 * 24 * 3600


class Alert(msgspec.Struct):
    """Read it freely; only Alerts and Watch change it.

    kind: power_above, power_below (with `threshold` in W) or offline; hold_s: for how many seconds it must be so;
    author: whose rights it has, None = the hub's own; created: Unix ms; since: Unix ms since when it fires, None = it
    does not.
    """

    id: Id
    home: Id
    device: Id
    channel: Annotated[int, Meta(ge=0, le=LAST_CHANNEL)]
    name: Text
    kind: Annotated[str, Meta(pattern=r"^(power_above|power_below|offline)\Z")]
    threshold: Annotated[float, Meta(ge=-1e6, le=1e6)] | None
    hold_s: Annotated[int, Meta(ge=0, le=LONGEST_HOLD_S)]
    enabled: bool
    author: Id | None
    created: Ms
    since: Ms | None = None


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
