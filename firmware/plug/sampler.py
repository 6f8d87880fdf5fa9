"""Takes a sample of every outlet on a steady grid; a moment that was missed is a step in `up`, never in seq.

An unpaired plug only counts and cuts off: what it measures is no hub's.
"""

from .tasks import sleep_ms

_TICK_MS = 1000  # the meter is read at least this often, however rare the samples: for the counter and the cut-off


class Sampler:
    """Runs for ever. `plug` is told of every sample (sampled) and of every cut-off (overload)."""

    def __init__(self, plug) -> None:
        self._plug = plug
        self.set_interval(plug.interval)
        self._moment = 0  # the first sample is taken at once

    def set_interval(self, interval: int) -> None:
        """A new grid begins now; `interval` in ms."""
        self._interval = interval
        self._parts = -(-interval // _TICK_MS)  # readings a sample
        self._base = self._plug.uptime.ms()
        self._moment = 1

    def _due(self, moment: int) -> int:
        return self._base + moment * self._interval // self._parts

    async def run(self) -> None:
        plug = self._plug
        while True:
            up = plug.uptime.ms()
            # The newest moment that has come. One that is more than a step behind was missed.
            while self._due(self._moment + 1) <= up:
                self._moment += 1
            self._measure(self._moment, up)
            self._moment += 1
            plug.board.feed_watchdog()
            await sleep_ms(max(0, self._due(self._moment) - plug.uptime.ms()))

    def _measure(self, moment: int, up: int) -> None:
        plug = self._plug
        recorded = moment % self._parts == 0 and not plug.pairing.needed
        for outlet in plug.outlets:
            reading = outlet.measure(up, plug.board.log)
            if outlet.overloaded(up, reading[2]):
                plug.overload(outlet)
            if recorded:
                outlet.record(self._due(moment), reading)
        plug.remember()
        if recorded:
            plug.link.sampled()
