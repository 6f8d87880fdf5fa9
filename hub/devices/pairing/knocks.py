"""Unpaired plugs that try to log in while nobody waits for them: they are there, and may be added."""

from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.devices.device import HARDWARE_ID
from hub.devices.discovery import Found
from hub.devices.registry import Registry
from hub.events import DeviceFound

MOST = 20  # anybody in the network can knock
GONE_AFTER_S = 30.0
DRIVER = "smartplug"


class Knocks:
    """Who knocked in the last half minute, and from where."""

    def __init__(self, bus: Bus, clock: Clock, registry: Registry) -> None:
        self._bus = bus
        self._clock = clock
        self._registry = registry
        self._last: dict[str, tuple[float, str]] = {}  # hardware_id -> (monotonic seconds, address)
        self._sweep: Timer | None = None

    def knocked(self, hardware_id: str, peer: str) -> None:
        """One try."""
        if not HARDWARE_ID.fullmatch(hardware_id):
            return
        news = hardware_id not in self._last
        if news and len(self._last) >= MOST:
            return
        self._last[hardware_id] = self._clock.monotonic(), peer
        if self._sweep is None:
            self._sweep = self._clock.call_later(GONE_AFTER_S, self._forget)
        if news:
            self._tell(hardware_id, peer, gone=False)

    def now(self) -> list[Found]:
        """Those that are no device yet, by name."""
        return [found(name, peer) for name, (_, peer) in sorted(self._last.items()) if self._is_stranger(name)]

    def left(self, hardware_id: str) -> None:
        """It knocks no more: it is paired."""
        _, peer = self._last.pop(hardware_id, (0.0, None))
        if peer is not None:
            self._tell(hardware_id, peer, gone=True)

    def stop(self) -> None:
        """Forget them."""
        self._last.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _forget(self) -> None:
        self._sweep = None
        now = self._clock.monotonic()
        for name, (last, peer) in list(self._last.items()):
            if now - last >= GONE_AFTER_S:
                del self._last[name]
                self._tell(name, peer, gone=True)
        if self._last:
            self._sweep = self._clock.call_later(GONE_AFTER_S, self._forget)

    def _is_stranger(self, hardware_id: str) -> bool:
        return self._registry.by_hardware(hardware_id) is None

    def _tell(self, hardware_id: str, peer: str, gone: bool) -> None:
        if self._is_stranger(hardware_id):
            self._bus.publish(DeviceFound(hardware_id, hardware_id, "", peer, gone))


def found(hardware_id: str, peer: str) -> Found:
    """As discovery lists it."""
    return Found(hardware_id, hardware_id, "", peer, DRIVER)
