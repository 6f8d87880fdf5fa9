"""Guessing at every door while a hundred plugs are live: nobody gets in, and the home does not notice."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator

import aiohttp

from benchmarks.processes import Load, pin, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from benchmarks.watcher import Watcher
from hub.testing.process import EMAIL, PASSWORD, HubProcess

TRIES = 10_000
"""Over HTTP, and as many over MQTT: half of them from one address, half from hundreds."""
MANY = [f"127.1.{k // 250}.{k % 250 + 1}" for k in range(500)]
NEW_PLACE = "127.9.9.9"
CONFIGURATION = "network:\n  mdns: false\n"  # with the limits that every hub has
ROUND_S = 10
OWNER_GIVES_UP_S = 300
STOP_S = 180


async def attacks(quick: bool) -> list[Row]:
    """10,000 wrong logins over HTTP and over MQTT, from one address and from many."""
    tries = 1000 if quick else TRIES
    hub = HubProcess(CONFIGURATION)
    try:
        plugs = await prepare(hub, 100)
        names = {d["id"]: d["hardware_id"] for d in (await hub.call("GET", "/devices"))["items"]}
        async with watched(hub, names) as watcher:
            quiet, resident = await live_round(hub, plugs, watcher)
        rows = [
            row("before: publish to WebSocket, p99", percentile(quiet, 0.99), "ms"),
            row("before: resident", resident, "MB"),
        ]
        rows += await attack(hub, "from one address", plugs, names, tries // 2, ["127.0.0.66"], NEW_PLACE)
        rows += await attack(hub, "from 500 addresses", plugs, names, tries // 2, MANY, "127.0.0.1")
        rows.append(row("after: resident", resident_mb(hub.pid), "MB", at_most=250))
        rows.append(row("lines of refusals in the audit log", await refusals(hub), "", at_most=tries / 5))
        return rows
    finally:
        await hub.close()


async def attack(
    hub: HubProcess,
    what: str,
    plugs: list[tuple[str, str]],
    names: dict[str, str],
    tries: int,
    addresses: list[str],
    owner: str,
) -> list[Row]:
    """One attack; meanwhile plugs send, a page is open, and the owner signs in from `owner`."""
    order = {"http": hub.http_port, "mqtt": hub.mqtt_port, "email": EMAIL, "tries": tries, "addresses": addresses}
    order["hardware_ids"] = [name for name, _ in plugs]
    guesser = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.guesser", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    pin(guesser.pid, {1})
    async with watched(hub, names) as watcher:
        guessing = asyncio.create_task(guesser.communicate(json.dumps(order).encode() + b"\n"))
        signed_in = asyncio.create_task(sign_in(hub, owner))
        delays: list[float] = []
        most = 0.0
        while not guessing.done():
            found, resident = await live_round(hub, plugs, watcher)
            delays += found
            most = max(most, resident)
        found_out = json.loads((await guessing)[0])
        took = await signed_in
    return [
        row(f"{what}: wrong logins over HTTP", sum(found_out["http"].values()), "", at_least=tries),
        row(f"{what}: wrong logins over MQTT", sum(found_out["mqtt"].values()), "", at_least=tries),
        row(f"{what}: answers", json.dumps({"http": found_out["http"], "mqtt": found_out["mqtt"]}), ""),
        row(f"{what}: let in", found_out["in"], "", at_most=0),
        row(f"{what}: took", found_out["seconds"], "s"),
        row(f"{what}: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
        row(f"{what}: publish to WebSocket, p99", percentile(delays, 0.99), "ms", at_most=100),
        row(f"{what}: most resident", most, "MB", at_most=250),
        row(f"{what}: until the owner is in", took, "s", at_most=60),
    ]


@contextlib.asynccontextmanager
async def watched(hub: HubProcess, names: dict[str, str]) -> AsyncIterator[Watcher]:
    """A page that is open."""
    watcher = Watcher(hub)
    watching = asyncio.create_task(watcher.watch(names))
    try:
        await watcher.ready()
        yield watcher
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def live_round(hub: HubProcess, plugs: list[tuple[str, str]], watcher: Watcher) -> tuple[list[float], float]:
    """100 samples/s for a while; ms from publish to page of each that arrived, and the hub's resident MB at the end."""
    load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=100, seconds=ROUND_S, qos=0, trace=True)
    await load.connect()
    watcher.seen.clear()  # the plugs of a new round count from the beginning
    report = await load.run()
    await asyncio.sleep(0.5)
    await load.end()
    sent: dict[str, int] = report["sent_at"]
    lost = sum(sample not in watcher.seen for sample in sent)
    if lost:
        raise RuntimeError(f"{lost} of {len(sent)} live samples did not reach the page")
    return [(watcher.seen[sample] - at) / 1e6 for sample, at in sent.items()], resident_mb(hub.pid)


async def sign_in(hub: HubProcess, address: str) -> float:
    """Seconds until the right password from there is taken, begun when the guessing is under way."""
    await asyncio.sleep(3)
    begin = time.monotonic()
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        while time.monotonic() - begin < OWNER_GIVES_UP_S:
            body = {"email": EMAIL, "password": PASSWORD}
            async with session.post(f"{hub.url}/auth/login", json=body) as answer:
                if answer.status == 200:
                    break
            await asyncio.sleep(1)
    return time.monotonic() - begin


async def refusals(hub: HubProcess) -> int:
    """How many lines say that somebody was refused; the hub writes the last of them when it stops."""
    await hub.stop(within=STOP_S)
    await hub.start()
    await hub.log_in()
    lines, cursor = 0, None
    while True:
        page = await hub.call(
            "GET", "/audit", None, refused="true", limit="500", **({"cursor": cursor} if cursor else {})
        )
        lines, cursor = lines + len(page["items"]), page.get("next")
        if not cursor:
            return lines
