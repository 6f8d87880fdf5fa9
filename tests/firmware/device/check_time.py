"""`up` does not wrap when the board's counter does; Unix time comes from the hub alone."""

from harness import equal, main

from firmware.plug.uptime import Clock, Uptime


class Ticks:
    def __init__(self, start: int) -> None:
        self.now = start

    def __call__(self) -> int:
        return self.now & 0x3FFFFFFF


def test_up_begins_with_the_run() -> None:
    ticks = Ticks(12345)
    uptime = Uptime(ticks)
    equal(uptime.ms(), 0)
    ticks.now += 250
    equal(uptime.ms(), 250)


def test_up_goes_on_for_60_days() -> None:
    ticks = Ticks((1 << 30) - 1500)
    uptime = Uptime(ticks)
    hour = 3_600_000
    for step in range(60 * 24):
        equal(uptime.ms(), step * hour)
        ticks.now += hour


def test_no_time_before_the_hub_tells_it() -> None:
    clock = Clock(Uptime(Ticks(0)))
    equal(clock.now(), None)


def test_time_goes_on_from_what_the_hub_told() -> None:
    ticks = Ticks(0)
    clock = Clock(Uptime(ticks))
    ticks.now = 5000
    clock.set(1_700_000_000_123)
    ticks.now = 7000
    equal(clock.now(), 1_700_000_002_123)
    clock.set(1_600_000_000_000)
    equal(clock.now(), 1_600_000_000_000)


def test_what_is_no_time_changes_nothing() -> None:
    clock = Clock(Uptime(Ticks(0)))
    for value in (None, True, "1700000000000", 1.7e12, 0, -5, 946_684_800_000, 1 << 60, [], {}):
        clock.set(value)
        equal(clock.now(), None)


main(globals())
