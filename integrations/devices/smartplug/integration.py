"""Gives the hub the driver of the smart plug device contract."""

from hub.plugins import DeviceDriver, Hub, hookimpl
from integrations.devices.smartplug.driver import SmartplugDriver

api = 1


@hookimpl
def plughub_device_driver(hub: Hub) -> DeviceDriver:
    """The driver named "smartplug"."""
    return SmartplugDriver()
