"""The CSV file: what stands in it, that it adds up, that nobody gets what is not theirs, that leaving is harmless."""

import asyncio
import csv
import gzip
import io
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from hub.api.rest.export import STALLED_SECONDS
from hub.api.table import cell
from hub.client import ApiError, HubClient, HubUnreachable
from hub.history.gaps import GapRecord
from hub.plugins.columns import select_raw
from hub.plugins.contract import NONE, Merge, SeriesKey
from hub.testing.traces import trace
from integrations.storage.sqlite.store import SqliteStore
from tests.api.house import House
from tests.api.test_telemetry import buckets

HOUR, DAY, QUARTER = 3_600_000, 86_400_000, 900_000


def url(house: House) -> str:
    return f"http://127.0.0.1:{house.server.port}"


async def export(house: House, **query: Any) -> list[dict[str, str]]:
    headers = await house.headers("user")
    async with house.http.get("/api/v1/telemetry/export", params=query, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/csv"
        text = await response.text()
    assert text.count("\r\n") == text.count("\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_a_week_of_quarters_over_the_change_of_the_clock(house: House) -> None:
    plug = await house.plug()
    house.people.homes.first.time_zone = "Europe/Berlin"
    start = int(datetime(2026, 10, 23, 22, tzinfo=UTC).timestamp() * 1000)
    energies = np.round(np.random.default_rng(1).gamma(1, 9000, 7 * 96), 3)
    energies[9], estimated = np.nan, np.zeros(7 * 96)
    estimated[20] = energies[20]
    week = buckets(start, QUARTER, 7 * 96, import_mwh=energies, estimated_mwh=estimated)
    house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", week)]))
    house.history.known_gaps = [GapRecord(plug.id, 0, start + 5 * HOUR + 1, start + 6 * HOUR, "offline", 7.0)]
    rows = await export(house, device=plug.id, **{"from": start, "to": start + 7 * DAY, "bucket": "15m"})
    values = [row for row in rows if not row["note"].startswith("gap")]
    assert len(values) == 7 * 96
    assert rows[0]["time_utc"] == "2026-10-23T22:00:00Z"
    assert rows[0]["time_local"] == "2026-10-24T00:00:00+02:00"
    assert values[-1]["time_local"].endswith("+01:00")
    assert (rows[0]["power_mean_W"], rows[0]["power_max_W"], rows[0]["measured_s"]) == ("60.0", "61.0", "900.0")
    assert values[9]["import_kWh"] == ""
    assert values[20]["note"] == "estimated"
    (gap,) = (row for row in rows if row["note"].startswith("gap"))
    assert gap["note"] == "gap offline until 2026-10-24T04:00:00Z"
    assert gap["time_utc"] == "2026-10-24T03:00:00.001Z"
    assert not any(gap[name] for name in gap if name.endswith(("_W", "_kWh", "_s")))
    days = await export(house, device=plug.id, **{"from": start, "to": start + 7 * DAY, "bucket": "1d"})
    whole = sum(float(row["import_kWh"] or 0) for row in days)
    assert sum(float(row["import_kWh"] or 0) for row in values) == pytest.approx(whole, abs=1e-9)
    assert whole == pytest.approx(np.nansum(energies) / 1e6, abs=1e-9)


async def test_raw_samples_exactly(house: House) -> None:
    plug = await house.plug()
    end = house.clock.now() // HOUR * HOUR
    samples = trace(5000, start=end - 5000_000)
    samples.power[7] = np.nan
    samples.energy_mwh[8] = NONE
    samples.apparent[9] = 1
    house.store.merge(Merge([(SeriesKey(plug.id), samples)], []))
    rows = await export(house, device=plug.id, **{"from": end - 5000_000, "to": end, "bucket": "raw"})
    assert len(rows) == 5000
    assert [float(row["power_W"]) if row["power_W"] else None for row in rows] == [
        None if np.isnan(value) else value for value in samples.power.tolist()
    ]
    assert [float(row["voltage_V"]) for row in rows] == samples.voltage.tolist()
    times = [datetime.fromisoformat(row["time_utc"]).timestamp() * 1000 for row in rows]
    assert [round(at) for at in times] == samples.at.tolist()
    assert (rows[8]["import_counter_kWh"], rows[9]["note"], rows[9]["relay"]) == ("", "apparent", "1")
    assert float(rows[0]["import_counter_kWh"]) == samples.energy_mwh[0] / 1e6


@pytest.mark.parametrize("bucket", ["raw", "1m"])
async def test_a_gap_that_begins_where_a_page_does_stands_once(house: House, bucket: str) -> None:
    house.people.homes.first.time_zone = "UTC"
    plug = await house.plug()
    end = house.clock.now() // DAY * DAY
    edges = [end - 3 * DAY, end - 2 * DAY, end - 2 * HOUR, end]  # the second ends a page of minutes, each one of hours
    house.history.known_gaps = [GapRecord(plug.id, 0, at, at + 60_000, "offline", None) for at in edges]
    rows = await export(house, device=plug.id, **{"from": end - 3 * DAY, "to": end, "bucket": bucket})
    begun = [datetime.fromisoformat(row["time_utc"]).timestamp() * 1000 for row in rows]
    assert [round(at) for at in begun] == edges[:3], "what begins at the end is not asked for"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Fridge", "Fridge"),
        ('=HYPERLINK("http://x";"y")', '"\'=HYPERLINK(""http://x"";""y"")"'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("a,b", '"a,b"'),
        ("a\r\n=b", '"a\r\n=b"'),
    ],
)
def test_names_are_no_formulas(name: str, field: str) -> None:
    assert cell(name) == field


async def test_two_outlets_and_a_name_like_a_formula(house: House) -> None:
    plug = await house.plug(channels=2)
    await house.registry.change(house.principal("admin"), plug.id, name="=1+1, cold")
    end = house.clock.now() // DAY * DAY
    for channel in (0, 1):
        day = buckets(end - DAY, QUARTER, 96)
        house.store.merge(Merge([], [(SeriesKey(plug.id, channel), "15m", day)]))
    query = [("device", plug.id), ("device", f"{plug.id}:1"), ("from", str(end - DAY)), ("to", str(end))]
    headers = await house.headers("user") | {"Accept-Encoding": "gzip"}
    async with house.http.get(
        "/api/v1/telemetry/export", params=query, headers=headers, auto_decompress=False
    ) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        first = datetime.fromtimestamp((end - DAY) / 1000, UTC).date()
        assert response.headers["Content-Disposition"] == f'attachment; filename="{plug.key}-{first}-{first}-15m.csv"'
        text = gzip.decompress(await response.read()).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["channel"] for row in rows] == ["0"] * 96 + ["1"] * 96
    assert {row["name"] for row in rows} == {"'=1+1, cold"}
    assert {row["device"] for row in rows} == {plug.key}


