"""The pictures in docs/images: a real hub, five plugs with a quarter of a year behind them, and Chromium.

The plugs are those of the demo, with the same recordings. They send what they measured since as minutes, as a plug does
whose hub was away, and then go on live. Each day is a little different. The home stands in a time zone where it is
evening now, so that something is on.
"""

import asyncio
import contextlib
import os
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from benchmarks.mqtt import Plug, connect
from firmware.boards.desktop import DesktopPlug
from firmware.boards.recording import Recording
from firmware.plug import NAME, VERSION
from hub.devices.demo import PLUGS
from hub.testing.process import EMAIL, PASSWORD, HubProcess

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
LARGEST = 150_000  # bytes of a picture
DAYS = 95  # the last whole month and the one before
RECORDS = ((DAYS, 3600), (14, 900), (2, 60))
"""From how many days ago records span how many seconds: a plug joins its oldest minutes."""
RING = 1800  # samples that are sent one by one
MOST = 600  # records or samples in a message
DAY_S = 86_400
EVENING = 20.3  # o'clock
WASHES = (48_600, 72_000)  # seconds of the recorded day: two of its washes
HEATING = 62_400  # when the second of them heats
ZONES = (
    *("Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago"),
    *("America/New_York", "America/Halifax", "America/Sao_Paulo", "Atlantic/Azores", "Europe/London", "Europe/Berlin"),
    *("Europe/Athens", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo"),
    *("Australia/Sydney", "Pacific/Auckland"),
)
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
SCHEDULES: dict[str, tuple[dict[str, Any], ...]] = {
    "demo-coffee-machine": (
        {"name": "Coffee", "days": [0, 1, 2, 3, 4], "time": "06:30", "command": "relay_on"},
        {"name": "Coffee off", "days": [*range(7)], "time": "22:00", "command": "relay_off"},
    ),
    "demo-tv": ({"name": "Night", "days": [*range(7)], "time": "23:30", "command": "relay_off"},),
}
Watts = npt.NDArray[np.float64]


class Shot(NamedTuple):
    """A page in a size; what must be there before it is taken."""

    path: str
    size: dict[str, Any]
    there: str
    themes: tuple[str, ...] = ("light", "dark")
    new_plug: bool = False


SHOTS = {
    "home-desktop": Shot("/", DESKTOP, ".now"),
    "plug-phone": Shot("/plugs/washing-machine?range=day", PHONE, "canvas"),
    "schedules-desktop": Shot("/schedules", DESKTOP, "main li, main tr", ("light",)),
    "energy-desktop": Shot("/energy?period=month&of={month}", DESKTOP, "main table, main svg", ("light",)),
    "new-plug-phone": Shot("/", PHONE, ".found", ("light",), new_plug=True),
}


class Appliance:
    """What one of the demo's appliances draws, for each second of a day of the home."""

    def __init__(self, name: str) -> None:
        self.name = name
        recording = Recording(name)
        self._watts = np.array([recording.watts(second) for second in range(DAY_S)], dtype=np.float64)
        if name == "Washingmachine":  # six washes a day are many
            self._watts[: WASHES[0]] = self._watts[WASHES[1] :] = self._watts[3 * 3600]

    def day(self, day: date, now: datetime) -> Watts:
        """W, by second. Today's last wash heats just now; all else is today as recorded."""
        chance = random.Random(f"{self.name} {day}")
        if day == now.date():
            late = now.hour * 3600 + now.minute * 60 - HEATING if self.name == "Washingmachine" else 0
            return np.roll(self._watts, late)
        weekend = day.weekday() >= 5
        used, hours = {
            "Washingmachine": (1.0 if day.weekday() in (1, 5) else 0.25, 1.5),
            "TV-LCD": (0.9, 0.7),
            "PC-Desktop": (0.35 if weekend else 1.0, 0.5),
            "BeanToCupCoffeemaker": (1.0, 1.2 if weekend else 0.3),
            "Refrigerator": (1.0, 12.0),
        }[self.name]
        if chance.random() > used:
            return np.full(DAY_S, self._watts[3 * 3600])
        return np.roll(self._watts, round(chance.uniform(-hours, hours) * 3600))


class Past:
    """The seconds 0 .. `count` - 1 of an outlet, which began `DAYS` days ago: W, and the counter in mWh after each."""

    def __init__(self, appliance: Appliance, end: int, zone: ZoneInfo) -> None:
        """end: Unix s of the last second."""
        self._appliance, self._zone = appliance, zone
        self.begin = end - DAYS * DAY_S
        self._now = datetime.fromtimestamp(end, zone)
        self.count = end - self.begin + 1
        self.watts = np.empty(self.count)
        day = datetime.fromtimestamp(self.begin, zone).date()
        while day <= self._now.date():
            start, following = (self._midnight(each) - self.begin for each in (day, day + timedelta(days=1)))
            whole = np.resize(self._day(day), following - start)  # also a day of 23 or 25 hours
            first, last = max(start, 0), min(following, self.count)
            self.watts[first:last] = whole[first - start : last - start]
            day += timedelta(days=1)
        self.energy_mwh = np.cumsum(self.watts / 3.6).astype(np.int64)

    def at(self, second: int) -> float:
        """W in that second of the run, also in those to come."""
        local = datetime.fromtimestamp(self.begin + second, self._zone)
        place = local.hour * 3600 + local.minute * 60 + local.second
        return float(self._day(local.date())[place])

    def _midnight(self, day: date) -> int:
        return round(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())

    @cache  # noqa: B019 - lives as long as the process
    def _day(self, day: date) -> Watts:
        return self._appliance.day(day, self._now)


class ToldPlug(Plug):
    """A plug of the demo that has measured `past`, and measures on."""

    def __init__(self, hardware_id: str, secret: str, past: Past) -> None:
        super().__init__(hardware_id, secret, qos=1, run=random.Random(hardware_id).randbytes(8).hex())
        self._past = past
        self._run_name = self._run
        self._counter = float(past.energy_mwh[-1])
        self._sent = 0
        self._taken = asyncio.Event()
        self._noise = random.Random(hardware_id)

    @property
    def told_kwh(self) -> float:
        """What the hub has to know of."""
        return float(self._past.energy_mwh[-1] / 1e6)

    async def tell_past(self) -> None:
        """How it stands; then what the ring does not hold any more, as minutes; then the ring."""
        await self._report(self._past.count - RING)
        await self._tell_past()

    async def _report(self, oldest: int) -> None:
        body = {"status": "on", "firmware": f"{NAME} {VERSION}", "run": self._run_name, "oldest": oldest, "rssi": -58}
        await self._say("status", body | {"buffer_s": RING, "reason": "power_on", "uptime": self._past.count})

    async def _tell_past(self) -> None:
        past = self._past
        ring = past.count - RING
        edges = {0, 1, ring}
        for (days, step), (until, _) in zip(RECORDS, (*RECORDS[1:], (0, 0)), strict=True):
            edges |= set(range(max(past.count - days * DAY_S, 1), min(past.count - until * DAY_S, ring), step))
        records = [self._record(first, end) for first, end in pairwise(sorted(edges))]
        for n in range(0, len(records), MOST):
            await self._say("telemetry/minutes", {"run": self._run_name, "minutes": records[n : n + MOST]})
        for n in range(ring, past.count, MOST):
            watts = past.watts[n : n + MOST]
            body = {"run": self._run_name, "seq": n, "oldest": ring, "up": n * 1000, "dt": 1000}
            body |= {"voltage": [230.0] * len(watts), "current": (watts / 230).round(3).tolist()}
            body |= {"power": watts.round(1).tolist(), "relay_state": [True] * len(watts)}
            await self._say("telemetry/batch", body | {"energy_mwh": past.energy_mwh[n : n + MOST].tolist()})

    async def go_on(self) -> None:
        """One sample a second, for good."""
        second = self._past.count
        while True:
            await asyncio.sleep(max(0.0, self._past.begin + second - time.time()))
            watts = self._past.at(second)
            watts = max(0.0, watts * self._noise.gauss(1, 0.003) + self._noise.uniform(-0.5, 0.5)) if watts else 0.0
            self._counter += watts / 3.6
            body = {"voltage": 230.4, "current": round(watts / 230.4, 3), "power": round(watts, 1), "relay_state": True}
            body |= {"energy_mwh": int(self._counter), "run": self._run_name, "seq": second, "up": second * 1000}
            await self._say("telemetry", body | {"oldest": second - RING + 1})
            second += 1

    def _record(self, first: int, end: int) -> dict[str, Any]:
        watts = self._past.watts[first:end]
        return {
            "seq_from": first,
            "seq_to": end - 1,
            "up": (end - 1) * 1000,
            "min": round(float(watts.min()), 1),
            "mean": round(float(watts.mean()), 1),
            "max": round(float(watts.max()), 1),
            "energy_mwh": int(self._past.energy_mwh[end - 1]),
            "on_s": end - first,
        }

    async def _say(self, suffix: str, body: dict[str, Any]) -> None:
        """Until the hub has taken it."""
        self._sent += 1
        self.tell(suffix, msgspec.json.encode(body), retain=suffix == "status")
        while self.acknowledged < self._sent:
            self._taken.clear()
            await asyncio.wait_for(self._taken.wait(), 60)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._taken.set()


@contextlib.asynccontextmanager
async def home() -> AsyncIterator[tuple[HubProcess, ZoneInfo]]:
    """The hub with its plugs, once it knows their past."""
    zone = ZoneInfo(min(ZONES, key=lambda name: abs(_hour(ZoneInfo(name)) - EVENING)))
    hub = HubProcess()
    tasks: list[asyncio.Task[None]] = []
    try:
        await hub.start()
        await hub.set_up()
        await hub.call("PATCH", "/homes/current", {"name": "Home", "time_zone": zone.key, "price": 0.31})
        secrets = {}
        for hardware_id, name, room, icon, _, always_on in PLUGS:
            body = {"hardware_id": hardware_id, "name": name, "room": room, "icon": icon}
            added = await hub.call("POST", "/devices", body)
            secrets[hardware_id] = added["secret"]
            if always_on:
                await hub.call("PATCH", f"/devices/{added['device']['id']}", {"always_on": True})
            for fields in SCHEDULES.get(hardware_id, ()):
                await hub.call("POST", "/schedules", {"device": added["device"]["id"], **fields})
        end = int(time.time())
        plugs = [
            ToldPlug(hardware_id, secrets[hardware_id], Past(Appliance(appliance), end, zone))
            for hardware_id, _, _, _, appliance, _ in PLUGS
        ]
        await connect("127.0.0.1", hub.mqtt_port, plugs, subscribe=True)
        for plug in plugs:
            await plug.tell_past()
        tasks = [asyncio.create_task(plug.go_on()) for plug in plugs]
        await known(hub, plugs)
        yield hub, zone
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await hub.close()


@contextlib.asynccontextmanager
async def new_plug(hub: HubProcess) -> AsyncIterator[None]:
    """One more, which waits to be paired and has knocked."""
    plug = DesktopPlug("127.0.0.1", hub.mqtt_port, "plug-7c4f", "", code="K7QM2XPA9D4THV3N", appliance="PC-Desktop")
    await plug.start()
    try:
        while not (await hub.call("GET", "/devices/found"))["items"]:
            await asyncio.sleep(0.2)
        yield
    finally:
        await plug.stop()


async def known(hub: HubProcess, plugs: Sequence[ToldPlug]) -> None:
    """When the sums hold everything, and all of it is merged. Raises TimeoutError, RuntimeError."""
    async with asyncio.timeout(180):
        while True:
            now = round(time.time() * 1000)
            told = await hub.call("GET", "/telemetry/sum", **{"from": now - DAYS * DAY_S * 1000, "to": now})
            expected = sum(plug.told_kwh for plug in plugs)
            if (told["sum"]["total_kwh"] or 0) > 0.99 * expected:
                break
            await asyncio.sleep(1)
        # What is measured is merged once an hour, and before a backup; until then each question takes long.
        state = await hub.call("POST", "/backups", {"history": True})
        while state["running"] is not None:
            await asyncio.sleep(0.3)
            state = (await hub.call("GET", "/backups"))["state"]
        if state["last"]["detail"] is not None:
            raise RuntimeError(state["last"]["detail"])


async def sign_in(page: Page) -> None:
    """As the admin."""
    await page.goto("/")
    await page.locator("input[name=email]").fill(EMAIL)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("form button[type=submit]").click()
    await expect(page.locator(".now").first).to_be_visible()


async def take(browser: Browser, hub: HubProcess, zone: ZoneInfo, name: str) -> None:
    """One page in its themes."""
    shot = SHOTS[name]
    first = datetime.now(zone).replace(day=1)
    path = shot.path.format(month=f"{first - timedelta(days=1):%Y-%m}")
    context = await browser.new_context(
        base_url=f"http://127.0.0.1:{hub.http_port}", locale="en-GB", timezone_id=zone.key, **shot.size
    )
    page = await context.new_page()
    await sign_in(page)
    for theme in shot.themes:
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.goto(path)
        await expect(page.locator(shot.there).first).to_be_visible()
        await page.wait_for_load_state("networkidle")
        await page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
        data = await page.screenshot(animations="disabled")
        keep(data, IMAGES / (f"{name}.png" if theme == "light" else f"{name}-{theme}.png"))
    await context.close()


def keep(data: bytes, file: Path) -> None:
    """With all its colours, or 256 of them where the file would be too large. Raises ValueError where it still is."""
    image = Image.open(BytesIO(data)).convert("RGB")
    image.save(file, optimize=True)
    if file.stat().st_size > LARGEST:
        image.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {size} bytes", file=sys.stderr)
    if size > LARGEST:
        raise ValueError(f"{file} has {size} bytes")


async def main(names: Sequence[str]) -> None:
    """All of them, or those named."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("Chromium is not installed: sudo apt install chromium (or name it: CHROMIUM=/path/to/it)")
    expect.set_options(timeout=30_000)
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with home() as (hub, zone), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        for name in names or SHOTS:
            async with new_plug(hub) if SHOTS[name].new_plug else contextlib.nullcontext():
                await take(browser, hub, zone, name)
        await browser.close()


def _hour(zone: ZoneInfo) -> float:
    now = datetime.now(zone)
    return now.hour + now.minute / 60


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
