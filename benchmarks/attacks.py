"""Guessing at every door while a hundred plugs are live: nobody gets in, and the home does not notice."""

import asyncio
import json
import sys
import time

import aiohttp

from benchmarks.processes import Load, pin, resident_mb
from benchmarks.scenarios import Row, percentile, prepare, row
from benchmarks.watcher import Watcher
from hub.testing.process import EMAIL, PASSWORD, HubProcess

TRIES = 10_000
"""Over HTTP, and as many over MQTT: half of them from one address, half from hundreds."""
MANY = [f"127.1.{k // 250}.{k % 250 + 1}" for k in range(500)]
NEW_PLACE = "127.9.9.9"


async def attacks(quick: bool) -> list[Row]:
    """10,000 wrong logins over HTTP and over MQTT, from one address and from many."""
    tries = 1000 if quick else TRIES
    hub = HubProcess()
    try:
        plugs = await prepare(hub, 100)
        names = {d["id"]: d["hardware_id"] for d in (await hub.call("GET", "/devices"))["items"]}
        rows = [row("before: resident", resident_mb(hub.pid), "MB")]
        one = await attack(hub, "from one address", plugs, names, tries // 2, ["127.0.0.66"], NEW_PLACE)
        many = await attack(hub, "from 500 addresses", plugs, names, tries // 2, MANY, "127.0.0.1")
        rows += one + many
        rows.append(row("after: resident", resident_mb(hub.pid), "MB", at_most=250))
        lines, cursor = 0, None
        while True:
            asked = {"refused": "true", "limit": "500"} | ({"cursor": cursor} if cursor else {})
            page = await hub.call("GET", "/audit", **asked)
            lines, cursor = lines + len(page["items"]), page.get("next")
            if not cursor:
                break
        rows.append(row("lines of refusals in the audit log", lines, "", at_most=tries / 5))
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
    watcher = Watcher(hub)
    watching = asyncio.create_task(watcher.watch(names))
    await watcher.ready()
    guesser = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.guesser",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    pin(guesser.pid, {1})
    order = {"http": hub.http_port, "mqtt": hub.mqtt_port, "email": EMAIL, "tries": tries, "addresses": addresses}
    order["hardware_ids"] = [name for name, _ in plugs]
    assert guesser.stdin is not None
    guesser.stdin.write(json.dumps(order).encode() + b"\n")
    guessing = asyncio.create_task(guesser.communicate())
    signed_in = asyncio.create_task(sign_in(hub, owner))
    delays: list[float] = []
    most = 0.0
    while not guessing.done():
        load = Load(host="127.0.0.1", port=hub.mqtt_port, plugs=plugs, rate=100, seconds=5, qos=0, trace=True)
        await load.connect()
        report = await load.run()
        await asyncio.sleep(0.5)
        await load.end()
        delays += [(watcher.seen[k] - at) / 1e6 for k, at in report["sent_at"].items() if k in watcher.seen]
        most = max(most, resident_mb(hub.pid))
    found = json.loads((await guessing)[0])
    took = await signed_in
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return [
        row(f"{what}: wrong logins over HTTP", sum(found["http"].values()), ""),
        row(f"{what}: wrong logins over MQTT", sum(found["mqtt"].values()), ""),
        row(f"{what}: answers", json.dumps({"http": found["http"], "mqtt": found["mqtt"]}), ""),
        row(f"{what}: let in", found["in"], "", at_most=0),
        row(f"{what}: wrong logins a second", tries * 2 / found["seconds"], "/s"),
        row(f"{what}: publish to WebSocket, p50", percentile(delays, 0.5), "ms"),
        row(f"{what}: publish to WebSocket, p99", percentile(delays, 0.99), "ms", at_most=100),
        row(f"{what}: most resident", most, "MB", at_most=250),
        row(f"{what}: until the owner is in", took, "s", at_most=60),
    ]


async def sign_in(hub: HubProcess, address: str) -> float:
    """Seconds until the right password from there is taken, begun when the guessing is under way."""
    await asyncio.sleep(3)
    begin = time.monotonic()
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        while True:
            body = {"email": EMAIL, "password": PASSWORD}
            async with session.post(f"{hub.url}/auth/login", json=body) as answer:
                if answer.status == 200:
                    return time.monotonic() - begin
            if time.monotonic() - begin > 300:
                return 300.0
            await asyncio.sleep(1)
