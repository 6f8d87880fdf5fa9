"""Three plugs send a week of samples at once, as fast as the hub takes them, while their lines are asked for."""

import asyncio
import time

from benchmarks.processes import cpu_seconds, pin, resident_mb
from benchmarks.returning import Returning
from benchmarks.scenarios import Row, percentile, prepare, row
from hub.testing.process import HubProcess

PLUGS = 3
WEEK_S = 7 * 86_400
QUESTION_S = 2.0
SETTLED_S = 20.0  # until what was freed is given back


class Stored(Returning):
    """Holds all of it, and sends as much in a message as a hub accepts."""

    away = ring = WEEK_S
    batch, pace = 600, 0.0


class Short(Stored):
    """A day of it."""

    away = ring = 86_400


class Asking:
    """Somebody looks at the line of a week while it comes in."""

    def __init__(self, hub: HubProcess, device: str) -> None:
        self._hub = hub
        self._device = device
        self.waits: list[float] = []  # ms of other requests
        self.most = 0.0  # MB resident

    async def line(self) -> float:
        """CPU ms of the hub while it answers."""
        now, used = int(time.time() * 1000), cpu_seconds(self._hub.pid)
        span = {"from": now - WEEK_S * 1000, "to": now, "bucket": "raw"}
        await self._hub.call("GET", "/telemetry", None, device=self._device, **span)
        return (cpu_seconds(self._hub.pid) - used) * 1000

    async def again_and_again(self) -> None:
        """Until cancelled."""
        while True:
            await self.line()
            await asyncio.sleep(QUESTION_S)

    async def beside(self) -> None:
        """Other requests, until cancelled."""
        while True:
            begin = time.perf_counter()
            await self._hub.call("GET", "/system/info")
            self.waits.append((time.perf_counter() - begin) * 1000)
            self.most = max(self.most, resident_mb(self._hub.pid))
            await asyncio.sleep(0.05)


async def week_at_once(quick: bool) -> list[Row]:
    """What it costs, what the line costs just then, and what is left of it in memory."""
    hub, kind = HubProcess(), Short if quick else Stored
    try:
        logins = await prepare(hub, PLUGS)
        pin(0, {1})
        loop, plugs = asyncio.get_running_loop(), []
        for k, login in enumerate(logins):
            plug = kind(*login, f"{k:016x}")
            await loop.create_connection(lambda plug=plug: plug, "127.0.0.1", hub.mqtt_port)  # type: ignore[misc]
            if await plug.ready:
                raise ConnectionError(f"{plug.hardware_id} was refused")
            plugs.append(plug)
        asking = Asking(hub, (await hub.call("GET", "/devices"))["items"][0]["id"])
        before, used, begin = resident_mb(hub.pid), cpu_seconds(hub.pid), time.monotonic()
        living = [asyncio.create_task(plug.live()) for plug in plugs]
        asked = [asyncio.create_task(work()) for work in (asking.again_and_again, asking.beside)]
        async with asyncio.TaskGroup() as group:
            for plug in plugs:
                group.create_task(plug.replay(0))
        samples, took, used = PLUGS * kind.ring, time.monotonic() - begin, cpu_seconds(hub.pid) - used
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        first, again = await asking.line(), sum([await asking.line() for _ in range(20)]) / 20
        await asyncio.sleep(SETTLED_S)
        after = resident_mb(hub.pid)
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        for plug in plugs:
            plug.transport.close()
        name = f"{samples:,} samples at once"
        return [
            row(f"{name}: until all is sent", took, "s"),
            row(f"{name}: CPU a sample, lines meanwhile inside", used / samples * 1e6, "µs"),
            row(f"{name}: other requests meanwhile, p99", percentile(asking.waits, 0.99), "ms"),
            row(f"{name}: line of a week just then, CPU", first, "ms", at_most=500),
            row(f"{name}: line of a week again, mean CPU", again, "ms", at_most=50),
            row(f"{name}: resident before", before, "MB"),
            row(f"{name}: resident, most", asking.most, "MB"),
            row(f"{name}: resident after", after, "MB"),
        ]
    finally:
        await hub.close()
