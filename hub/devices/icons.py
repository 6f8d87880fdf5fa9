"""The pictures that a device can have: those that the web app draws."""

from hub.messages import HubError

ICONS = (
    *("plug", "wash-machine", "dryer", "dish", "fridge", "snowflake", "kettle", "coffee", "microwave", "toaster"),
    *("device-tv", "device-speaker", "device-gamepad-2", "device-desktop", "device-laptop", "printer", "router"),
    *("lamp", "bulb", "heater", "air-conditioning", "ironing", "vacuum-cleaner"),
)


def require_icon(icon: str) -> None:
    """Raises HubError("icon-unknown")."""
    if icon not in ICONS:
        raise HubError("icon-unknown", field="icon", icon=icon, icons=list(ICONS))
