"""A plug whose firmware is older than the one that the hub brings is shown as such; other firmware is left alone."""

import asyncio

import pytest

from firmware.boards.desktop import DesktopPlug
from firmware.plug import NAME, VERSION
from hub.devices.firmware import Firmware
from hub.testing.process import HubProcess

BROUGHT = Firmware("smartplug", "1.4.0")


@pytest.mark.parametrize(
    ("reported", "newer"),
    [
        ("smartplug 1.3.9", "1.4.0"),
        ("smartplug 1.4.0-rc.1", "1.4.0"),
        ("smartplug 1.4.0", None),
        ("smartplug 1.10.0", None),
        ("smartplug", None),
        ("smartplug of mine", None),
        ("Tasmota 1.0.0", None),
        ("1.0.0", None),
        ("", None),
        (None, None),
    ],
)
def test_only_ones_own_and_only_older(reported: str | None, newer: str | None) -> None:
    assert BROUGHT.newer_than(reported) == newer


async def test_a_real_plug_says_what_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = HubProcess()
    try:
        await hub.start()
        await hub.set_up()
        assert (await hub.call("GET", "/system/updates"))["firmware"] == VERSION
        for version, newer in (("0.0.9", VERSION), (VERSION, None)):
            monkeypatch.setattr("firmware.plug.app.VERSION", version)
            name = f"plug-{version.replace('.', '-')}"
            device, secret = await hub.add_plug(name)
            plug = DesktopPlug("127.0.0.1", hub.mqtt_port, name, secret)
            await plug.start()
            try:
                await plug.wait_online()
                shown = await hub.call("GET", f"/devices/{device}")
                while shown["firmware"] is None:  # it is on its way to the registry
                    await asyncio.sleep(0.02)
                    shown = await hub.call("GET", f"/devices/{device}")
            finally:
                await plug.stop()
            assert shown["firmware"] == f"{NAME} {version}"
            assert shown["newer_firmware"] == newer
    finally:
        await hub.close()
