"""Energy of today: since the home's own midnight."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hub.api.today import Today
from hub.testing.clock import FakeClock
from tests.api.house import House


class Asked:
    """Remembers since which midnight it was asked."""

    def __init__(self) -> None:
        self.midnight = 0

    def energy_today(self, device: str, channel: int, midnight: int) -> float | None:
        self.midnight = midnight
        return 5.0


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1000)


async def test_the_midnight_is_the_homes(house: House) -> None:
    house.people.homes.first.time_zone = "Europe/Berlin"
    plug = await house.plug()
    history, clock = Asked(), FakeClock(at("2026-10-25 23:59:30"))  # a day of 25 hours
    today = Today(history, house.identity.homes, clock)
    assert today(plug, 0) == 5.0
    assert history.midnight == at("2026-10-25 00:00:00")
    await clock.advance(35)
    assert today(plug, 0) == 5.0
    assert history.midnight == at("2026-10-26 00:00:00")
    clock.step(-60_000)  # the clock was wrong
    assert today(plug, 0) == 5.0
    assert history.midnight == at("2026-10-25 00:00:00")
    house.people.homes.first.time_zone = "Asia/Tokyo"
    assert today(plug, 0) == 5.0
    assert history.midnight == at("2026-10-25 16:00:00")  # Tokyo's midnight of the 26th
