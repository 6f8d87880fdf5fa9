"""Commands from `control`: each id is carried out once and answered every time with a fresh status."""

from . import config
from .payload import parse, whole

_REMEMBERED = 32  # ids; a QoS 1 message may come twice
_IDENTIFY_MS = 10_000


class Control:
    """Carries commands out at once; the answers go through plug.report."""

    def __init__(self, plug) -> None:
        self._plug = plug
        self._done = []  # (id, error) of the newest commands

    def message(self, payload: bytes, retained: bool) -> None:
        """One `control` message; what is no command is ignored."""
        values = parse(payload)
        # A retained command would be carried out again at every reconnect.
        if retained or values is None or not isinstance(values.get("command"), str):
            return
        command_id = values.get("id")
        if command_id is not None and not (isinstance(command_id, str) and 0 < len(command_id) <= 64):
            return
        for known, error in self._done:
            if known == command_id:
                self._plug.report(command_id, error)
                return
        error = self._carry_out(values)
        if command_id is not None:
            self._done = self._done[1 - _REMEMBERED :] + [(command_id, error)]
        self._plug.report(command_id, error)
        if values["command"] == "reboot" and error is None:
            self._plug.reboot()

    def _carry_out(self, values: dict):
        plug = self._plug
        now = plug.clock.now()
        expires = values.get("expires")
        if isinstance(expires, int) and now is not None and now > expires:
            return "late"
        command = values["command"]
        channel = values.get("channel", 0)
        if not whole(channel, 0, len(plug.outlets) - 1):
            return "invalid"
        outlet = plug.outlets[channel]
        if command == "relay_on":
            if outlet.locked(plug.uptime.ms()):
                return "overload"
            plug.switch(outlet, True)
        elif command == "relay_off":
            plug.switch(outlet, False)
        elif command == "identify":
            plug.identify(_IDENTIFY_MS)
        elif command == "configure":
            if config.apply(plug, values):
                return "invalid"
        elif command == "calibrate":
            if not plug.board.calibrate(channel, values.get("quantity"), values.get("value")):
                return "invalid"
        elif command != "reboot":
            return "unknown"
        return None
