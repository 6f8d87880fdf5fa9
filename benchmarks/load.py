"""The load generator, a process of its own: `python -m benchmarks.load` with one JSON object on standard input.

{"port", "plugs": [[hardware_id, secret], ...], "rate": samples a second in all (0 = as fast as acknowledged),
"seconds", "qos", "subscribe"} -> one JSON line {"sent", "acknowledged", "seconds", "took": until the last was
acknowledged, "sent_at": {"id/energy_mwh": ns} (only with "trace": true)}.
"""

import asyncio
import json
import sys
import time

import uvloop

from benchmarks.mqtt import connect, dumps

WINDOW = 4000


async def main() -> None:
    """Connect, say {"connected": n}, wait for a line, load, report."""
    order = json.loads(sys.stdin.readline())
    plugs = await connect(
        order.get("host", "127.0.0.1"),
        order["port"],
        [tuple(p) for p in order["plugs"]],
        order["qos"],
        order.get("subscribe", False),
    )
    print(dumps({"connected": len(plugs)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    rate, seconds, trace = order["rate"], order["seconds"], order.get("trace", False)
    start, sent, k = time.monotonic(), 0, 0
    sent_at: dict[str, int] = {}
    while (now := time.monotonic()) - start < seconds:
        if rate:
            due = int((now - start) * rate)
            while sent < due:
                plug = plugs[sent % len(plugs)]
                if trace:
                    sent_at[f"{plug.hardware_id}/{plug.energy + 57}"] = time.time_ns()
                plug.publish()
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
