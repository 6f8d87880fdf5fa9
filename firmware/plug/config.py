"""The retained `config`: taken field by field, so that a wrong value costs only itself."""

from .payload import whole

SHORTEST_MS = 200
LONGEST_MS = 60_000
_POWER_ON = ("on", "off", "last")


def apply(plug, values: dict) -> list:
    """Take what is valid, return the names of what is not. Unknown names are for newer firmware and ignored."""
    wrong = []
    if "name" in values:
        if isinstance(values["name"], str):
            plug.name = values["name"][:64]
        else:
            wrong.append("name")
    if "led" in values:
        if isinstance(values["led"], bool):
            plug.led_on = values["led"]
            plug.show()
        else:
            wrong.append("led")
    if "interval_ms" in values:
        if whole(values["interval_ms"], SHORTEST_MS, LONGEST_MS):
            plug.set_interval(values["interval_ms"])
        else:
            wrong.append("interval_ms")
    channels = values.get("channels", {})
    if not isinstance(channels, dict):
        return wrong + ["channels"]
    for outlet in plug.outlets:
        settings = channels.get(str(outlet.channel), {})
        wrong += _outlet(outlet, settings) if isinstance(settings, dict) else ["channels"]
    return wrong


def _outlet(outlet, values: dict) -> list:
    wrong = []
    if "power_on_state" in values:
        if values["power_on_state"] in _POWER_ON:
            outlet.power_on_state = values["power_on_state"]
        else:
            wrong.append("power_on_state")
    if "max_power_w" in values:
        limit = values["max_power_w"]
        if limit is None:
            outlet.max_power = None
        elif isinstance(limit, (int, float)) and not isinstance(limit, bool) and 0 < limit <= 25_000:
            outlet.max_power = int(limit * 1000)
        else:
            wrong.append("max_power_w")
    return wrong
