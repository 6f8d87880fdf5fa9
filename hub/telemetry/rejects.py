"""Rejects: what could not be used, counted by device and reason, and the latest of it for people to see."""

from collections import deque

import msgspec

KEPT = 200
EXCERPT = 200  # bytes of the payload that are kept


class Reject(msgspec.Struct, frozen=True):
    """One payload or sample that was refused. `at` is Unix ms, `payload` its beginning."""

    at: int
    device: str
    reason: str
    detail: str
    payload: str


class Rejects:
    """Counters by (device, reason), and a ring of the newest. Devices not in the registry are counted as "unknown"."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}
        self._newest: deque[Reject] = deque(maxlen=KEPT)

    def count(self, device: str, reason: str) -> None:
        """One more, not worth keeping."""
        key = (device, reason)
        self.counts[key] = self.counts.get(key, 0) + 1

    def add(self, at: int, device: str, reason: str, detail: str, payload: bytes) -> None:
        """One more, with what it was."""
        self.count(device, reason)
        text = payload[:EXCERPT].decode("utf-8", "replace")
        self._newest.append(Reject(at, device, reason, detail[:EXCERPT], text))

    def newest(self, device: str | None = None) -> list[Reject]:
        """The latest, newest first; of one device or of all."""
        return [reject for reject in reversed(self._newest) if device is None or reject.device == device]

    def forget(self, device: str) -> None:
        """The device was removed."""
        for key in [key for key in self.counts if key[0] == device]:
            del self.counts[key]
        self._newest = deque((reject for reject in self._newest if reject.device != device), maxlen=KEPT)
