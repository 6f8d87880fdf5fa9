"""How many runs a plug may begin: each costs memory for as long as its history is kept."""

AT_ONCE = 100
EVERY_MS = 600_000  # one more in this time

_FULL = AT_ONCE * EVERY_MS


class Starts:
    """A plug that starts over and over is heard live, but only so many of its runs are kept."""

    def __init__(self) -> None:
        # device -> ms until all that it began is forgiven, as of when (monotonic ms), and its newest run
        self._debts: dict[str, tuple[int, int, str]] = {}

    def take(self, device: str, run: str, now: int) -> bool:
        """May this plug begin this run at this time (monotonic ms)? Its outlets share it."""
        debt, at, newest = self._debts.get(device, (0, now, ""))
        if run == newest:
            return True
        debt = max(0, debt - (now - at))
        if debt + EVERY_MS > _FULL:
            return False
        self._debts[device] = (debt + EVERY_MS, now, run)
        return True
