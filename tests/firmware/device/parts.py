"""A plug on a simulated board, for the tests on the device."""

from firmware.boards.board import Settings
from firmware.boards.simulated import SimulatedBoard
from firmware.plug.app import Plug


def settings(interval_ms: int = 20) -> Settings:
    made = Settings("test-plug", "secret", "127.0.0.1", 1)  # nobody listens on port 1
    made.interval_ms = interval_ms
    made.ring_samples = 100
    return made


def plug_on(board=None, interval_ms: int = 20) -> Plug:
    """A plug that is not running; its relays are on."""
    board = board or SimulatedBoard()
    board.flash.setdefault("relay", b"[true, true]")
    return Plug(board, settings(interval_ms))
