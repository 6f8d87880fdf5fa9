"""A clock that stands still until a test moves it."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from hub.clock import Clock


class FakeTimer:
    """A pending call of a FakeClock."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Never call it."""
        self.callback = None


class FakeClock(Clock):
    """`now()`, `monotonic()`, timers and sleeps move only by `advance`; certain unless a test says otherwise."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        super().__init__(trusted=True)
        self.is_certain = True
        self._now = now
        self._monotonic = 1000.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, FakeTimer]] = []

    def now(self) -> int:
        """Unix milliseconds."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that never step."""
        return self._monotonic

    def certain(self) -> bool:
        """What the test says."""
        return self.is_certain

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimer:
        """Call back when the clock has been advanced that far."""
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self._monotonic + delay, next(self._order), timer))
        return timer

    async def sleep(self, delay: float) -> None:
        """Wait until the clock has been advanced that far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self.call_later(delay, wake)
        try:
            await woken
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Move on, calling what falls due in order; what it wakes has run when this returns."""
        end = self._monotonic + seconds
        await self._settle()
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._move(due)
            if timer.callback is not None:
                timer.callback()
                await self._settle()
        self._move(end)

    def release(self) -> list[tuple[float, FakeTimer]]:
        """Every pending call and the seconds until it is due; they are another clock's from now on."""
        pending, self._timers = self._timers, []
        return [(due - self._monotonic, timer) for due, _, timer in sorted(pending)]

    def step(self, ms: int) -> None:
        """The wall clock jumps (NTP, a person); the monotonic one does not."""
        self._now += ms

    def _move(self, monotonic: float) -> None:
        self._now += round((monotonic - self._monotonic) * 1000)
        self._monotonic = monotonic

    async def _settle(self) -> None:
        # A woken task may wake another: a few turns of the loop let such chains end.
        for _ in range(10):
            await asyncio.sleep(0)
