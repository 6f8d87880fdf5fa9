"""Broken streams and payloads: the kept ones, and a bounded number drawn anew. `benchmarks/fuzz.py` is the long run."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.mutations import BODIES, Mutations, seeds
from hub.plugins import Batch, Minutes, PayloadError, Sample, Status
from hub.telemetry.ingest import refusal
from integrations.devices.smartplug.driver import SmartplugDriver
from tests.broker.parts import PASSWORD
from tests.broker_conformance.sides import Side

CORPUS = Path(__file__).parent / "corpus"
LIVING = "smartplug/plug-2/telemetry"


def kept(name: str) -> list[list[str]]:
    """The fields of the lines of a corpus file."""
    lines = (CORPUS / f"{name}.txt").read_text().splitlines()
    return [fields for line in lines if (fields := line.partition("#")[0].split())]


async def throw_all(hub: Side, streams: list[bytes], login: str) -> None:
    """Each on a connection of its own, beside a plug that lives on and a client that hears it."""
    living = await hub.plug("plug-2")
    watcher = await hub.login()
    await watcher.subscribe((LIVING, 1))
    for stream in streams:
        if login == "plug":
            client = await hub.plug()
        else:
            client = await (hub.login("fuzz", clean=False) if login == "client" else hub.open())
        client.send(stream)
        await watcher.ping()  # the hub has been round its sockets since
        await hub.all_read()
        client.abort()
    await living.publish(LIVING, b"living", 1)
    assert (await watcher.message()).payload == b"living"
    await living.disconnect()
    await hub.settled(connections=1)


async def test_kept_streams_after_a_clients_login(hub: Side) -> None:
    await throw_all(hub, [bytes.fromhex(data) for (data,) in kept("after-login")], "client")


async def test_kept_streams_after_a_plugs_login(hub: Side, reading: str) -> None:
    await throw_all(hub, [bytes.fromhex(data) for (data,) in kept("after-login")], "plug")


async def test_kept_first_packets(hub: Side) -> None:
    await throw_all(hub, [bytes.fromhex(data) for (data,) in kept("first")], "nobody")


GOOD = seeds("plug-1", PASSWORD.decode())


def drawn(seed: int) -> list[bytes]:
    """What is sent after a login."""
    draw = Mutations(seed)
    return [b"".join(draw.mqtt(GOOD) for _ in range(draw.random.choice((1, 2, 8)))) for _ in range(400)]


async def test_drawn_streams_after_a_clients_login(hub: Side) -> None:
    await throw_all(hub, drawn(6), "client")


async def test_drawn_streams_after_a_plugs_login(hub: Side, reading: str) -> None:
    await throw_all(hub, drawn(4), "plug")


async def test_drawn_first_packets(hub: Side) -> None:
    draw = Mutations(6)
    await throw_all(hub, [draw.mqtt(GOOD[:2]) for _ in range(400)], "nobody")


def judge(driver: SmartplugDriver, suffix: str, payload: bytes) -> None:
    """Refused, or something that the hub can write down again."""
    try:
        decoded = driver.decode(suffix, payload)
    except PayloadError as error:
        assert error.place is None or msgspec.json.encode(error.place)
        assert error.detail.encode() is not None
        return
    assert isinstance(decoded, Sample | Batch | Minutes | Status) or (not payload and decoded is None)
    assert msgspec.json.encode(decoded)
    for sample in decoded.samples if isinstance(decoded, Batch) else [decoded] if isinstance(decoded, Sample) else []:
        assert refusal(sample) is None or isinstance(refusal(sample), str)


def test_kept_payloads() -> None:
    driver = SmartplugDriver()
    for suffix, payload in kept("payloads"):
        judge(driver, suffix, bytes.fromhex(payload))


@pytest.mark.parametrize("suffix", list(BODIES))
def test_drawn_payloads(suffix: str) -> None:
    driver, draw = SmartplugDriver(), Mutations(len(suffix))
    for _ in range(3000):
        judge(driver, suffix, draw.json(suffix))
