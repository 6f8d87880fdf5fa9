"""What people are told of an alert, as sentences by id."""

from hub.alerts.alert import OFFLINE, POWER_ABOVE, Alert
from hub.devices.device import Device
from hub.messages import Message


def fires(alert: Alert, device: Device, watts: float | None) -> Message:
    """Why it fires. watts: measured last, None = nothing since the hub's start."""
    values = {
        "outlet": outlet_name(device, alert.channel),
        "duration": duration(alert.hold_s),
        "threshold": plain(alert.threshold or 0.0),
        "watts": None if watts is None else plain(watts),
    }
    if alert.kind == OFFLINE:
        return Message("alert-offline" if alert.hold_s else "alert-offline-now", values)
    above = alert.kind == POWER_ABOVE
    if watts is None:
        return Message("alert-above-unknown" if above else "alert-below-unknown", values)
    if alert.hold_s:
        return Message("alert-above" if above else "alert-below", values)
    return Message("alert-above-now" if above else "alert-below-now", values)


def ended(alert: Alert, device: Device, lasted: float | None) -> Message:
    """That it is over, after so many seconds."""
    values = {"outlet": outlet_name(device, alert.channel), "duration": duration(lasted or 0)}
    return Message("alert-back" if alert.kind == OFFLINE else "alert-ended", values)


def outlet_name(device: Device, channel: int) -> str:
    """The plug, and which of its outlets where it has several."""
    if len(device.channels) <= 1:
        return device.name
    return f"{device.name}, {device.channels[channel].name or channel + 1}"


def duration(seconds: float) -> Message:
    """Two units at most, no zero unit."""
    if round(seconds) < 60:
        return Message("alert-seconds", {"seconds": round(seconds)})
    minutes = round(seconds / 60)
    if minutes < 60:
        return Message("alert-minutes", {"minutes": minutes})
    hours, minutes = divmod(minutes, 60)
    if not minutes:
        return Message("alert-hours", {"hours": hours})
    return Message("alert-hours-minutes", {"hours": hours, "minutes": f"{minutes:02}"})


def plain(watts: float) -> float:
    """Whole watts; below 10 W one decimal."""
    if abs(watts) >= 10 or watts == int(watts):
        return round(watts)
    return round(watts, 1)