async def test_nothing_measured_is_a_heading(house: House) -> None:
    plug = await house.plug()
    now = house.clock.now()
    headers = await house.headers("user")
    query = {"device": plug.id, "from": str(now - DAY), "to": str(now)}
    async with house.http.get("/api/v1/telemetry/export", params=query, headers=headers) as response:
        text = await response.text()
    assert text.startswith("time_utc,time_local,device,channel,name,power_mean_W")
    assert text.count("\n") == 1


async def test_a_plug_of_others_does_not_exist(house: House) -> None:
    plug = await house.plug()
    query = {"device": plug.id, "from": "0", "to": "1000"}
    for role, status in (("guest", 404), (None, 401)):
        headers = await house.headers(role)
        async with house.http.get("/api/v1/telemetry/export", params=query, headers=headers) as response:
            assert response.status == status


async def test_what_cannot_be_read_is_a_problem_first_and_a_cut_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = await house.plug()
    end = house.clock.now() // HOUR * HOUR
    house.store.merge(Merge([(SeriesKey(plug.id), trace(7200, start=end - 2 * HOUR))], []))
    read: Callable[..., Any] = SqliteStore.read
    broken_from = end - 2 * HOUR

    def broken(store: SqliteStore, series: SeriesKey, start: int, stop: int, *, brief: bool = False) -> Any:
        if start >= broken_from:
            raise OSError("disk gone")
        return read(store, series, start, stop, brief=brief)

    monkeypatch.setattr(SqliteStore, "read", broken)
    async with HubClient(url(house), key=await house.token("user")) as hub:
        with pytest.raises(ApiError) as refused:
            _ = [piece async for piece in hub.export([plug.id], end - 2 * HOUR, end, bucket="raw")]
        assert refused.value.code == "history-unreadable"
        broken_from = end - HOUR
        with pytest.raises(HubUnreachable):
            _ = [piece async for piece in hub.export([plug.id], end - 2 * HOUR, end, bucket="raw")]


