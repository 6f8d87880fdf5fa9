"""Asks once a day which version is the newest, where that is allowed, and keeps what was answered last."""

import asyncio
import hashlib
import logging
import random
from typing import Any, NamedTuple

import msgspec

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.config.schema import UpdatesSection
from hub.database import SettingsTable
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message, render
from hub.updates.fetch import fetch, host_of
from hub.updates.notice import LONGEST, Notice, milliseconds, opened
from hub.versions import is_newer

STORED = "updates"
"""The name in the settings table of what is allowed and what was answered."""
SECURITY, FAILED = "updates-security", "updates-failed"
HOUR = 3600.0
FIRST = (60.0, 900.0)  # seconds after a start: hubs that a power cut started together do not ask together
DAILY = (22 * HOUR, 26 * HOUR)
AGAIN = (3 * HOUR, 5 * HOUR)
WITHOUT_TIME = 600.0
DAY_MS = 86_400_000
PATIENCE = 7 * 24 * HOUR  # an answer may stay away for so long before an admin is told

log = logging.getLogger("hub.updates")


class Newest(NamedTuple):
    """A version that is newer than this hub. security: this hub has a fault that is mended since."""

    version: str
    security: bool
    notes: str
    issued: int  # Unix ms


class Stored(msgspec.Struct, omit_defaults=True):
    """check: what was set on the page. source: whose answer `notice` is."""

    check: bool = False
    source: str = ""
    notice: Notice | None = None


