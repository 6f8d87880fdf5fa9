"""The hub whose clock benchmarks move: what they count is what it did."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.lockstep import Reading, Steer, SteeredHub, Told, Turnstile
from benchmarks.mqtt import connect
from hub.plugins.contract import SeriesKey
from integrations.storage.sqlite.store import SqliteStore

HOUR = 1_700_006_400_000
SECONDS = 150
RUN = "00000000000000ab"


@pytest.fixture
async def hub() -> AsyncIterator[SteeredHub]:
    hub = SteeredHub(HOUR)
    await hub.start()
    await hub.set_up()
    yield hub
    await hub.close()


async def test_every_sample_is_taken_in_its_second_and_counted_once(hub: SteeredHub) -> None:
    device, secret = await hub.add_plug("bench-plug")
    turnstile = Turnstile()
    (plug,) = await connect("127.0.0.1", hub.mqtt_port, [Told("bench-plug", secret, RUN, turnstile)], subscribe=True)
    async with Steer(hub.steer) as steer:
        for second in range(SECONDS):
            plug.measured(Reading(230.0, 1.0, 230.0, second * 64, second < 100), second, second * 1000)
            await turnstile.passed()
            counts = await steer.advance(1)
        assert counts.now == HOUR + SECONDS * 1000
        assert counts.commits >= 2
        assert 0 < counts.committed < SECONDS
        assert counts.merges == 0
        counts = await steer.merge()
        assert (counts.merges, counts.merged, counts.committed) == (1, SECONDS, SECONDS)
        assert counts.merge_cpu > 0
        going = await steer.go()
        assert (await steer.counts()).now >= going.now >= HOUR + SECONDS * 1000
    assert plug.durable >= 100
    plug.transport.close()
    assert await hub.stop() == 0
    store = SqliteStore(hub.data / "history.sqlite")
    store.open()
    columns = store.read_stream(SeriesKey(device), RUN, 0, 1 << 60)
    store.close()
    assert columns is not None
    assert columns.at.tolist() == [HOUR + second * 1000 for second in range(SECONDS)]
    assert columns.relay.tolist() == [int(second < 100) for second in range(SECONDS)]
