"""The sessions of clients that are not plugs: their subscriptions and what waits for them, connected or away."""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from hub.broker.interface import Login
from hub.broker.limits import Limits
from hub.broker.outbox import Message, Outbox
from hub.broker.topics import FilterIndex, covered
from hub.clock import Clock


class SessionState:
    """One session. `key` holds the login's name and the client id."""

    __slots__ = ("away_since", "clean", "connected", "key", "login", "outbox", "received")

    def __init__(self, key: str, login: Login, outbox: Outbox) -> None:
        self.key = key
        self.login = login
        self.outbox = outbox
        self.received: set[int] = set()  # QoS 2 ids between PUBLISH and PUBREL
        self.clean = self.connected = True
        self.away_since = 0.0  # monotonic


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A session as it is written: `left` in Unix ms, 0 while it is connected."""

    key: str
    login: str
    filters: dict[str, int]
    inflight: list[tuple[int, Message | None]]
    queue: list[Message]
    received: list[int]
    last_id: int
    left: int


class Sessions:
    """All sessions by key. Those that are not clean outlive their connection, within bounds."""

    def __init__(self, limits: Limits, counts: Counter[str], clock: Clock, index: FilterIndex) -> None:
        self._limits, self._counts, self._clock, self._index = limits, counts, clock, index
        self._states: dict[str, SessionState] = {}

    def __len__(self) -> int:
        return len(self._states)

    def take(self, key: str, login: Login, clean: bool) -> tuple[SessionState, bool]:
        """The session of a client that connects, and whether it was there before."""
        state = self._states.get(key)
        if state is not None and clean:
            self._forget(state)
            state = None
        present = state is not None
        if state is None:
            state = self._states[key] = SessionState(key, login, Outbox(self._limits, self._counts))
        state.login, state.clean, state.connected = login, clean, True
        self._check_rights(state)
        return state, present

    def leave(self, state: SessionState) -> None:
        """Its connection has ended."""
        state.connected = False
        if state.clean or self._states.get(state.key) is not state:
            self._forget(state)
            return
        state.outbox.away()
        state.away_since = self._clock.monotonic()
        self.expire()

    def login_changed(self, name: str, login: Login | None) -> None:
        """A login has other rights now, or (None) is gone: then nothing waits for it any more."""
        for state in [state for state in self._states.values() if state.login.name == name]:
            if login is None:
                self._forget(state)
            else:
                state.login = login
                self._check_rights(state)

    def expire(self) -> None:
        """Forget what has been away too long, and the longest away where they are too many or hold too much."""
        away = [state for state in self._states.values() if not state.connected]
        if not away:
            return
        away.sort(key=lambda state: state.away_since)
        oldest = self._clock.monotonic() - self._limits.session_age
        number, size = len(away), sum(state.outbox.size for state in away)
        for state in away:
            if number <= self._limits.sessions and size <= self._limits.sessions_bytes and state.away_since >= oldest:
                return
            number, size = number - 1, size - state.outbox.size
            self._counts["dropped:session"] += 1
            self._forget(state)

    def stored(self) -> list[tuple[Stored, int]]:
        """Every session that outlives its connection, with a number that differs after each change. Copies only
        what may change: the messages are shared."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        found = []
        for state in self._states.values():
            if state.clean:
                continue
            inflight, queue, last_id = state.outbox.content()
            filters = dict(self._index.held(state.outbox))
            left = 0 if state.connected else now - int((monotonic - state.away_since) * 1000)
            stored = Stored(
                state.key, state.login.name, filters, inflight, queue, sorted(state.received), last_id, left
            )
            change = hash((
                state.outbox.changes, state.connected, state.away_since if not state.connected else 0,
                tuple(filters.items()), tuple(stored.received),
            ))  # fmt: skip
            found.append((stored, change))
        return found

    def restore(self, sessions: Iterable[Stored], known: Callable[[str], Login | None]) -> None:
        """At the hub's start: what was stored, as far as its login still exists and may still read it."""
        for stored in sessions:
            login = known(stored.login)
            if login is None:
                continue
            state = SessionState(stored.key, login, Outbox(self._limits, self._counts))
            state.clean = state.connected = False
            state.received.update(stored.received)
            state.outbox.restore(stored.inflight, stored.queue, stored.last_id)
            # A clock that was wrong at either end must not cost a session: then it is as if it had just left.
            counts = stored.left and self._clock.certain()
            away = max(0, self._clock.now() - stored.left) / 1000 if counts else 0.0
            state.away_since = self._clock.monotonic() - away
            for topic_filter, qos in stored.filters.items():
                self._index.add(topic_filter, state.outbox, qos)
            self._states[stored.key] = state
            self._check_rights(state)
        self.expire()

    def _check_rights(self, state: SessionState) -> None:
        for topic_filter in list(self._index.held(state.outbox)):
            if not covered(state.login.read, topic_filter):  # they may have changed meanwhile
                self._index.remove(topic_filter, state.outbox)

    def _forget(self, state: SessionState) -> None:
        if self._states.get(state.key) is state:
            del self._states[state.key]
        self._index.drop(state.outbox)
