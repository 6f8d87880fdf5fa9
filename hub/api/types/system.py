"""The hub itself: its state, plugins, problems, refused payloads and broker."""

from typing import Literal

import msgspec


class SystemInfo(msgspec.Struct):
    """What anyone may know: enough for the web app to choose its first page.

    setup: "open" = the page makes the admin now, "code" = it also asks for the code from the log, "done".
    """

    name: str
    version: str
    setup: Literal["open", "code", "done"]
    setup_closes: int | None
    demo: bool


class NewVersion(msgspec.Struct):
    """A version that is newer than this hub. security: it mends a fault of this hub. notes: web address of what is new
    and how to update. issued: Unix ms. detail: a sentence in the reader's language."""

    version: str
    security: bool
    notes: str
    issued: int
    detail: str


class UpdateState(msgspec.Struct):
    """check: the hub asks once a day which version is the newest. declared: that is set in configuration.yaml. source:
    whom it asks, null where the configuration names nobody. asking: a question is under way. asked: when it did last
    since its start, Unix ms; detail: why that brought nothing. firmware: the version of the plugs' firmware that this
    hub brings."""

    version: str
    firmware: str
    check: bool
    declared: bool
    source: str | None
    asking: bool
    asked: int | None
    detail: str | None
    newest: NewVersion | None = None


class UpdateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """May the hub ask once a day?"""

    check: bool


class PluginErrors(msgspec.Struct):
    """How often a plugin raised since the hub's start, and where and how it did last."""

    count: int = 0
    last: str | None = None


class PluginView(msgspec.Struct):
    """One plugin and how it is: loaded, failed, disabled or switched_off; `detail` says why it does not run.
    errors: what it raised while it ran and still runs."""

    name: str
    state: str
    kinds: list[str]
    version: str | None = None
    detail: str | None = None
    errors: PluginErrors = msgspec.field(default_factory=PluginErrors)


class PluginList(msgspec.Struct):
    items: list[PluginView]
    next: str | None = None


class ProblemView(msgspec.Struct, omit_defaults=True):
    """Something an admin should see until it ends; `detail` is a sentence in the reader's language, null when ended."""

    id: str
    detail: str | None
    since: int
    ended: bool = False


class ProblemList(msgspec.Struct):
    items: list[ProblemView]
    next: str | None = None


class RejectCount(msgspec.Struct):
    """How often something of a device was refused since the hub's start. device: its id, or "unknown" where it is in
    no registry. reason: why, or "counter" for readings of the counter that cannot be right."""

    device: str
    reason: str
    count: int


class RejectView(msgspec.Struct):
    """One payload that was refused: Unix ms, and the beginning of it."""

    at: int
    device: str
    reason: str
    detail: str
    payload: str


class RejectList(msgspec.Struct):
    """Counts by device and reason, and the newest of them first."""

    counts: list[RejectCount]
    newest: list[RejectView]


class BrokerStats(msgspec.Struct):
    """Counted since the hub started. `connections`, `plugs` and `clients` (other programs; null with a broker of the
    home's own, which does not tell) are there now; `received`: messages of plugs; `refused` and `dropped`: by reason
    (docs/mqtt.md); `throttled`: how often a connection that sent too fast had to wait; `further`: what else is known.
    """

    connections: int
    plugs: int
    clients: int | None
    received: int
    refused: dict[str, int]
    dropped: dict[str, int]
    throttled: int
    further: dict[str, int]
