# ruff: noqa: PTH123, PTH104, PTH107, PTH116, SIM105
"""A plug with a code on its label as a process, its flash and its button in a folder: run_pairing.py '{"port":1}'."""

import asyncio
import json
import os
import sys

from firmware.boards.board import Settings
from firmware.boards.simulated import SimulatedBoard
from firmware.plug.app import Plug


class FolderBoard(SimulatedBoard):
    """Flash outlives the process; while a file `pressed` is there, somebody holds the button."""

    def __init__(self, folder: str) -> None:
        super().__init__(verbose=True)
        self.has_button = True
        self.plug = None
        self.again = True
        self._folder = folder

    def load(self, name: str):
        try:
            with open(self._folder + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def save(self, name: str, data: bytes) -> None:
        with open(self._folder + "/" + name + ".part", "wb") as file:
            file.write(data)
        os.rename(self._folder + "/" + name + ".part", self._folder + "/" + name)

    def erase(self, name: str) -> None:
        try:
            os.remove(self._folder + "/" + name)
        except OSError:
            pass

    def button(self) -> bool:
        try:
            os.stat(self._folder + "/pressed")
            return True
        except OSError:
            return False

    def reset(self) -> None:
        self.again = True
        self.plug.end()


async def main(values: dict) -> None:
    board = FolderBoard(values["folder"])
    settings = Settings(values["hardware_id"], values.get("secret", ""), "127.0.0.1", values["port"])
    settings.code = values["code"]
    settings.interval_ms = 200
    settings.ring_samples = 300
    settings.replay_wait_ms = 0
    settings.backoff_max_ms = 300
    settings.pair_ms = values.get("pair_ms", 200)
    settings.reset_hold_ms = values.get("reset_hold_ms", 300)
    while board.again:
        board.again = False
        board.plug = Plug(board, settings)
        await board.plug.run()
        board.reason = "software"


asyncio.run(main(json.loads(sys.argv[1])))
