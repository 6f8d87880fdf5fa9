"""The hub's clock steps while a plug sends: nothing is lost or double, and every sample has the date of its moment.

The hub is a process of its own whose clock stands and is moved; a wrong clock is `wrong_by` ms beside the true time.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks.lockstep import Reading, Steer, SteeredHub, Told, Turnstile
from benchmarks.mqtt import connect
from hub.plugins.contract import NONE, RawColumns, SeriesKey
from integrations.storage.sqlite.store import SqliteStore

NOW = 1_700_006_400_000
HOUR = 3_600_000
DAY = 24 * HOUR
RUN = "00000000000000ab"
MWH = 64  # a second
AHEAD = "history-dated-ahead"


class Stage:
    """A hub, a plug, and what the plug has measured: its true moments by seq."""

    def __init__(self, hub: SteeredHub) -> None:
        self.hub = hub
        self.true = NOW
        self.wrong_by = 0
        self.moments: list[int] = []
        self.device = self._secret = ""

    async def begin(self, wrong_by: int = 0, sure: str = "synchronised") -> "Stage":
        """Start the hub for the first time, that wrong, and add the plug."""
        self.wrong_by = wrong_by
        self.hub.set_clock(NOW + wrong_by, sure)
        await self.hub.start()
        await self.hub.set_up()
        self.device, self._secret = await self.hub.add_plug("stage-plug")
        await self.connect()
        return self

    async def again(self, wrong_by: int, sure: str, *, down: int = 0) -> None:
        """Start the hub again after `down` seconds in which the plug went on."""
        self.steer_end()
        for _ in range(down):
            self._measure()
        self.wrong_by = wrong_by
        self.hub.set_clock(self.true + wrong_by, sure)
        await self.hub.start()
        await self.connect()

    async def connect(self) -> None:
        """The plug, and who moves the clock."""
        self.turnstile = Turnstile()
        plug = Told("stage-plug", self._secret, RUN, self.turnstile)
        (self.plug,) = await connect("127.0.0.1", self.hub.mqtt_port, [plug], subscribe=True)
        self.steer = await Steer(self.hub.steer).__aenter__()

    def steer_end(self) -> None:
        """Let go of a hub that is no more."""
        self.steer._writer.close()
        self.plug.transport.close()

    async def play(self, seconds: int) -> None:
        """A live sample each second."""
        for _ in range(seconds):
            seq = self._measure()
            self.plug.measured(reading(seq), seq, seq * 1000)
            await self.turnstile.passed()
            await self.steer.advance(1)

    async def replay(self, first: int, last: int) -> None:
        """Send these samples (both included) again, or late."""
        seqs = range(first, last + 1)
        body: dict[str, Any] = {"run": RUN, "seq": first, "oldest": 0, "up": first * 1000, "dt": 1000}
        body |= {"voltage": [230.0] * len(seqs), "current": [1.0] * len(seqs), "power": [230.0] * len(seqs)}
        body |= {"energy_mwh": [seq * MWH for seq in seqs], "relay_state": [True] * len(seqs)}
        self.turnstile.sent()
        self.plug.tell("telemetry/batch", msgspec.json.encode(body))
        await self.turnstile.passed()

    async def step(self, ms: int) -> None:
        """The hub's wall clock jumps."""
        self.wrong_by += ms
        await self.steer.step(ms)

    async def problems(self) -> list[str]:
        """What the admin is told."""
        await self.hub.log_in()
        return [problem["id"] for problem in (await self.hub.call("GET", "/system/problems"))["items"]]

    async def dates(self, start: int, end: int) -> list[int]:
        """What a chart of this range (Unix ms) shows of raw samples."""
        await self.hub.log_in()
        asked = {"device": self.device, "from": start, "to": end, "points": 1000}
        (series,) = (await self.hub.call("GET", "/telemetry", **asked))["series"]
        assert series["source"] == "raw"
        return list(series["at"])

    async def end(self, *, dated: bool = True) -> RawColumns:
        """Stop the hub; everything that was measured is there once, in order, with the energy of the counter."""
        self.steer_end()
        assert await self.hub.stop() == 0
        store, series = SqliteStore(self.hub.data / "history.sqlite"), SeriesKey(self.device)
        store.open()
        columns = store.read_stream(series, RUN, 0, 1 << 60)
        for tier in ("1m", "15m"):
            steps = store.rollup(series, tier, 0, 1 << 60).import_mwh
            assert (steps >= 0).all()
            assert not dated or steps.sum() == pytest.approx(
                (len(self.moments) - 1) * MWH, abs=1
            )  # a step over a day is rounded
        store.close()
        assert columns is not None
        assert columns.seq.tolist() == list(range(len(self.moments)))
        assert columns.energy_mwh.tolist() == [seq * MWH for seq in range(len(self.moments))]
        return columns

    def _measure(self) -> int:
        self.moments.append(self.true)
        self.true += 1000
        return len(self.moments) - 1


def reading(seq: int) -> Reading:
    return Reading(230.0, 1.0, 230.0, seq * MWH)


@pytest.fixture
async def hub() -> AsyncIterator[SteeredHub]:
    hub = SteeredHub(NOW)
    yield hub
    await hub.close()


