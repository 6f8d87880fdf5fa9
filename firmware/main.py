"""Runs on an ESP32 after boot.py: the plug, for ever; whatever ends it restarts the board."""

import asyncio
import sys
import time

import machine
from boards.esp32 import ESP32, plug_settings, read_settings
from plug.app import Plug


def main() -> None:
    """Read the settings, make the board and run the plug."""
    values = read_settings()
    asyncio.run(Plug(ESP32(values), plug_settings(values)).run())


try:
    main()
except KeyboardInterrupt:
    raise  # somebody at the console wants to work on it
except Exception as error:
    sys.print_exception(error)
    time.sleep(10)
    machine.reset()