async def test_who_leaves_stops_the_reading(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = await house.plug()
    end = house.clock.now() // HOUR * HOUR
    hour = trace(3600, start=0)
    reads, left = 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(store: SqliteStore, series: SeriesKey, start: int, stop: int, *, brief: bool = False) -> Any:
        nonlocal reads
        reads += 1
        part = select_raw(hour, slice(None))
        part.at = part.at + start
        return [part]

    class Pages(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "has left" in record.getMessage():
                loop.call_soon_threadsafe(left.set)

    handler = Pages()
    log = logging.getLogger("hub.api")
    monkeypatch.setattr(log, "level", logging.DEBUG)
    log.addHandler(handler)
    monkeypatch.setattr(SqliteStore, "read", endless)
    try:
        async with HubClient(url(house), key=await house.token("user")) as hub:
            pieces = hub.export([plug.id], end - 7 * DAY, end, bucket="raw")
            await anext(pieces)
            await pieces.aclose()
        async with asyncio.timeout(10):
            await left.wait()
    finally:
        log.removeHandler(handler)
    assert reads < 7 * 24


async def test_only_a_few_run_at_once_and_one_that_stands_still_gives_its_place_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = await house.plug()
    end = house.clock.now() // HOUR * HOUR
    hour = trace(3600, start=0)

    def endless(store: SqliteStore, series: SeriesKey, start: int, stop: int, *, brief: bool = False) -> Any:
        part = select_raw(hour, slice(None))
        part.at = part.at + start
        return [part]

    monkeypatch.setattr(SqliteStore, "read", endless)
    request = (
        f"GET /api/v1/telemetry/export?device={plug.id}&from={end - 300 * DAY}&to={end}&bucket=raw HTTP/1.1\r\n"
        f"Host: hub\r\nAuthorization: Bearer {await house.token('user')}\r\n\r\n"
    ).encode()
    stalled = [await asyncio.open_connection("127.0.0.1", house.server.port) for _ in range(2)]
    for reader, writer in stalled:
        writer.write(request)
        assert b"200 OK" in await reader.readline()
    query = {"device": plug.id, "from": str(end - HOUR), "to": str(end)}
    headers = await house.headers("user") | {"Accept-Language": "de"}

    async def asked() -> tuple[int, str]:
        async with house.http.get("/api/v1/telemetry/export", params=query, headers=headers) as response:
            return response.status, await response.text()

    status, text = await asked()
    assert (status, "2 Exporte laufen schon" in text) == (503, True)
    loop, passed = asyncio.get_running_loop(), 0.0
    monkeypatch.setattr(loop, "time", lambda: time.monotonic() + passed)
    while house.services.exports.free < 2:  # what the sockets hold takes a moment to fill
        passed += STALLED_SECONDS
        await asyncio.sleep(0.05)
    for reader, writer in stalled:
        assert not (await reader.read()).endswith(b"0\r\n\r\n"), "it must not look complete"
        writer.close()
    assert (await asked())[0] == 200


async def test_rooms_and_the_home_as_one(house: House) -> None:
    one, two = await house.plug("plug-1"), await house.plug("plug-2")
    end = house.clock.now() // DAY * DAY
    for plug in (one, two):
        house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", buckets(end - DAY, QUARTER, 96))]))
    await house.registry.change(house.principal("admin"), two.id, room="Kitchen")
    headers = await house.headers("user")
    for extra, count in (([], 2), ([("room", "Kitchen")], 1), ([("room", "Kitchen"), ("device", one.id)], 2)):
        query = [("from", str(end - DAY)), ("to", str(end)), ("bucket", "1h"), *extra]
        async with house.http.get("/api/v1/telemetry/sum", params=query, headers=headers) as response:
            total = (await response.json())["sum"]
        assert (len(total["outlets"]), total["mean"][0], total["max"][0]) == (count, 60.0 * count, 61.0 * count)
        assert total["total_kwh"] == pytest.approx(1.44 * count)
    async with house.http.get(
        "/api/v1/telemetry/sum", params={"from": "0", "to": "9", "room": "Moon"}, headers=headers
    ) as response:
        assert (await response.json(content_type=None))["code"] == "plug-room-unknown"


async def test_too_many_points_in_all(house: House) -> None:
    plugs = [await house.plug(f"plug-{k}") for k in range(4)]
    query = [*(("device", plug.id) for plug in plugs), ("from", "0"), ("to", str(14 * DAY)), ("bucket", "1m")]
    headers = await house.headers("user")
    async with house.http.get("/api/v1/telemetry", params=query, headers=headers) as response:
        assert (await response.json(content_type=None))["code"] == "too-many-points-in-all"
