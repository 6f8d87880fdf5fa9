"""Charts: from real chunks in the store to JSON, with what is unknown as null, and gaps beside them."""

from typing import Any

import numpy as np

from hub.history.gaps import GapRecord
from hub.plugins.contract import Merge, RawColumns, RollupColumns, SeriesKey
from hub.sample import Sample
from tests.api.house import House

MINUTE = 60_000


def buckets(start: int, width: int, count: int, **columns: Any) -> RollupColumns:
    """Buckets in a row; 60 W unless given."""
    zeros, ones = np.zeros(count), np.ones(count)
    fields: dict[str, Any] = {
        "mean_power": ones * 60,
        "min_power": ones * 59,
        "max_power": ones * 61,
        "mean_voltage": ones * 230,
        "mean_current": ones * 0.26,
        "import_mwh": ones * 60 * width / 3600,
        "export_mwh": zeros,
        "estimated_mwh": zeros,
        "on_ms": np.full(count, width),
        "covered_ms": np.full(count, width),
        "count": np.full(count, width // 1000),
    }
    return RollupColumns(start=start + np.arange(count) * width, **(fields | columns))


def samples(at: list[int], power: list[float]) -> RawColumns:
    """One stream."""
    count = len(at)
    none = np.full(count, -1)
    return RawColumns(
        run="a" * 16,
        seq=np.arange(count),
        up=np.arange(count) * 1000,
        at=np.array(at),
        voltage=np.full(count, 230.0),
        current=np.full(count, 0.5),
        power=np.array(power),
        energy_mwh=none,
        export_mwh=none,
        relay=np.full(count, -1, np.int8),
        apparent=np.zeros(count, np.int8),
    )


async def get(house: House, path: str, **query: Any) -> Any:
    headers = await house.headers("user")
    async with house.http.get(f"/api/v1{path}", params=query, headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_a_day_in_quarters_sums_up(house: House) -> None:
    plug = await house.plug()
    end = house.clock.now() // 900_000 * 900_000
    start = end - 96 * 900_000
    estimated = np.zeros(96)
    estimated[3] = 100.0
    energies = np.full(96, 15_000.0)
    energies[5] = np.nan
    day = buckets(start, 900_000, 96, import_mwh=energies, estimated_mwh=estimated)
    house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", day)]))
    answer = await get(house, "/telemetry", device=plug.id, **{"from": start, "to": end, "bucket": "15m"})
    (series,) = answer["series"]
    assert (series["device"], series["channel"], series["source"], series["bucket_ms"]) == (plug.id, 0, "15m", 900_000)
    assert series["at"] == [start + n * 900_000 for n in range(96)]
    assert series["mean"] == [60.0] * 96
    assert (series["energy_kwh"][0], series["energy_kwh"][5]) == (0.015, None)
    assert series["estimated"] == [n == 3 for n in range(96)]
    assert series["estimated_part_kwh"] == [0.0001 if n == 3 else 0.0 for n in range(96)], "not the whole quarter"
    assert series["total_kwh"] == 95 * 0.015
    assert series["estimated_kwh"] == 0.0001
    assert (answer["start"], answer["end"], answer["gaps"]) == (start, end, [])
    assert series["filled"] == []


async def test_minutes_where_samples_are_missing_are_marked(house: House) -> None:
    plug = await house.plug()
    end = house.clock.now() // 60_000 * 60_000
    start = end - 30 * 60_000
    house.store.merge(Merge([], [(SeriesKey(plug.id), "1m", buckets(start, 60_000, 30))]))
    answer = await get(house, "/telemetry", device=plug.id, **{"from": start, "to": end})
    (series,) = answer["series"]
    assert series["source"] == "raw"
    assert series["filled"] == [{"start": start, "end": end, "bucket_ms": 60_000}]
    assert series["at"] == [start + n * 60_000 for n in range(30)]
    assert series["mean"] == [60.0] * 30


async def test_hours_are_those_of_the_homes_zone(house: House) -> None:
    plug = await house.plug()
    house.people.homes.first.time_zone = "Asia/Kolkata"  # half an hour off every full UTC hour
    hour = house.clock.now() // 3_600_000 * 3_600_000
    start = hour - 4 * 3_600_000 + 1_800_000
    house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", buckets(start, 900_000, 8))]))
    query = {"from": start, "to": start + 7_200_000, "bucket": "1h"}
    (series,) = (await get(house, "/telemetry", device=plug.id, **query))["series"]
    assert series["at"] == [start, start + 3_600_000]


async def test_raw_samples_of_two_outlets_in_the_order_asked_for(house: House) -> None:
    plug = await house.plug(channels=2)
    now = house.clock.now()
    at = [now - 3000, now - 2000, now - 1000]
    for channel in (0, 1):
        raw = samples(at, [1.0 + channel, np.nan, 3.0004])
        house.store.merge(Merge([(SeriesKey(plug.id, channel), raw)], []))
    query = [("device", f"{plug.id}:1"), ("device", plug.id), ("from", str(now - 5000)), ("to", str(now))]
    headers = await house.headers("user")
    async with house.http.get("/api/v1/telemetry", params=query, headers=headers) as response:
        answer = await response.json()
    assert [series["channel"] for series in answer["series"]] == [1, 0]
    first = answer["series"][0]
    assert (first["source"], first["bucket_ms"]) == ("raw", 0)
    assert first["at"] == [at[0], at[2]]
    assert first["mean"] == first["min"] == first["max"] == [2.0, 3.0]
    assert first["energy_kwh"] == [None, None]


async def test_the_last_ten_minutes(house: House) -> None:
    plug = await house.plug()
    now = house.clock.now()
    house.sample(plug, 10.25, at=now - 2000)
    house.live.heard(plug.id, now - 1000, Sample(voltage=230.0))
    series = await get(house, "/telemetry/live", device=plug.id)
    assert (series["source"], series["at"]) == ("raw", [now - 2000, now - 1000])
    assert series["mean"] == series["max"] == [10.25, None]
    assert series["total_kwh"] is None
    assert (await get(house, "/telemetry/live", device=(await house.plug("plug-2")).id))["at"] == []


async def test_gaps_have_cause_and_energy(house: House) -> None:
    plug = await house.plug()
    now = house.clock.now()
    house.history.known_gaps = [
        GapRecord(plug.id, 0, now - 1000, None, "offline", None),
        GapRecord(plug.id, 0, now - 9000, now - 8000, "power_lost", 1234.5),
        GapRecord(plug.id, 0, now - 99_000, now - 98_000, "hub_down", None),
    ]
    query = {"from": now - 50_000, "to": now}
    items = (await get(house, "/gaps", device=plug.id, **query))["items"]
    assert [(gap["cause"], gap["energy_kwh"], gap["estimated"]) for gap in items] == [
        ("power_lost", 0.0012345, True),
        ("offline", None, False),
    ]
    assert items[1]["end"] is None
    assert (await get(house, "/telemetry", device=plug.id, **query))["gaps"] == items


async def test_a_store_that_cannot_be_read_is_said(house: House, monkeypatch: Any) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("disk gone")

    plug = await house.plug()
    monkeypatch.setattr(house.store, "read", broken)
    now = house.clock.now()
    query = {"device": plug.id, "from": str(now - 5000), "to": str(now)}
    async with house.http.get("/api/v1/telemetry", params=query, headers=await house.headers("user")) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (503, "history-unreadable")
