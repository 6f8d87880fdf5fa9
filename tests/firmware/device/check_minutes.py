"""When a plug writes minutes, which, and what it sends of them until the hub has them."""

# MicroPython has no pathlib or contextlib
# ruff: noqa: PTH208, SIM105

import asyncio
import json
import os
import sys

from harness import equal, main
from parts import settings

from firmware.boards.simulated import SimulatedBoard
from firmware.plug.app import Plug
from firmware.plug.tasks import sleep_ms

COUNT = [0]


def board_with_flash(outlets: int = 1) -> SimulatedBoard:
    COUNT[0] += 1
    board = SimulatedBoard(outlets)
    board.minutes_folder = "{}/minutes{}".format(sys.argv[1] if len(sys.argv) > 1 else ".", COUNT[0])
    return board


def plug_with(board, count: int = 0, watts: int = 100) -> Plug:
    """A plug that is not running, in whose rings are `count` samples of one a second."""
    made = settings(1000)
    made.ring_samples = 2000
    plug = Plug(board, made)
    measure(plug, count, watts)
    return plug


def measure(plug, count: int, watts: int = 100) -> None:
    """Further samples: `watts`, and 10 W more in each tenth; 1 mWh each."""
    for outlet in plug.outlets:
        ring = outlet.ring
        for seq in range(ring.next, ring.next + count):
            outlet.counter.imported += 1
            power = (watts + (10 if seq % 10 == 9 else 0)) * 1000
            ring.append(seq * 1000, 23000, 0, power, outlet.counter.imported, 0, seq % 60 < 30)


async def write(plug) -> None:
    if not plug.minutes.writing:
        plug.minutes._begin()
    await plug.minutes._write()


def messages(plug) -> list:
    """Everything that is sent in one go."""
    plug.minutes.rewind()
    found = []
    while True:
        text = plug.minutes.message()
        if text is None:
            return found
        found.append(json.loads(text))
        plug.minutes.sent()


def spans(sent: list) -> list:
    return [(record["seq_from"], record["seq_to"]) for message in sent for record in message["minutes"]]


def ack(plug, entries: list, **fields) -> None:
    body = {"hub": "h", "session": "s", "acks": entries}
    body.update(fields)
    plug.link._ack(json.dumps(body).encode())


async def test_minutes_that_are_over_are_written_from_the_first_sample_on() -> None:
    plug = plug_with(board_with_flash(), 200)
    await write(plug)
    (message,) = messages(plug)
    equal((message["run"], message["channel"], message["reason"]), (plug.run_id, 0, "power_on"))
    equal(spans([message]), [(0, 0), (1, 59), (60, 119), (120, 179)])
    equal(
        message["minutes"][2],
        {
            "seq_from": 60,
            "seq_to": 119,
            "up": 119_000,
            "min": 100,
            "mean": 101,
            "max": 110,
            "energy_mwh": 120,
            "on_s": 30,
        },
    )
    measure(plug, 100)
    await plug.minutes._write()
    equal(spans(messages(plug))[4:], [(180, 239)])


async def test_what_the_hub_has_is_not_written() -> None:
    plug = plug_with(board_with_flash(), 300)
    ack(plug, [{"run": plug.run_id, "seq": 99, "seen": 99}])
    await write(plug)
    equal(spans(messages(plug)), [(100, 119), (120, 179), (180, 239)])


async def test_a_ring_that_moved_on_begins_where_it_can() -> None:
    plug = plug_with(board_with_flash(), 2500)
    await write(plug)
    equal(spans(messages(plug))[:3], [(500, 500), (501, 539), (540, 599)])


async def test_an_ack_ends_it_and_lets_go_of_what_it_says() -> None:
    board = board_with_flash()
    plug = plug_with(board, 300)
    await write(plug)
    ack(plug, [{"run": plug.run_id, "seq": 179, "seen": 250}])
    equal((plug.minutes.writing, spans(messages(plug))), (True, [(180, 239)]))
    ack(plug, [{"run": plug.run_id, "seq": 239, "seen": 299}])
    equal((plug.minutes.writing, messages(plug), os.listdir(board.minutes_folder)), (False, [], []))
    assert "older" not in json.loads(plug.status(None, None))


async def test_what_left_the_ring_is_let_go_by_name_alone() -> None:
    plug = plug_with(board_with_flash(), 600)
    await write(plug)
    measure(plug, 1700)
    ack(plug, [{"run": plug.run_id, "seq": 2299, "seen": 2299}])
    equal(spans(messages(plug))[-1], (240, 299))  # 300 is the ring's oldest
    ack(plug, [{"run": plug.run_id, "seq": 2299, "seen": 2299, "minutes": [[0, 118], [120, 200]]}])
    equal(spans(messages(plug)), [(60, 119), (180, 239), (240, 299)])
    for nonsense in (7, [7], [[1]], [["a", 9]], [[60, 119, 1]], {"a": 1}, None, [[-1, 500]], [[True, 500]]):
        ack(plug, [{"run": plug.run_id, "seq": 2299, "seen": 2299, "minutes": nonsense}])
    ack(plug, [{"run": plug.run_id, "channel": "0", "seq": 2299, "seen": 2299, "minutes": [[0, 500]]}])
    ack(plug, [{"run": "another", "seq": 2299, "seen": 2299, "minutes": [[0, 500]]}, {"minutes": [[0, 500]]}])
    ack(plug, [{"run": plug.run_id, "seq": 2299, "seen": 2299, "minutes": [[0, 500]]}], hub="another")
    equal(spans(messages(plug)), [(60, 119), (180, 239), (240, 299)])
    ack(plug, [{"run": plug.run_id, "seq": 2299, "seen": 2299, "minutes": [[60, 299]]}])
    equal(messages(plug), [])


