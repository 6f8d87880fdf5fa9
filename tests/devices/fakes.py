"""What the tests of devices and people put at the hub's edges: a broker and a driver."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hub.bus import Bus
from hub.events import Event
from hub.plugins.contract import Batch, Command, Outgoing, Settings, Status
from hub.sample import Sample

NOW = 1_700_000_000_000


class FakeDriver:
    """JSON, so that what was sent can be read in the tests."""

    name = "smartplug"
    counter_resolution_mwh = 1

    def __init__(self, mdns_type: str | None = "_smartplug._tcp.local.") -> None:
        self.mdns_type = mdns_type

    def decode(self, suffix: str, payload: bytes) -> Sample | Batch | Status | None:
        raise NotImplementedError

    def encode_command(self, command: Command) -> Outgoing:
        asked = {"id": command.id, "command": command.command, "channel": command.channel, "expires": command.expires}
        return Outgoing("control", json.dumps({**asked, **command.values}).encode())

    def encode_settings(self, settings: Settings) -> Outgoing:
        channels = {str(number): dict(values) for number, values in settings.channels.items()}
        told = {"name": settings.name, "timezone": settings.timezone, "channels": channels}
        return Outgoing("config", json.dumps(told).encode(), retain=True)

    def encode_ack(self, ack: Mapping[str, Any]) -> Outgoing | None:
        return None

    def found(self, name: str, properties: Mapping[str, str]) -> tuple[str, str] | None:
        return (properties["id"], properties.get("model", "")) if "id" in properties else None


class FakeBroker:
    """Remembers what was sent; `on_send` lets a plug answer within the call."""

    def __init__(self) -> None:
        self.connected: set[str] = set()
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.retained: list[tuple[str, str, bytes]] = []
        self.dropped: list[str] = []
        self.on_send: Callable[[dict[str, Any]], None] | None = None

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        if hardware_id not in self.connected:
            return False
        message = json.loads(payload)
        self.sent.append((hardware_id, suffix, message))
        if self.on_send is not None:
            self.on_send(message)
        return True

    def retain(self, hardware_id: str, suffix: str, payload: bytes) -> None:
        self.retained.append((hardware_id, suffix, payload))

    def is_connected(self, hardware_id: str) -> bool:
        return hardware_id in self.connected

    def drop(self, hardware_id: str) -> None:
        self.dropped.append(hardware_id)

    def subscribe(self, topic_filter: str, handler: Callable[[str, bytes, bool], None]) -> Callable[[], None]:
        raise NotImplementedError

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        raise NotImplementedError

    def stats(self) -> dict[str, int]:
        return {}


def record(bus: Bus, *kinds: type[Event]) -> list[Event]:
    """Everything of these types that is published from now on."""
    heard: list[Event] = []
    for kind in kinds:
        bus.subscribe(kind, heard.append, "test")
    return heard
