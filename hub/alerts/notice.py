"""What people are told of an alert, as sentences by id."""

from hub.alerts.alert import OFFLINE, POWER_ABOVE, Alert
from hub.devices.device import Device
from hub.messages import Message

LONG_S = 60.0
"""What has been so for this long is said with its duration, also where it fired at once."""


def fires(alert: Alert, device: Device, watts: float | None, *, after: float = 0.0) -> Message:
    """Why it fires. watts: measured last, None = nothing since the hub's start; after: seconds since it fired."""
    lasts = alert.hold_s + after
    long = alert.hold_s > 0 or lasts >= LONG_S
    values = {
        "outlet": outlet_name(device, alert.channel),
        "duration": duration(lasts),
        "threshold": plain(alert.threshold or 0.0),
        "watts": None if watts is None else plain(watts),
    }
    if alert.kind == OFFLINE:
        return Message("alert-offline" if long else "alert-offline-now", values)
    above = alert.kind == POWER_ABOVE
    if watts is None:
        return Message("alert-above-unknown" if above else "alert-below-unknown", values)
    if long:
        return Message("alert-above" if above else "alert-below", values)
    return Message("alert-above-now" if above else "alert-below-now", values)


def ended(kind: str, device: Device, channel: int, lasted: float | None) -> Message:
    """That it is over, after so many seconds."""
    values = {"outlet": outlet_name(device, channel), "duration": duration(lasted or 0)}
    return Message("alert-back" if kind == OFFLINE else "alert-ended", values)


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


def plain(watts: float) -> float | Message:
    """Whole watts, thousands set apart; below 10 W one decimal."""
    if abs(watts) < 10 and watts != int(watts):
        return round(watts, 1)
    whole = round(watts)
    if abs(whole) < 1000:
        return whole
    return Message("alert-thousands", {"thousands": int(whole / 1000), "rest": f"{abs(whole) % 1000:03}"})