async def test_after_a_power_cut_the_older_run_is_sent_first_and_the_counter_goes_on() -> None:
    board = board_with_flash(2)
    old = plug_with(board, 500)
    await write(old)
    board.power_cut()
    plug = plug_with(board, 0)
    equal([outlet.counter.imported for outlet in plug.outlets], [480, 480])
    measure(plug, 200)
    await write(plug)
    equal(json.loads(plug.status(None, None))["older"], [old.run_id])
    sent = messages(plug)
    equal(
        [(m["run"], m["channel"]) for m in sent], [(old.run_id, 0), (old.run_id, 1), (plug.run_id, 0), (plug.run_id, 1)]
    )
    equal(spans(sent[:1])[0], (0, 0))
    assert not any("ts" in record for message in sent for record in message["minutes"]), "nobody knew the time"
    ack(plug, [{"run": old.run_id, "channel": 1, "seq": 5, "seen": 5, "minutes": [[0, 479]]}])
    equal(messages(plug)[0]["run"], old.run_id)
    equal(len(messages(plug)), 3)
    board.power_cut()
    again = plug_with(board, 0)
    equal(len(messages(again)), 4)  # what was let go is remembered in RAM alone: the hub knows it and says so again


async def test_the_time_is_told_where_the_run_knew_it_at_last() -> None:
    board = board_with_flash()
    old = plug_with(board, 200)
    await write(old)
    now = 1_700_000_000_000
    ack(old, [], time=now)
    offset = old.clock.offset
    (message,) = messages(old)
    equal([record["ts"] for record in message["minutes"]], [record["up"] + offset for record in message["minutes"]])
    measure(old, 200)
    await old.minutes._write()  # in a part of its own, which carries the offset
    board.power_cut()
    (message,) = messages(plug_with(board, 0))
    equal([record["ts"] for record in message["minutes"]], [record["up"] + offset for record in message["minutes"]])
    assert len(message["minutes"]) > 5


async def test_minutes_begin_where_the_hubs_do_once_the_time_is_known() -> None:
    plug = plug_with(board_with_flash(), 300)
    plug.clock._offset = 1_700_000_020_000 // 60_000 * 60_000 + 20_000
    await write(plug)
    equal(spans(messages(plug))[:3], [(0, 0), (1, 39), (40, 99)])


async def test_a_message_holds_thirty() -> None:
    plug = plug_with(board_with_flash(), 1999)
    await write(plug)
    measure(plug, 1900)
    await plug.minutes._write()
    sent = messages(plug)
    equal([len(message["minutes"]) for message in sent], [30, 30, 5])
    assert max(len(json.dumps(message)) for message in sent) < 5000


async def test_a_meter_that_fails_is_null() -> None:
    plug = plug_with(board_with_flash())
    for seq in range(121):
        plug.outlets[0].ring.append(seq * 1000, None, None, None, 7, 0, False)
    await write(plug)
    last = messages(plug)[0]["minutes"][-1]
    equal((last["min"], last["mean"], last["max"], last["energy_mwh"], last["on_s"]), (None, None, None, 7, 0))


async def test_nothing_is_written_while_acks_come() -> None:
    board = board_with_flash()
    made = settings()
    made.minutes_after_ms = 150
    made.minutes_write_ms = 20
    plug = Plug(board, made)
    measure(plug, 100)
    task = asyncio.create_task(plug.minutes.run())
    for _ in range(20):
        await sleep_ms(20)
        ack(plug, [])
    equal((plug.minutes.writing, os.listdir(board.minutes_folder)), (False, []))
    for _ in range(100):
        await sleep_ms(20)
        if os.listdir(board.minutes_folder):
            break
    equal(plug.minutes.writing, True)
    assert os.listdir(board.minutes_folder)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


async def test_a_flash_that_fails_does_not_stop_the_plug() -> None:
    board = board_with_flash()
    plug = plug_with(board, 200)

    def broken(*arguments):
        raise OSError(28)

    plug.minutes._log._write = broken
    await write(plug)
    equal(messages(plug), [])
    assert any("minutes" in line for line in board.lines)
    board.minutes_folder = board.minutes_folder + "/nowhere/at all"
    plug = plug_with(board, 200)
    ack(plug, [{"run": plug.run_id, "seq": 99, "seen": 99, "minutes": [[0, 9]]}])
    equal((plug.minutes.counters, plug.minutes.rewind(), plug.minutes.message()), ({}, False, None))
    equal(await plug.minutes.run(), None)


main(globals())
