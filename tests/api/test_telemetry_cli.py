"""`plughub export` against a running hub: the file, the home's time zone, and what goes wrong."""

import asyncio
import csv
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.cli import main
from hub.cli.export import chosen, moment
from hub.database import DataLock
from hub.messages import HubError
from hub.plugins.contract import Merge, SeriesKey
from tests.api.house import House
from tests.api.test_telemetry import buckets

QUARTER, DAY = 900_000, 86_400_000


async def run(house: House, *arguments: str) -> int:
    """As another process would, while the hub runs."""
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    lock = DataLock(house.data)
    lock.acquire()
    try:
        return await asyncio.to_thread(main, ["export", "--data", str(house.data), *arguments])
    finally:
        lock.release()


async def test_a_day_of_all_plugs(house: House, tmp_path: Path) -> None:
    house.people.homes.first.time_zone = "Europe/Berlin"
    one, two = await house.plug("plug-1"), await house.plug("plug-2")
    today = datetime.fromtimestamp(house.clock.now() / 1000, ZoneInfo("Europe/Berlin")).date()
    midnight = int(datetime(today.year, today.month, today.day, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)
    for plug in (one, two):
        house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", buckets(midnight - DAY, QUARTER, 192))]))
    file = tmp_path / "day.csv"
    assert await run(house, "--from", str(today), "--to", str(today), "--bucket", "1h", "--out", str(file)) == 0
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["device"] for row in rows] == [one.key] * 24 + [two.key] * 24
    assert rows[0]["time_local"].startswith(f"{today}T00:00:00")
    assert [path.name for path in tmp_path.glob("day.csv*")] == ["day.csv"]


async def test_what_goes_wrong_is_said(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await house.plug("plug-1")
    file = tmp_path / "nowhere" / "x.csv"
    for arguments, words in (
        (("--from", "yesterday"), "yesterday"),
        (("--from", "2026-11-01", "--device", "toaster"), "toaster"),
        (("--from", "2026-11-01", "--out", str(file)), "nowhere"),
        (("--from", "2026-11-01", "--to", "2026-10-01"), "before"),
    ):
        assert await run(house, *arguments) == 1
        assert words in capsys.readouterr().err
    assert not file.parent.exists()


def test_times_are_the_homes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("2026-11-01", berlin) == datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp() * 1000
    assert moment("2026-10-25", berlin, after=True) - moment("2026-10-25", berlin) == 25 * 3_600_000
    assert moment("2026-11-01T18:30", berlin) == datetime(2026, 11, 1, 17, 30, tzinfo=UTC).timestamp() * 1000
    assert moment("2026-11-01T18:30Z", berlin) == datetime(2026, 11, 1, 18, 30, tzinfo=UTC).timestamp() * 1000


def test_outlets_by_key() -> None:
    devices = [
        {"id": "x", "key": "lamp", "channels": [{"channel": 0}, {"channel": 1}]},
        {"id": "y", "key": "tv", "channels": [{"channel": 0}]},
    ]
    assert chosen(devices, []) == ["x:0", "x:1", "y:0"]
    assert chosen(devices, ["lamp:1", "tv", "lamp"]) == ["x:1", "y:0", "x:0"]
    with pytest.raises(HubError):
        chosen(devices, ["lamp:2"])
