"""Who tries to get in, a process of its own: `python -m benchmarks.guesser` with one JSON object on standard input.

{"http", "mqtt": ports, "email", "hardware_ids": [...], "tries": of each kind, "addresses": [own ones on loopback]}
-> one JSON line {"http": {answer: how often}, "mqtt": {...}, "in": logins that were let in, "seconds"}.
"""

import asyncio
import json
import os
import random
import struct
import sys
import time
from collections import Counter

import aiohttp
import uvloop

AT_ONCE = 16
STRANGER = 8
"""Every so many tries are at an account that there is not: each of them costs the hub a whole bcrypt."""
POLITE = 10  # who measures on the same core goes first
WORDS = ("password", "sunshine", "summer", "welcome", "dragon", "smartplug", "admin", "letmein", "football", "qwerty")


def password(k: int) -> str:
    """Guess number k."""
    return f"{WORDS[k % len(WORDS)]}{k // len(WORDS)}!"


async def over_http(order: dict[str, object], address: str, numbers: range, found: Counter[str]) -> None:
    """Wrong logins, one after another, at the owner's account and at others."""
    url = f"http://127.0.0.1:{order['http']}/api/v1/auth/login"
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        for k in numbers:
            email = order["email"] if k % STRANGER else f"user{k}@home.example"
            try:
                async with session.post(url, json={"email": email, "password": password(k)}) as answer:
                    body = await answer.json(content_type=None)
                    found["in" if answer.status < 300 else str(body["code"])] += 1
            except (aiohttp.ClientError, OSError):
                found["cut off"] += 1


async def over_mqtt(order: dict[str, object], address: str, numbers: range, found: Counter[str]) -> None:
    """Wrong logins as plugs that there are, as ones that there are not, and as other programs."""
    ids: list[str] = order["hardware_ids"]  # type: ignore[assignment]
    for k in numbers:
        name = random.choice(ids) if k % 3 else f"plug-{k}"
        fields = [name.encode(), name.encode(), password(k).encode()]
        body = b"\0\4MQTT\4\xc2\0\x3c" + b"".join(struct.pack(">H", len(field)) + field for field in fields)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", order["mqtt"], local_addr=(address, 0))  # type: ignore[arg-type]
        except OSError:
            found["cut off"] += 1
            continue
        try:
            writer.write(bytes([0x10, len(body)]) + body)
            answer = await asyncio.wait_for(reader.read(4), 10)
            found["cut off" if len(answer) < 4 else "in" if answer[3] == 0 else f"code {answer[3]}"] += 1
        except (OSError, TimeoutError):
            found["cut off"] += 1
        finally:
            writer.transport.abort()


async def main() -> None:
    """Guess, report."""
    os.nice(POLITE)
    order = json.loads(sys.stdin.readline())
    addresses, tries = order["addresses"], order["tries"]
    http: Counter[str] = Counter()
    mqtt: Counter[str] = Counter()
    each, room, begin = tries // len(addresses), asyncio.Semaphore(AT_ONCE), time.monotonic()

    async def one(number: int, address: str) -> None:
        async with room:
            numbers = range(number * each, (number + 1) * each)
            await asyncio.gather(over_http(order, address, numbers, http), over_mqtt(order, address, numbers, mqtt))

    await asyncio.gather(*(one(number, address) for number, address in enumerate(addresses)))
    report = {"http": http, "mqtt": mqtt, "in": http["in"] + mqtt["in"], "seconds": time.monotonic() - begin}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
