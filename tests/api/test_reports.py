"""Reports over HTTP: figures, table and page; only of what the asker may see, and refused where they must be."""

import asyncio
import csv
import io
import json
import re
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.api.reports import file_name
from hub.auth.principal import system
from hub.cli import main
from hub.client import ApiError, HubClient
from hub.cost import period_of
from hub.database import DataLock
from hub.devices.device import Device
from hub.history.gaps import GapRecord
from hub.plugins.contract import Merge, SeriesKey
from tests.api.house import House
from tests.cost.parts import BERLIN, QUARTER, at, noisy


async def furnished(house: House) -> tuple[Device, Device]:
    """Two plugs in two rooms, measured since the beginning of the month before."""
    await house.identity.homes.change(house.principal("admin"), time_zone=BERLIN, price=0.25, currency="EUR")
    plugs = []
    start = period_of("month", None, now=house.clock.now(), zone=BERLIN).before_start
    for seed, (hardware, room) in enumerate((("plug-1", "Kitchen"), ("plug-2", "Office, upstairs"))):
        plug = await house.plug(hardware)
        plugs.append(await house.registry.change(house.principal("admin"), plug.id, room=room, name=f"=Plug {seed}"))
        part = noisy(start, house.clock.now() // QUARTER * QUARTER, seed)
        house.store.merge(Merge([], [(SeriesKey(plug.id), "15m", part)]))
    return plugs[0], plugs[1]


async def asked(house: House, role: str, path: str = "", language: str = "en", **query: str) -> Any:
    headers = await house.headers(role) | {"Accept-Language": language}
    async with house.http.get(f"/api/v1/reports/energy{path}", params=query, headers=headers) as response:
        body = await response.read()
        if response.status >= 400:
            return response.status, json.loads(body)["code"]
        return body if path else json.loads(body)


async def test_figures_are_the_sum_of_their_parts(house: House) -> None:
    await furnished(house)
    report = await asked(house, "user")
    total = report["total"]

    def nano(kwh: float | None) -> int:
        return round((kwh or 0.0) * 1e9)

    for parts in ("by_device", "by_room", "by_bucket"):
        assert sum(nano(part["kwh"]) for part in report[parts]) == nano(total["kwh"])
        assert sum(part["cost"] or 0 for part in report[parts]) == pytest.approx(total["cost"], abs=1e-4)
    for device in report["by_device"]:
        assert sum(map(nano, device["by_bucket_kwh"])) == nano(device["kwh"])
    assert total["cost"] == pytest.approx(total["kwh"] * 0.25, abs=1e-6)
    assert (total["currency"], total["price"]) == ("EUR", 0.25)
    period = report["period"]
    assert (period["running"], period["zone"], period["bucket"]) == (True, BERLIN, "1d")
    assert total["before"]["kwh"] > 0
    assert total["change_percent"] == round((total["kwh"] / total["before"]["kwh"] - 1) * 100, 1)


async def test_a_guest_sees_only_what_is_shared(house: House) -> None:
    shared, private = await furnished(house)
    nothing = await asked(house, "guest")
    assert (nothing["total"]["kwh"], nothing["by_device"], nothing["by_room"]) == (None, [], [])
    await house.registry.share(system(house.home), shared.id, house.principal("guest").user, "view")
    await house.registry.change(system(house.home), private.id, private=True)
    everything = await asked(house, "user")
    assert [part["device"] for part in everything["by_device"]] == [shared.id]
    mine = await asked(house, "guest")
    assert [part["room"] for part in mine["by_room"]] == ["Kitchen"]
    assert mine["total"]["kwh"] == mine["by_device"][0]["kwh"]
    table = (await asked(house, "guest", ".csv")).decode()
    assert shared.key in table
    assert private.key not in table
    assert (await asked(house, "guest", ".pdf")).startswith(b"%PDF")


async def test_the_table(house: House) -> None:
    one, two = await furnished(house)
    before = period_of("month", None, now=house.clock.now(), zone=BERLIN).before_start
    of = datetime.fromtimestamp(before / 1000 + 86_400).strftime("%Y-%m")
    text = (await asked(house, "user", ".csv", of=of)).decode()
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    report = await asked(house, "user", of=of)
    days = len(report["by_bucket"])
    assert sorted({row["device"] for row in rows}) == sorted({one.key, two.key})
    assert len(rows) == 2 * days
    assert rows[0]["name"].startswith("'=Plug")
    assert {row["room"] for row in rows} == {"Kitchen", "Office, upstairs"}
    assert {row["time_local"][10:19] for row in rows} == {"T00:00:00"}
    start = datetime.fromisoformat(rows[0]["time_utc"]).timestamp() * 1000
    assert start == report["period"]["start"] == datetime.fromisoformat(rows[0]["time_local"]).timestamp() * 1000
    assert sum(round(float(row["import_kWh"]) * 1e9) for row in rows) == round(report["total"]["kwh"] * 1e9)
    assert sum(float(row["cost_EUR"]) for row in rows) == pytest.approx(report["total"]["cost"], abs=1e-3)
    running = list(csv.DictReader(io.StringIO((await asked(house, "user", ".csv")).decode(), newline="")))
    assert all(datetime.fromisoformat(row["time_utc"]).timestamp() * 1000 < house.clock.now() for row in running)


async def test_without_a_price_the_table_has_no_cost(house: House) -> None:
    await furnished(house)
    house.identity.homes.first.price = None
    head = (await asked(house, "user", ".csv")).decode().partition("\r\n")[0]
    assert head == "time_utc,time_local,device,channel,name,room,import_kWh,estimated_kWh,note"
    assert (await asked(house, "user"))["total"]["cost"] is None


async def test_the_page_speaks_the_readers_language_and_is_made_in_a_thread(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.cost import pdf

    await furnished(house)
    monkeypatch.setattr("reportlab.rl_config.pageCompression", 0)
    threads = []
    render = pdf.render_pdf

    def noted(*given: Any) -> bytes:
        threads.append(threading.get_ident())
        return render(*given)

    monkeypatch.setattr(pdf, "render_pdf", noted)
    assert b"(Energie und Kosten) Tj" in await asked(house, "user", ".pdf", "de-AT,de;q=0.9")
    assert b"(Energy and cost) Tj" in await asked(house, "user", ".pdf")
    assert threading.get_ident() not in threads
    headers = await house.headers("user")
    async with house.http.get("/api/v1/reports/energy.pdf?period=year&of=2020", headers=headers) as response:
        assert response.content_type == "application/pdf"
        assert response.headers["Content-Disposition"] == 'attachment; filename="energy-year-2020.pdf"'


async def test_only_a_few_pages_are_made_at_once(house: House) -> None:
    with house.services.exports.taken("exports-too-many"), house.services.exports.taken("exports-too-many"):
        assert await asked(house, "user", ".pdf") == (503, "exports-too-many")
    assert (await asked(house, "user", ".pdf")).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"of": "2026-10-2x"}, "report-period-wrong"),
        ({"of": "9999"}, "report-period-wrong"),
        ({"of": "2199-01"}, "report-period-ahead"),
        ({"of": "2026-10-21T10"}, "field-too-long"),
        ({"period": "decade"}, "field-choice"),
        ({"device": "x"}, "field-unknown"),
    ],
)
async def test_what_is_no_period_is_refused(house: House, query: dict[str, str], code: str) -> None:
    for path in ("", ".csv", ".pdf"):
        assert await asked(house, "user", path, **query) == (422, code)


