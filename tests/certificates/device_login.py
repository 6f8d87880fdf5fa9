"""A plug that logs in over TLS, on either Python: device_login.py PORT FILE (the CA as DER). Prints what came of it."""

import asyncio
import sys
import time

from firmware.boards.board import Settings
from firmware.boards.simulated import SimulatedBoard
from firmware.plug.mqtt import Client
from firmware.plug.uptime import Uptime


async def main(port: int, ca: bytes) -> None:
    board = SimulatedBoard(1)
    settings = Settings("plug-1", "secret", "127.0.0.1", port)
    will = ("smartplug/plug-1/status", b"gone")
    login = ("plug-1", "plug-1", "secret")
    client = Client(login, will, settings, Uptime(board.ticks_ms), lambda topic, payload, retained: None, print)
    print("year", time.gmtime()[0])
    try:
        await client.connect("127.0.0.1", port, board.tls(ca))
    except (OSError, ValueError) as error:
        print("refused", repr(error))
        await client.close(False)
        return
    await client.publish("smartplug/plug-1/telemetry", b'{"voltage":230,"current":1}', 1)
    print("acknowledged")
    await client.close()


with open(sys.argv[2], "rb") as file:  # noqa: PTH123 (MicroPython has no pathlib)
    authority = file.read()
asyncio.run(main(int(sys.argv[1]), authority))
