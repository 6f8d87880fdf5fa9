"""What the hub is started with, for every layer."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from hub.app.started import Started
from hub.bus import Bus
from hub.clock import Clock
from hub.config import Configuration
from hub.config.schema import ExternalMqtt
from hub.plugins import PluginManager
from hub.ports import Ports


class Options(msgspec.Struct, frozen=True):
    """What the command line says beside the configuration. Ports None = the configuration's."""

    data: Path
    host: str | None = None
    http_port: int | None = None
    mqtt_port: int | None = None
    https_port: int | None = None
    mqtts_port: int | None = None
    demo: bool = False
    config: Path | None = None


class Addresses:
    """Where the hub listens. A port is 0 until it is open."""

    def __init__(self) -> None:
        self.http_port = self.https_port = self.mqtt_port = self.mqtts_port = 0
        self.local = "127.0.0.1"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the web app."""
        return f"http://{self.local}:{self.http_port}"

    @property
    def https_url(self) -> str:
        """The same over HTTPS."""
        return f"https://{self.local}:{self.https_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What every layer is built with. `started` and `addresses` fill as the layers start."""

    options: Options
    configuration: Configuration
    plugins: PluginManager
    bus: Bus
    clock: Clock
    ports: Ports
    addresses: Addresses
    started: Started

    @property
    def external(self) -> ExternalMqtt | None:
        """The home's own broker, if it is used in place of the embedded one."""
        return None if self.options.demo else self.configuration.network.mqtt.external

    @property
    def by_hand(self) -> bool:
        """Do people write the logins into the files of their own broker?"""
        return self.external is not None and not self.external.dynamic_security
