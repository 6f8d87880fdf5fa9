"""How many runs a plug may begin: each costs memory for as long as its history is kept."""

AT_ONCE = 100
EVERY_MS = 600_000  # one more in this time

_FULL = AT_ONCE * EVERY_MS


class Starts:
    """A plug that starts over and over is heard live, but only so many of its runs are kept."""

    def __init__(self) -> None:
        self._debts: dict[str, tuple[int, int]] = {}  # device -> ms that it would have to wait for all of them, as of

    def take(self, device: str, now: int) -> bool:
        """May this plug begin another run at this time (monotonic ms)?"""
        debt, at = self._debts.get(device, (0, now))
        debt = max(0, debt - (now - at))
        if debt + EVERY_MS > _FULL:
            return False
        self._debts[device] = (debt + EVERY_MS, now)
        return True
