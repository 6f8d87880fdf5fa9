"""A plug on a simulated board as a process: run_plug.py '{"port":1883, "events":[[300,"watts",0,900]]}'."""

import asyncio
import json
import sys

from firmware.boards.board import Settings
from firmware.boards.simulated import SimulatedBoard
from firmware.plug.app import Plug
from firmware.plug.tasks import sleep_ms


def read(board, outlet: int, volts, amps, watts) -> None:
    board.meters[outlet].reading = (volts, amps, watts)


async def play(events: list, board, plug) -> None:
    """Each event is [ms to wait, what, its arguments]."""
    for event in events:
        await sleep_ms(event[0])
        if event[1] == "watts":
            read(board, event[2], 230, event[3] / 230, event[3])
        elif event[1] == "nan":
            nan = float("nan")
            read(board, event[2], nan, nan, nan)
        elif event[1] == "broken":
            board.meters[event[2]].reading = OSError(5)
        elif event[1] == "button":
            board.pressed = event[2]
        elif event[1] == "end":
            plug.end()
        else:
            raise ValueError(event)


async def main(values: dict) -> None:
    board = SimulatedBoard(values.get("outlets", 1), verbose=True)
    board.has_button = True
    board.flash["relay"] = b"[true, true]"
    name, secret = values.get("login", ("test-plug", "the secret"))
    settings = Settings(name, secret, "127.0.0.1", values["port"])
    settings.interval_ms = values.get("interval_ms", 50)
    settings.ring_samples = values.get("ring_samples", 1800)
    settings.replay_wait_ms = values.get("replay_wait_ms", 0)
    settings.backoff_max_ms = values.get("backoff_max_ms", 1000)
    settings.answer_ms = values.get("answer_ms", 20_000)
    settings.keepalive_s = values.get("keepalive_s", 30)
    board.minutes_folder = values.get("minutes_folder")
    settings.minute_ms = values.get("minute_ms", 60_000)
    settings.minutes_after_ms = settings.minutes_write_ms = values.get("minutes_ms", 300_000)
    plug = Plug(board, settings)
    events = asyncio.create_task(play(values.get("events", []), board, plug))
    await plug.run()
    events.cancel()
    print("resets", board.resets)


asyncio.run(main(json.loads(sys.argv[1])))
