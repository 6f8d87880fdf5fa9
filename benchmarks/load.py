"""The load generator, a process of its own: `python -m benchmarks.load` with one JSON object on standard input.

{"port", "plugs": [[hardware_id, secret], ...], "rate": samples a second in all (0 = as fast as acknowledged),
"seconds", "qos", "subscribe", "steer", "before"} -> one JSON line {"sent", "acknowledged", "seconds", "took": until the
last was acknowledged, "sent_at": {"id/energy_mwh": ns} (only with "trace": true)}.

With "steer", the socket of a benchmarks.steered, the same plugs send "before" seconds at that rate as fast as the hub
takes them, while its clock is moved on with them; then it goes by itself.
"""

import asyncio
import json
import sys
import time

import uvloop

from benchmarks.lockstep import Steer
from benchmarks.mqtt import Plug, connect, dumps

WINDOW = 4000


class PlugTime:
    """The plugs' clock: moved while the hub's is, and then it runs as that does."""

    def __init__(self) -> None:
        self._ahead = time.monotonic()
        self._going = False

    def __call__(self) -> float:
        return self._ahead + time.monotonic() if self._going else self._ahead

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._ahead += seconds

    def go(self) -> None:
        """Run."""
        self._ahead -= time.monotonic()
        self._going = True


async def live_before(steer: Steer, clock: PlugTime, plugs: list[Plug], rate: float, seconds: float) -> int:
    """Send and move on, turn by turn, one sample of each plug in a turn; returns how many that were."""
    step, sent = len(plugs) / rate, 0
    for _ in range(round(seconds / step)):
        for plug in plugs:
            plug.publish()
        sent += len(plugs)
        while sum(plug.acknowledged for plug in plugs) < sent:
            await asyncio.sleep(0.0002)
        await steer.advance(step)
        clock.advance(step)
    for plug in plugs:
        plug.acknowledged = 0
    return sent


async def main() -> None:
    """Connect, say {"connected": n}, wait for a line, load, report."""
    order = json.loads(sys.stdin.readline())
    run, clock = f"{time.time_ns() & 0xFFFFFFFFFFFFFFFF:016x}", PlugTime()
    qos = order["qos"]
    own = [Plug(name, secret, 1 if "steer" in order else qos, run, clock) for name, secret in order["plugs"]]
    plugs = await connect(order.get("host", "127.0.0.1"), order["port"], own, subscribe=order.get("subscribe", False))
    rate, seconds, trace = order["rate"], order["seconds"], order.get("trace", False)
    if "steer" in order:
        async with Steer(order["steer"]) as steer:
            await live_before(steer, clock, plugs, rate, order["before"])
            for plug in plugs:
                plug.qos = qos
            print(dumps({"connected": len(plugs)}), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            await steer.go()
    else:
        print(dumps({"connected": len(plugs)}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    clock.go()
    start, sent, k = time.monotonic(), 0, 0
    sent_at: dict[str, int] = {}
    while (now := time.monotonic()) - start < seconds:
        if rate:
            due = int((now - start) * rate)
            while sent < due:
                plug = plugs[sent % len(plugs)]
                at = time.time_ns()
                plug.publish()
                if trace:
                    sent_at[f"{plug.hardware_id}/{plug.energy}"] = at
                sent += 1
            await asyncio.sleep(max(0.0005, start + (sent + 1) / rate - time.monotonic()))
        else:
            room = WINDOW - (sent - sum(p.acknowledged for p in plugs)) if order["qos"] else 1000
            for _ in range(min(max(room, 0), 1000)):
                plug = plugs[k]
                k = (k + 1) % len(plugs)
                if plug.writable:
                    plug.publish()
                    sent += 1
            await asyncio.sleep(0)
    seconds = time.monotonic() - start
    if order["qos"]:
        deadline = time.monotonic() + 10
        while sum(p.acknowledged for p in plugs) < sent and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
    took = time.monotonic() - start
    print(
        dumps(
            {
                "sent": sent,
                "acknowledged": sum(p.acknowledged for p in plugs),
                "seconds": seconds,
                "took": took,
                "sent_at": sent_at,
            }
        ),
        flush=True,
    )
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for plug in plugs:
        plug.transport.close()


if __name__ == "__main__":
    uvloop.run(main())
