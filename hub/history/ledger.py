"""The ledger: what this hub run knows of the hub's own past: when it ran, and what it holds for certain."""

import secrets

from hub.history.gaps import Outage
from hub.history.recovery import Recovered

MOST_OUTAGES = 200


class Ledger:
    """session: names this hub run. sessions: the runs that wrote what is not merged yet; latest: the latest certain
    time at which they did (Unix ms; a clock that was ahead may have been set back since, and `mark` with it). mark:
    the newest certain time that was committed. outages: when the hub did not run. damaged: times of which commits were
    lost. expired: as State.expired."""

    def __init__(self) -> None:
        self.session = secrets.randbits(48)
        self.sessions: list[int] = []
        self.latest = 0
        self.mark = 0
        self.outages: list[Outage] = []
        self.damaged: list[Outage] = []
        self.expired = (0, 0)

    def take_over(self, found: Recovered) -> None:
        """What was found at the start."""
        self.sessions, self.mark = found.sessions, found.mark
        self.latest = max((commit.at for commit in found.unmerged if commit.certain), default=0)
        self.damaged, self.outages, self.expired = found.damaged, found.outages, found.expired

    def was_down(self, since: int, until: int) -> None:
        """The hub did not run between (Unix ms)."""
        self.outages = [*self.outages, Outage(since, until)][-MOST_OUTAGES:]

    def wrote(self, at: int, *, certain: bool) -> None:
        """This run committed something at that time (Unix ms)."""
        if self.session not in self.sessions:
            self.sessions.append(self.session)
        if certain:
            self.mark, self.latest = at, max(at, self.latest)

    def merged(self) -> None:
        """Everything is merged."""
        self.sessions.clear()
        self.latest = 0