class Updates:
    """Asks, remembers, tells. All calls are made on the event loop."""

    def __init__(
        self, declared: UpdatesSection, *, version: str, settings: SettingsTable, bus: Bus, clock: Clock
    ) -> None:
        self._declared = declared
        self._version = version
        self._table = settings
        self._bus = bus
        self._clock = clock
        self._random = random.SystemRandom()
        self._stored = Stored()
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._asking = asyncio.Lock()
        self._answered: float | None = None  # monotonic, of the last good answer, the start, or when it was allowed
        self._told: dict[str, Message] = {}
        self.asked: int | None = None
        """When it asked last, Unix ms; None = not since the start."""
        self.failure: Message | None = None
        """Why that brought nothing."""

    @property
    def version(self) -> str:
        """This hub's."""
        return self._version

    @property
    def check(self) -> bool:
        """Does it ask by itself?"""
        return self._stored.check if self._declared.check is None else self._declared.check

    @property
    def declared(self) -> bool:
        """Does the configuration say whether it asks?"""
        return self._declared.check is not None

    @property
    def asking(self) -> bool:
        """Is a question under way?"""
        return self._asking.locked() or (self._task is not None and not self._task.done())

    @property
    def source(self) -> str | None:
        """The machine that is asked; None where the configuration names none."""
        return None if self._url is None else host_of(self._url)

    @property
    def newest(self) -> Newest | None:
        """As of the last good answer."""
        notice = self._stored.notice
        if notice is None or not is_newer(notice.version, self._version):
            return None
        fault = notice.secure_from is not None and is_newer(notice.secure_from, self._version)
        return Newest(notice.version, fault, notice.notes, milliseconds(notice.issued))

    async def load(self) -> None:
        """Read what was answered before."""
        self._stored = self._table.typed(STORED, Stored, self._stored)
        if self._stored.source != self._source_id:  # another distributor, who may count otherwise
            self._stored = Stored(self._stored.check)

    async def start(self) -> None:
        """Tell what is known; ask some minutes from now, and then each day."""
        await self.load()
        self._answered = self._clock.monotonic()
        self._tell()
        if self.check and self._url is None:
            log.warning("%s", render(Message("updates-no-source")))
        self._plan(FIRST)

    async def stop(self) -> None:
        """A question that is under way is dropped."""
        self._cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def allow(self, check: bool) -> None:
        """May it ask by itself? From now on, at once. Raises HubError("updates-declared", "updates-no-source")."""
        if self.declared:
            raise HubError("updates-declared", field="check")
        if check and self._url is None:
            raise HubError("updates-no-source", field="check")
        await self._store(msgspec.structs.replace(self._stored, check=check))
        self._cancel()
        if check:
            self._answered = self._clock.monotonic()  # nobody had to answer before
            self._due()
        else:
            self._say(FAILED, None)

    async def ask(self) -> None:
        """Ask now. Raises HubError: updates-no-source, updates-clock, and what `fetch` and `opened` raise; also
        updates-rolled-back, updates-expired and updates-ahead."""
        async with self._asking:
            if self._url is None:
                raise HubError("updates-no-source")
            if not self._clock.certain():
                raise HubError("updates-clock")
            self.asked = self._clock.now()
            try:
                document = await fetch(self._url, longest=LONGEST)
                await self._take(opened(document, self._declared.keys))
            except HubError as error:
                self.failure = error.message
                self._complain(error)
                raise
            self.failure = None
            self._answered = self._clock.monotonic()
            self._say(FAILED, None)
            self._tell()

    async def settled(self) -> None:
        """When no question of its own is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def _url(self) -> str | None:
        return self._declared.url if self._declared.keys else None

    @property
    def _source_id(self) -> str:
        said = "\n".join((self._declared.url or "", *sorted(self._declared.keys)))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    async def _take(self, notice: Notice) -> None:
        """Raises HubError for a notice that is right but not of today."""
        known, now = self._stored.notice, self._clock.now()
        if known is not None and notice.issued < known.issued:
            raise HubError("updates-rolled-back", issued=_day(notice), known=_day(known))
        if milliseconds(notice.expires) <= now:
            raise HubError("updates-expired", expires=f"{notice.expires:%Y-%m-%d}")
        if milliseconds(notice.issued) > now + DAY_MS:
            raise HubError("updates-ahead", issued=_day(notice))
        if notice != known:
            await self._store(Stored(self._stored.check, self._source_id, notice))

    async def _store(self, stored: Stored) -> None:
        await self._table.set(STORED, msgspec.to_builtins(stored))
        self._stored = stored

    def _plan(self, between: tuple[float, float]) -> None:
        if self.check and self._url is not None:
            self._timer = self._clock.call_later(self._random.uniform(*between), self._due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._task is not None and not self._task.done():
            return  # what it has begun ends with a plan
        if self._clock.certain():
            self._task = asyncio.get_running_loop().create_task(self._run())
        else:  # without the time neither a certificate nor a notice can be judged
            self._plan((WITHOUT_TIME, WITHOUT_TIME))

    async def _run(self) -> None:
        following = AGAIN
        try:
            await self.ask()
            following = DAILY
        except HubError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("looking for a new version failed")
        if self._timer is None:
            self._plan(following)

    def _complain(self, error: HubError) -> None:
        """A machine without internet is no fault; an answer that cannot be trusted is one, and so is a long silence
        where the hub asks by itself."""
        silent = error.id in ("updates-unreachable", "updates-status")
        since = self._clock.monotonic() if self._answered is None else self._answered
        if not silent or (self.check and self._clock.monotonic() - since > PATIENCE):
            self._say(FAILED, {"reason": error.message})

    def _tell(self) -> None:
        newest = self.newest
        fault = newest is not None and newest.security
        self._say(SECURITY, {"version": newest.version, "now": self._version} if newest and fault else None)

    def _say(self, problem: str, values: dict[str, Any] | None) -> None:
        """Raise it, or end it; what is told already is not told again."""
        message = None if values is None else Message(problem, values)
        if message == self._told.get(problem):
            return
        if message is None:
            del self._told[problem]
            self._bus.publish(ProblemEnded(problem))
        else:
            self._told[problem] = message
            self._bus.publish(ProblemRaised(problem, message.values))


def _day(notice: Notice) -> str:
    return f"{notice.issued:%Y-%m-%d}"
