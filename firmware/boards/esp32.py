"""ESP32: relay, LED and button on pins, INA219 on I2C, RTC memory, Wi-Fi, watchdog."""

import asyncio
import binascii
import json
import os
import time

import machine
import network

from .board import Board, Settings
from .ina219 import INA219

_JOIN_MS = 20_000
_WATCHDOG_MS = 60_000  # longer than a DNS lookup, which blocks


def read_settings(path: str = "settings.json") -> dict:
    """The file that says who this plug is (docs/firmware.md). Raises OSError or ValueError."""
    with open(path) as file:
        return json.load(file)


def plug_settings(values: dict) -> Settings:
    """Settings for the firmware out of the file's values."""
    settings = Settings(values["hardware_id"], values.get("secret", ""), values["host"], values.get("port", 1883))
    settings.code = values.get("code")
    settings.hub = values.get("hub")
    settings.ring_samples = values.get("ring_samples", 1800)
    settings.minutes_bytes = values.get("minutes_bytes", 131_072)
    return settings


class ESP32(Board):
    """Pins come from the settings file: relays, led, button, scl, sda; one INA219 address an outlet."""

    model = "esp32-ina219"
    minutes_folder = "minutes"

    def __init__(self, values: dict) -> None:
        pins = values["pins"]
        # First of all, so that relays stay as they are wired until the firmware decides
        relays = [machine.Pin(pin, machine.Pin.OUT) for pin in pins["relays"]]
        self._led = machine.Pin(pins["led"], machine.Pin.OUT) if "led" in pins else None
        self._button = machine.Pin(pins["button"], machine.Pin.IN, machine.Pin.PULL_UP) if "button" in pins else None
        self.has_button = self._button is not None
        self._wifi = (values["ssid"], values["password"])
        # With the radio on the random numbers are random
        self._station = network.WLAN(network.STA_IF)
        self._station.active(True)
        self._rtc = machine.RTC()
        i2c = machine.I2C(0, scl=machine.Pin(pins["scl"]), sda=machine.Pin(pins["sda"]), freq=400_000)
        addresses = values.get("meters", [0x40 + i for i in range(len(relays))])
        shunt = values.get("shunt_mohm", 100)
        self._meters = [INA219(i2c, address, shunt) for address in addresses]
        self.outlets = [(meter, relay.value) for meter, relay in zip(self._meters, relays)]
        for meter, gains in zip(self._meters, json.loads(self.load("calibration") or b"[]")):
            meter.gains.update(gains)
        self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)

    def ticks_ms(self) -> int:
        return time.ticks_ms()

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def reset_reason(self) -> str:
        # A brownout is reported as a watchdog reset; the firmware tells them apart by the RTC memory
        return {
            machine.PWRON_RESET: "power_on",
            machine.HARD_RESET: "reset",
            machine.WDT_RESET: "watchdog",
            machine.DEEPSLEEP_RESET: "sleep",
            machine.SOFT_RESET: "software",
        }.get(machine.reset_cause(), "unknown")

    def rtc_read(self) -> bytes:
        return self._rtc.memory()

    def rtc_write(self, data: bytes) -> None:
        self._rtc.memory(data)

    def load(self, name: str):
        try:
            with open("state_" + name, "rb") as file:
                data = file.read()
        except OSError:
            return None
        # A power cut while writing leaves a file that is not whole
        return data[4:] if data[:4] == binascii.crc32(data[4:]).to_bytes(4, "big") else None

    def save(self, name: str, data: bytes) -> None:
        with open("state_" + name, "wb") as file:
            file.write(binascii.crc32(data).to_bytes(4, "big") + data)

    def erase(self, name: str) -> None:
        try:
            os.remove("state_" + name)
        except OSError:
            pass  # there is none

    async def network(self) -> None:
        station = self._station
        if station.isconnected():
            return
        try:
            station.connect(*self._wifi)
        except OSError:
            station.disconnect()  # it was still trying: begin again
            station.connect(*self._wifi)
        for _ in range(_JOIN_MS // 100):
            if station.isconnected():
                return
            await asyncio.sleep_ms(100)
        station.disconnect()
        raise OSError("no Wi-Fi")

    def rssi(self):
        try:
            return self._station.status("rssi")
        except OSError:
            return None

    def led(self, on: bool) -> None:
        if self._led is not None:
            self._led.value(on)

    def button(self) -> bool:
        return not self._button.value()

    def feed_watchdog(self) -> None:
        self._watchdog.feed()

    def calibrate(self, channel: int, quantity, value) -> bool:
        try:
            done = self._meters[channel].calibrate(quantity, value)
        except OSError:
            return False
        if done:
            self.save("calibration", json.dumps([meter.gains for meter in self._meters]).encode())
        return done

    def reset(self) -> None:
        machine.reset()