async def test_unknown_energy_is_said(house: House) -> None:
    plug, _ = await furnished(house)
    now = house.clock.now()
    house.history.known_gaps = [GapRecord(plug.id, 0, now - 1000, None, "offline", None)]
    gaps = (await asked(house, "user", period="day"))["gaps"]
    assert (gaps["count"], gaps["open"]) == (1, 1)


async def test_old_years_and_the_first_ones_are_answered(house: House) -> None:
    await furnished(house)
    for of in ("1970", "2020"):
        report = await asked(house, "user", period="year", of=of)
        assert report["total"]["kwh"] is None
        assert len(report["by_bucket"]) == 12


def test_file_names() -> None:
    now = at("2026-11-21T13:24")
    for kind, name in (("day", "2026-11-21"), ("week", "2026-11-16"), ("month", "2026-11"), ("year", "2026")):
        period = period_of(kind, None, now=now, zone=BERLIN)  # type: ignore[arg-type]
        assert file_name(period, "pdf") == f"energy-{kind}-{name}.pdf"


async def run(house: House, *arguments: str) -> int:
    """As another process would, while the hub runs."""
    house.identity.keys.write_command_line_key(f"http://127.0.0.1:{house.server.port}")
    lock = DataLock(house.data)
    lock.acquire()
    try:
        return await asyncio.to_thread(main, ["report", "--data", str(house.data), *arguments])
    finally:
        lock.release()


async def test_the_command_line(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnished(house)
    assert await run(house, "--period", "month") == 0
    shown = capsys.readouterr().out
    total = (await asked(house, "user"))["total"]["cost"]
    assert re.search(r"Kitchen +=Plug 0 ", shown)
    assert f"{total:,.2f}" in shown.splitlines()[-1]
    for ending, start in (("pdf", b"%PDF"), ("csv", b"time_utc,"), ("json", b"{")):
        file = tmp_path / f"report.{ending}"
        assert await run(house, "-o", str(file)) == 0
        assert file.read_bytes().startswith(start)
    assert await run(house, "--format", "csv") == 0
    assert "time_utc," in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for arguments, words in (
        (("--of", "soon"), "soon"),
        (("--format", "pdf"), "needs a file"),
        (("-o", str(tmp_path / "nowhere" / "x.pdf")), "nowhere"),
    ):
        assert await run(house, *arguments) == 1
        assert words in capsys.readouterr().err


async def test_the_client(house: House) -> None:
    await furnished(house)
    async with HubClient(f"http://127.0.0.1:{house.server.port}", key=await house.token("user")) as hub:
        report = await hub.report("week")
        assert report["period"]["kind"] == "week"
        assert (await hub.report_file("year", form="pdf")).startswith(b"%PDF")
        with pytest.raises(ApiError) as refused:
            await hub.report_file("day", "2026", form="csv")
        assert refused.value.code == "report-period-wrong"
        assert np.isfinite(report["total"]["kwh"])