@pytest.fixture
def stage(hub: SteeredHub) -> Stage:
    return Stage(hub)


def wrong(columns: RawColumns, stage: Stage) -> list[int]:
    """By how many ms each sample is dated beside its true moment."""
    return [int(by) for by in columns.at - np.array(stage.moments)]


async def test_an_hour_ahead_and_set_back(stage: Stage) -> None:
    await stage.begin(wrong_by=HOUR)
    await stage.play(150)
    assert await stage.problems() == []
    await stage.step(-HOUR)
    stepped = stage.true
    await stage.play(1)
    assert await stage.dates(stepped - HOUR // 2, stage.true + HOUR // 2) == [stepped]
    assert await stage.problems() == [AHEAD]
    await stage.replay(100, 150)
    await stage.play(100)
    assert await stage.dates(stepped, stage.true) == list(range(stepped, stage.true, 1000))
    await stage.steer.advance(HOUR / 1000)
    assert await stage.problems() == []
    assert wrong(await stage.end(), stage) == [HOUR] * 150 + [0] * 101


@pytest.mark.parametrize("merged", [False, True])
async def test_a_kill_within_the_minute_after_a_step(stage: Stage, merged: bool) -> None:
    await stage.begin(wrong_by=HOUR)
    await stage.play(100)
    await stage.step(-HOUR)
    await stage.play(5)
    if merged:
        await stage.steer.merge()
    await stage.hub.kill()
    await stage.again(0, "synchronised", down=60)
    await stage.replay(0, 164)
    await stage.play(30)
    assert wrong(await stage.end(), stage) == [HOUR] * 100 + [0] * 95


async def test_a_day_behind_and_set_right(stage: Stage) -> None:
    await stage.begin()
    await stage.play(70)
    await stage.hub.kill()
    await stage.again(-DAY, "doubted", down=30)
    held = stage.plug.durable
    await stage.replay(held + 1, 99)
    await stage.play(100)
    assert stage.plug.durable >= 150, "what is not dated is acknowledged all the same"
    await stage.step(DAY)
    await stage.steer.synchronise()
    await stage.play(100)
    assert await stage.dates(NOW, stage.true) == stage.moments
    assert wrong(await stage.end(), stage) == [0] * 300


async def test_a_day_behind_and_sure_of_it(stage: Stage) -> None:
    """A first start with a wrong clock that is trusted: nothing can tell."""
    await stage.begin(wrong_by=-DAY, sure="trusted")
    await stage.play(90)
    await stage.step(DAY)
    stepped = stage.true
    await stage.play(5)
    assert await stage.dates(stepped, stage.true) == list(range(stepped, stage.true, 1000))
    await stage.play(100)
    assert await stage.problems() == []
    assert wrong(await stage.end(), stage) == [-DAY] * 90 + [0] * 105


async def test_no_time_at_all(stage: Stage) -> None:
    await stage.begin(wrong_by=-DAY, sure="doubted")
    await stage.play(100)
    assert stage.plug.durable >= 50
    await stage.hub.kill()
    await stage.again(-DAY, "doubted")
    held = stage.plug.durable
    await stage.replay(0, 99)
    await stage.play(100)
    assert stage.plug.durable > held
    assert await stage.dates(stage.true - DAY - HOUR, stage.true - DAY) == []
    await stage.steer.advance(300)
    assert await stage.problems() == ["clock-uncertain"]
    columns = await stage.end(dated=False)
    assert set(columns.at.tolist()) == {NONE}


async def test_no_time_at_first(stage: Stage) -> None:
    await stage.begin(wrong_by=-DAY, sure="doubted")
    await stage.play(100)
    await stage.hub.kill()
    await stage.again(-DAY, "doubted")
    await stage.replay(0, 99)
    await stage.play(100)
    await stage.step(DAY)
    await stage.steer.synchronise()
    await stage.play(2)
    assert await stage.dates(NOW, stage.true) == stage.moments
    assert wrong(await stage.end(), stage) == [0] * 202


@pytest.mark.parametrize("ms", [-5000, -1500, 1500, 5000])
async def test_small_steps(stage: Stage, ms: int) -> None:
    await stage.begin(wrong_by=-ms)
    await stage.play(90)
    await stage.step(ms)
    await stage.play(90)
    assert await stage.problems() == []
    assert wrong(await stage.end(), stage) == [-ms] * 90 + [0] * 90


async def test_set_back_with_nobody_who_speaks_for_it(stage: Stage) -> None:
    """The hub cannot know whether the step was right: an admin can."""
    await stage.begin(wrong_by=HOUR, sure="trusted")
    await stage.play(130)
    await stage.step(-HOUR)
    stepped = stage.true
    await stage.play(100)
    await stage.hub.log_in()
    await stage.hub.call("POST", "/system/time/confirm")
    await stage.play(2)
    assert await stage.dates(stepped, stage.true) == list(range(stepped, stage.true, 1000))
    assert await stage.problems() == [AHEAD]
    assert wrong(await stage.end(), stage) == [HOUR] * 130 + [0] * 102
