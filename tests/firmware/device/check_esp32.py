"""The ESP32's board against stand-ins for `machine` and `network`, laid out as on the plug's own flash."""

# MicroPython has no pathlib
# ruff: noqa: PTH107, PTH109, PTH123

import asyncio
import json
import os
import sys
import time

from harness import equal, main, raises
from ina219_chip import Chip

sys.path.insert(0, os.getcwd() + "/../../../firmware")
os.chdir(sys.argv[1])  # the plug's flash
levels = {}  # of pins
calls = []  # of the radio


class Pin:
    OUT, IN, PULL_UP = 1, 2, 3

    def __init__(self, number: int, mode=None, pull=None) -> None:
        self.number = number

    def value(self, level=None):
        if level is None:
            return levels.get(self.number, 1)
        levels[self.number] = level
        return None


class RTC:
    content = b""

    def memory(self, data=None):
        if data is None:
            return RTC.content
        RTC.content = data
        return None


class WDT:
    fed = 0

    def __init__(self, timeout: int) -> None:
        equal(timeout, 60_000)

    def feed(self) -> None:
        WDT.fed += 1


class WLAN:
    joins = True

    def __init__(self, interface: int) -> None:
        self.joined = False

    def active(self, on: bool) -> None:
        calls.append("active")

    def isconnected(self) -> bool:
        return self.joined

    def connect(self, ssid: str, password: str) -> None:
        calls.append((ssid, password))
        self.joined = WLAN.joins

    def disconnect(self) -> None:
        calls.append("disconnect")

    def status(self, what: str) -> int:
        equal(what, "rssi")
        return -61


class Restarted(BaseException):
    pass


class Machine:
    Pin, RTC, WDT = Pin, RTC, WDT
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
    cause = 1
    chip = Chip()

    @staticmethod
    def I2C(number: int, scl=None, sda=None, freq: int = 0):
        return Machine.chip

    @staticmethod
    def reset_cause() -> int:
        return Machine.cause

    @staticmethod
    def reset() -> None:
        raise Restarted


class Network:
    WLAN = WLAN
    STA_IF = 0


sys.modules["machine"] = Machine
sys.modules["network"] = Network
if not hasattr(asyncio, "sleep_ms"):  # CPython

    def sleep_ms(ms: int):
        return asyncio.sleep(ms / 1000)

    asyncio.sleep_ms = sleep_ms
    asyncio.wait_for_ms = lambda awaitable, ms: asyncio.wait_for(awaitable, ms / 1000)
    time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000

VALUES = {
    "hardware_id": "plug-1",
    "secret": "s",
    "host": "127.0.0.1",
    "port": 1,
    "ssid": "home",
    "password": "wifi",
    "pins": {"relays": [12], "led": 2, "button": 0, "scl": 22, "sda": 21},
}


def board():
    from boards.esp32 import ESP32

    return ESP32(VALUES)


def forget_flash() -> None:
    for name in ("config", "relay", "calibration"):
        try:
            os.remove("state_" + name)
        except OSError:
            continue  # it was not there


def test_a_plug_measures_and_switches() -> None:
    from boards.esp32 import plug_settings
    from plug.app import Plug

    forget_flash()
    Machine.chip.volts, Machine.chip.amps = 12.0, 0.5
    made = board()
    settings = plug_settings(VALUES)
    settings.interval_ms = 20

    async def live() -> None:
        plug = Plug(made, settings)
        plug.switch(plug.outlets[0], True)
        task = asyncio.create_task(plug.run())
        while plug.outlets[0].ring.next < 5:
            await asyncio.sleep(0.01)
        plug.end()
        await task
        equal(plug.outlets[0].ring.get(4)[1:4], (1200, 5000, 6000))
        equal(json.loads(plug.status(None, None))["rssi"], -61)

    asyncio.run(live())
    equal((levels[12], levels[2]), (True, True))
    assert WDT.fed >= 5
    assert len(RTC.content) > 0
    equal(made.load("relay"), b"[true]")
    forget_flash()


def test_the_radio_is_on_before_random_numbers_are_drawn() -> None:
    calls.clear()
    board()
    equal(calls, ["active"])


def test_reset_reasons() -> None:
    made = board()
    reasons = []
    for cause in (1, 2, 3, 4, 5, 0):
        Machine.cause = cause
        reasons.append(made.reset_reason())
    Machine.cause = 1
    equal(reasons, ["power_on", "reset", "watchdog", "sleep", "software", "unknown"])


def test_flash_survives_and_a_torn_file_does_not_count() -> None:
    forget_flash()
    made = board()
    equal(made.load("config"), None)
    made.save("config", b'{"name":"x"}')
    equal(board().load("config"), b'{"name":"x"}')
    with open("state_config", "wb") as file:
        file.write(b"\x01\x02\x03\x04{")
    equal(made.load("config"), None)
    forget_flash()


def test_a_plug_with_a_code_is_unpaired_and_forgets_by_its_button() -> None:
    from boards.esp32 import plug_settings
    from plug.app import Plug

    made = board()
    values = dict(VALUES)
    del values["secret"]
    values["code"] = "K7QM-2XPA-9D4T-HV3N"
    settings = plug_settings(values)
    equal(Plug(made, settings).pairing.needed, True)
    made.save("pair", b'{"hub":"h","secret":"s","ca":null,"port":null,"sure":true}')
    plug = Plug(board(), settings)
    equal((plug.pairing.needed, plug.hub, plug.pairing.login()[2]), (False, "h", "s"))
    made.erase("config")  # there is none
    try:
        plug.unpair()
        raise AssertionError("it did not restart")
    except Restarted:
        equal(made.load("pair"), None)
    forget_flash()


def test_calibration_is_kept() -> None:
    forget_flash()
    Machine.chip.volts = 12.0
    equal(board().calibrate(0, "voltage", 12.3), True)
    voltage = board().outlets[0][0].read()[0]
    assert abs(voltage - 12_300) <= 1, voltage
    equal(board().calibrate(0, "voltage", 99), False)
    Machine.chip.absent = True
    equal(board().calibrate(0, "voltage", 12.3), False)
    Machine.chip.absent = False
    forget_flash()


def test_wifi() -> None:
    made = board()
    calls.clear()
    asyncio.run(made.network())
    asyncio.run(made.network())  # joined already
    equal(calls, [("home", "wifi")])


def test_no_wifi_is_an_oserror() -> None:
    from boards import esp32

    made = board()
    WLAN.joins = False
    esp32._JOIN_MS = 200
    raises(OSError, asyncio.run, made.network())
    WLAN.joins = True


def test_the_button_is_pressed_when_it_is_low() -> None:
    made = board()
    levels[0] = 0
    equal(made.button(), True)
    levels[0] = 1
    equal(made.button(), False)


def test_main_restarts_the_board_when_it_cannot_work() -> None:
    if not hasattr(sys, "print_exception"):
        return  # main.py is MicroPython's alone
    slept = []

    class Time:
        sleep = slept.append

    real, sys.modules["time"] = sys.modules.get("time", time), Time
    try:
        raises(Restarted, __import__, "main")  # there is no settings.json here
    finally:
        sys.modules["time"] = real
    equal(slept, [10])


main(globals())
