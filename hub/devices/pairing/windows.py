"""Open pairing windows: whose they are, how far each plug has come, and how many wrong proofs there were."""

import secrets
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from hub.auth.principal import Principal
from hub.clock import Clock, Timer
from hub.devices.pairing.protocol import Exchange, Hello
from hub.messages import HubError, Message

OPEN_S = 600.0
MOST_OPEN = 20
MOST_WRONG = 5
MOST_CLOSED = 100
FINAL = ("done", "failed", "expired")


class Window(msgspec.Struct, eq=False):
    """One person waits for one plug. `code` and `secret` are empty once it is closed; opened, expires: Unix ms.

    `replace` is the device whose place the plug takes, `error` what went wrong last.
    `claim` is the message 1 of this exchange, `proved` that of whoever knew the code.
    `sealed`: the secret was sent at least once, so that a login with it may come. `completing`: it came, and the device
    is being written; `overdue`: the time ended meanwhile. `peer`: the address of whoever logged in as this plug last.
    """

    id: str
    principal: Principal
    hardware_id: str
    name: str
    room: str | None
    icon: str
    replace: str | None
    code: str
    secret: str
    opened: int
    expires: int
    state: str = "waiting"
    wrong: int = 0
    error: Message | None = None
    device: str | None = None
    exchange: Exchange | None = None
    answers: list[bytes] = []  # messages 2 and 4 of this exchange
    claim: Hello | None = None
    proved: Hello | None = None
    sealed: bool = False
    completing: bool = False
    overdue: bool = False
    peer: str = ""
    timer: Timer | None = None


class Windows:
    """At most one window for each hardware_id. Closed ones are remembered for a while, without code and secret."""

    def __init__(self, clock: Clock, expired: Callable[[Window], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._open: dict[str, Window] = {}
        self._closed: OrderedDict[str, Window] = OrderedDict()

    def open(
        self,
        principal: Principal,
        hardware_id: str,
        code: str,
        *,
        name: str,
        room: str | None,
        icon: str,
        replace: str | None,
    ) -> Window:
        """Begin to wait. Raises HubError("pairing-busy", "pairing-too-many")."""
        mate = self._open.get(hardware_id)
        if mate is not None:
            raise HubError("pairing-busy", field="hardware_id", hardware_id=hardware_id)
        if len(self._open) >= MOST_OPEN:
            raise HubError("pairing-too-many", most=MOST_OPEN)
        now = self._clock.now()
        window = Window(
            id=secrets.token_hex(8),
            principal=principal,
            hardware_id=hardware_id,
            name=name,
            room=room,
            icon=icon,
            replace=replace,
            code=code,
            secret=secrets.token_hex(32),
            opened=now,
            expires=now + round(OPEN_S * 1000),
        )
        window.timer = self._clock.call_later(OPEN_S, lambda: self._expired(window))
        self._open[hardware_id] = window
        return window

    def of(self, hardware_id: str) -> Window | None:
        """The open window for this plug."""
        return self._open.get(hardware_id)

    def all(self) -> list[Window]:
        """Open ones and those closed of late, oldest first."""
        return sorted([*self._closed.values(), *self._open.values()], key=lambda window: window.opened)

    def find(self, window_id: str) -> Window | None:
        """By id, open or closed of late."""
        return next((window for window in self.all() if window.id == window_id), None)

    def close(self, window: Window, state: str, error: Message | None = None) -> None:
        """Forget its secrets and keep how it ended."""
        if self._open.get(window.hardware_id) is not window:
            return
        del self._open[window.hardware_id]
        if window.timer is not None:
            window.timer.cancel()
        window.timer = window.exchange = None
        window.code = window.secret = ""
        window.answers = []
        window.state, window.error = state, error
        self._closed[window.id] = window
        if len(self._closed) > MOST_CLOSED:
            self._closed.popitem(last=False)

    def wrong_proof(self, window: Window) -> bool:
        """Count it; each exchange is good for one try. True = that was one too many."""
        window.wrong += 1
        window.exchange = None
        window.answers = []
        return window.wrong >= MOST_WRONG
