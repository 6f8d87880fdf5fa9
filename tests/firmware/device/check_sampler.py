"""The grid: a moment that was missed is a step in `up`, not in seq."""

import asyncio
import time

from harness import equal, main
from parts import plug_on

from firmware.boards.simulated import SimulatedBoard

STEP = 20


async def sampled(plug, count: int, hook=None) -> list:
    """Run the plug until outlet 0 has `count` samples; returns their `up`."""
    ring = plug.outlets[0].ring
    task = asyncio.create_task(plug.run())
    hooked = False
    begun = time.time()
    while ring.next < count:
        assert time.time() - begun < 20, "no samples"
        if hook and not hooked and ring.next >= 5:
            hooked = True
            hook()
        await asyncio.sleep(0.005)
    plug.end()
    await task
    return [ring.up(seq) for seq in range(ring.oldest, ring.next)]


async def test_samples_lie_on_the_grid() -> None:
    plug = plug_on()
    ups = await sampled(plug, 20)
    start = ups[0]
    equal([(up - start) % STEP for up in ups], [0] * len(ups))
    equal(ups, sorted(ups))
    equal(len(set(ups)), len(ups))


async def test_a_missed_moment_is_a_step_in_up() -> None:
    plug = plug_on()
    ups = await sampled(plug, 12, lambda: time.sleep(0.1))
    steps = [ups[i + 1] - ups[i] for i in range(len(ups) - 1)]
    assert max(steps) >= 4 * STEP, steps
    equal([step % STEP for step in steps], [0] * len(steps))


async def test_up_goes_on_where_the_ticks_wrap() -> None:
    board = SimulatedBoard()
    board.ticks_offset = (1 << 30) - (board.ticks_ms() + 100)  # wraps in 100 ms
    plug = plug_on(board)
    ups = await sampled(plug, 20)
    equal(ups, sorted(ups))
    assert ups[-1] < 60_000, ups


async def test_both_outlets_are_sampled_together() -> None:
    plug = plug_on(SimulatedBoard(2))
    await sampled(plug, 10)
    first, second = [outlet.ring for outlet in plug.outlets]
    equal(first.next, second.next)
    equal([first.up(i) for i in range(first.next)], [second.up(i) for i in range(second.next)])


async def test_a_new_interval_is_a_new_grid() -> None:
    plug = plug_on()
    ups = await sampled(plug, 15, lambda: plug.set_interval(30))
    steps = [ups[i + 1] - ups[i] for i in range(len(ups) - 1)]
    equal(steps[0] % STEP, 0)
    equal([step % 30 for step in steps[-5:]], [0] * 5)
    assert all(step > 0 for step in steps), steps


async def test_rare_samples_are_read_every_second_between() -> None:
    plug = plug_on(None, 60_000)
    moments = [plug.sampler._due(i) for i in range(61)]
    equal(moments[1] - moments[0], 1000)
    equal(moments[60] - moments[0], 60_000)
    plug = plug_on(None, 1500)
    equal(plug.sampler._due(2) - plug.sampler._due(0), 1500)


async def test_a_bad_meter_gives_null_samples_and_the_plug_goes_on() -> None:
    nan = float("nan")
    for reading in (OSError(5), (None, None, None), (nan, nan, nan)):
        board = SimulatedBoard()
        plug = plug_on(board)
        board.meters[0].reading = reading
        await sampled(plug, 6)
        for seq in range(6):
            equal(plug.outlets[0].ring.get(seq)[1:4], (None, None, None))
        assert board.fed >= 6


async def test_overload_cuts_the_relay_and_reports_it() -> None:
    board = SimulatedBoard(2)
    plug = plug_on(board)
    plug.outlets[1].max_power = 500_000
    board.meters[0].reading = (230, 4, 900)
    board.meters[1].reading = (230, 4, 501)
    await sampled(plug, 6)
    equal(board.relays, [True, False])
    equal(plug.reports, [(None, "overload")])
    equal(board.flash["relay"], b"[true, false]")
    newest = plug.outlets[1].ring.get(plug.outlets[1].ring.next - 1)
    equal((newest[3], newest[6]), (0, False))


async def test_power_at_the_limit_or_a_single_peak_cuts_nothing() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    outlet = plug.outlets[0]
    outlet.max_power = 500_000
    for power in (500_000, 4_879_000, 500_000, 900_000, 0, None, 900_000):
        equal(outlet.overloaded(0, power), False)
    equal(outlet.overloaded(0, 500_001), True)
    equal(board.relays, [False])


async def test_power_that_flows_back_counts_for_the_limit_too() -> None:
    plug = plug_on()
    outlet = plug.outlets[0]
    outlet.max_power = 500_000
    outlet.overloaded(0, -600_000)
    equal(outlet.overloaded(0, -600_000), True)


async def test_the_watchdog_is_fed_by_readings_alone() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    plug.outlets[0].record = None  # sampling fails every time
    task = asyncio.create_task(plug.run())
    await asyncio.sleep(0.1)
    plug.end()
    await task
    equal(board.fed, 0)


main(globals())
