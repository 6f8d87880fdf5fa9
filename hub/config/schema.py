"""The hub's own sections of configuration.yaml: what may stand in them, and the types that they become."""

from typing import Any

import msgspec
import voluptuous as vol

from hub.config.validators import (
    DAY,
    Address,
    Currency,
    Duration,
    Flag,
    ListOf,
    Network,
    OneOf,
    Section,
    Size,
    Text,
    TimeZone,
    Whole,
)

LEVELS = ("debug", "info", "warning", "error")


class Log(msgspec.Struct, frozen=True):
    """`levels`: part (broker, telemetry, ntfy ...) → level."""

    level: str = "info"
    format: str = "text"
    levels: dict[str, str] = {}


class HubSection(msgspec.Struct, frozen=True):
    """`name`: how the hub announces itself; `clock`: "trusted" or "auto" (docs/configuration.md)."""

    name: str = "Smart Plug AI"
    log: Log = Log()
    clock: str = "auto"


class HomeSection(msgspec.Struct, frozen=True):
    """What YAML declares of the first home; None is left to the web app."""

    name: str | None = None
    time_zone: str | None = None
    currency: str | None = None
    language: str | None = None


class Mqtt(msgspec.Struct, frozen=True):
    """The broker's listener; `host` None = as for the web."""

    host: str | None = None
    port: int = 1883


class NetworkSection(msgspec.Struct, frozen=True):
    """`host`: address to listen on; `trusted_proxies`: networks whose forwarding headers count."""

    host: str = "0.0.0.0"  # noqa: S104 - a hub is there for the whole home network
    http_port: int = 8080
    mqtt: Mqtt = Mqtt()
    mdns: bool = True
    trusted_proxies: tuple[str, ...] = ()


class Retention(msgspec.Struct, frozen=True, rename={"minute": "1m", "five_minutes": "5m", "hour": "1h", "day": "1d"}):
    """How long each resolution is kept and answered, in ms."""

    raw: int = 7 * DAY
    minute: int = 30 * DAY
    five_minutes: int = 30 * DAY
    hour: int = 365 * DAY
    day: int = 5 * 365 * DAY


class HistorySection(msgspec.Struct, frozen=True):
    """`store`: the plugin that keeps history; `commit_interval` in ms; `log_limit` in bytes."""

    store: str = "sqlite"
    commit_interval: int = 60_000
    retention: Retention = Retention()
    log_limit: int = 1_000_000_000


class Plugins(msgspec.Struct, frozen=True):
    """`disabled`: names of plugins that are not loaded."""

    disabled: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True):
    """configuration.yaml, checked. `integrations`: plugin → its section as its own schema returned it."""

    hub: HubSection = HubSection()
    home: HomeSection = HomeSection()
    network: NetworkSection = NetworkSection()
    history: HistorySection = HistorySection()
    plugins: Plugins = Plugins()
    integrations: dict[str, Any] = {}


_KEPT = Duration("1 d", "100 y")

SCHEMA = vol.Schema(
    {
        vol.Optional("hub"): Section(
            {
                vol.Optional("name"): Text(longest=63),  # a label of DNS
                vol.Optional("log"): Section(
                    {
                        vol.Optional("level"): OneOf(*LEVELS),
                        vol.Optional("format"): OneOf("text", "json"),
                        vol.Optional("levels"): Section({Text(): OneOf(*LEVELS)}),
                    }
                ),
                vol.Optional("clock"): OneOf("auto", "trusted"),
            }
        ),
        vol.Optional("home"): Section(
            {
                vol.Optional("name"): Text(longest=60),
                vol.Optional("time_zone"): TimeZone(),
                vol.Optional("currency"): Currency(),
                vol.Optional("language"): OneOf("en", "de"),
            }
        ),
        vol.Optional("network"): Section(
            {
                vol.Optional("host"): Address(),
                vol.Optional("http_port"): Whole(1, 65535),
                vol.Optional("mqtt"): Section(
                    {vol.Optional("host"): Address(), vol.Optional("port"): Whole(1, 65535)},
                ),
                vol.Optional("mdns"): Flag(),
                vol.Optional("trusted_proxies"): ListOf(Network()),
            }
        ),
        vol.Optional("history"): Section(
            {
                vol.Optional("store"): Text(),
                vol.Optional("commit_interval"): Duration("1 s", "1 h", bare="s"),
                vol.Optional("retention"): Section(
                    {vol.Optional(tier): _KEPT for tier in ("raw", "1m", "5m", "1h", "1d")},
                ),
                vol.Optional("log_limit"): Size("10 MB", "1 TB"),
            }
        ),
        vol.Optional("plugins"): Section({vol.Optional("disabled"): ListOf(Text())}),
        # Each plugin checks its own section, once the plugins are loaded.
        vol.Optional("integrations"): Section({Text(): object}),
    }
)
