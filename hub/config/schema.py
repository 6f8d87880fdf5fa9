"""The hub's own sections of configuration.yaml: what may stand in them, and the types that they become."""

from typing import Any, Literal

import msgspec
import voluptuous as vol

from hub.config.validators import (
    DAY,
    Address,
    Currency,
    Duration,
    Flag,
    FullPath,
    HostName,
    ListOf,
    Network,
    OneOf,
    Passphrase,
    Section,
    SecureWeb,
    SigningKey,
    Size,
    Text,
    TimeOfDay,
    TimeZone,
    Together,
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


class ExternalTls(msgspec.Struct, frozen=True):
    """Paths of PEM files; `server_name`: the name in the broker's certificate, where it is not the host."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    server_name: str | None = None


class ExternalMqtt(msgspec.Struct, frozen=True):
    """A broker that the home already has; `port` None = 8883 with TLS, else 1883."""

    host: str
    port: int | None = None
    username: str | None = None
    password: str | None = None
    tls: ExternalTls | None = None
    dynamic_security: bool = False


class MqttTls(msgspec.Struct, frozen=True):
    """MQTT over TLS. `certificate` and `key`: paths of PEM files, the first with those that lead to its root; None =
    the hub makes its own. `port` None = 8883 where that is free."""

    enabled: bool = True
    port: int | None = None
    certificate: str | None = None
    key: str | None = None


class MqttWebSocket(msgspec.Struct, frozen=True):
    """MQTT over WebSocket, on the web port and on one of its own; `port` None = 9001 where that is free. `tls`: the
    own port speaks TLS, as MqttTls says."""

    enabled: bool = True
    port: int | None = None
    tls: bool = False


class MqttLimits(msgspec.Struct, frozen=True):
    """What the broker takes from all together and from each; `session_age` in ms, `message_rate` a second."""

    connections: int = 5000
    connections_per_host: int = 2500
    queued_messages: int = 1000
    session_age: int = 7 * DAY
    message_rate: int = 5000


class Mqtt(msgspec.Struct, frozen=True):
    """The broker's listeners; `host` None = as for the web. With `external` there are none."""

    host: str | None = None
    port: int = 1883
    tls: MqttTls = MqttTls()
    websocket: MqttWebSocket = MqttWebSocket()
    limits: MqttLimits = MqttLimits()
    external: ExternalMqtt | None = None


class Https(msgspec.Struct, frozen=True):
    """HTTPS beside HTTP. `only`: plain HTTP leads there. `names`: further names and addresses of the hub.
    `certificate`, `key` and `port` as in MqttTls, with 8443."""

    enabled: bool = True
    port: int | None = None
    only: bool = False
    names: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None


class NetworkSection(msgspec.Struct, frozen=True):
    """`host`: address to listen on; `trusted_proxies`: networks whose forwarding headers count."""

    host: str = "0.0.0.0"  # noqa: S104 - a hub is there for the whole home network
    http_port: int = 8080
    https: Https = Https()
    mqtt: Mqtt = Mqtt()
    mdns: bool = True
    trusted_proxies: tuple[str, ...] = ()


class SecuritySection(msgspec.Struct, frozen=True):
    """`tokens`: how access tokens are signed; `admin_addresses`: from where admins may do what others may not (none =
    from everywhere); reads and writes: requests a minute of each person."""

    tokens: Literal["HS256", "RS256"] = "HS256"
    admin_addresses: tuple[str, ...] = ()
    reads_per_minute: int = 1000
    writes_per_minute: int = 100


class Retention(msgspec.Struct, frozen=True, rename={"minute": "1m", "five_minutes": "5m", "hour": "1h", "day": "1d"}):
    """How long each resolution is kept and answered, in ms."""

    raw: int = 7 * DAY
    minute: int = 30 * DAY
    five_minutes: int = 30 * DAY
    hour: int = 365 * DAY
    day: int = 5 * 365 * DAY


class HistorySection(msgspec.Struct, frozen=True):
    """`store`: the plugin that keeps history; `commit_interval` in ms, None = as suits; `log_limit` in bytes."""

    store: str = "sqlite"
    commit_interval: int | None = None
    retention: Retention = Retention()
    log_limit: int = 1_000_000_000


class BackupSection(msgspec.Struct, frozen=True):
    """What YAML declares of backups; None is left to the web app. `time` of the day by the home's clock, HH:MM."""

    folder: str | None = None
    keep: int | None = None
    history: bool | None = None
    time: str | None = None
    passphrase: str | None = None


class UpdatesSection(msgspec.Struct, frozen=True):
    """Who says which version is the newest: `url` of the signed notice, `keys` that may sign it (Ed25519, base64).
    `check`: ask once a day; None is left to the web app, where it is off at first."""

    check: bool | None = None
    url: str | None = None
    keys: tuple[str, ...] = ()


class Plugins(msgspec.Struct, frozen=True):
    """`disabled`: names of plugins that are not loaded."""

    disabled: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True):
    """configuration.yaml, checked. `integrations`: plugin → its section as its own schema returned it."""

    hub: HubSection = HubSection()
    home: HomeSection = HomeSection()
    network: NetworkSection = NetworkSection()
    security: SecuritySection = SecuritySection()
    history: HistorySection = HistorySection()
    backup: BackupSection = BackupSection()
    updates: UpdatesSection = UpdatesSection()
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
                vol.Optional("https"): Together(
                    ("certificate", "key"),
                    {
                        vol.Optional("enabled"): Flag(),
                        vol.Optional("port"): Whole(1, 65535),
                        vol.Optional("only"): Flag(),
                        vol.Optional("names"): ListOf(HostName()),
                        vol.Optional("certificate"): FullPath(),
                        vol.Optional("key"): FullPath(),
                    },
                ),
                vol.Optional("mqtt"): Section(
                    {
                        vol.Optional("host"): Address(),
                        vol.Optional("port"): Whole(1, 65535),
                        vol.Optional("tls"): Together(
                            ("certificate", "key"),
                            {
                                vol.Optional("enabled"): Flag(),
                                vol.Optional("port"): Whole(1, 65535),
                                vol.Optional("certificate"): FullPath(),
                                vol.Optional("key"): FullPath(),
                            },
                        ),
                        vol.Optional("websocket"): Section(
                            {
                                vol.Optional("enabled"): Flag(),
                                vol.Optional("port"): Whole(1, 65535),
                                vol.Optional("tls"): Flag(),
                            }
                        ),
                        vol.Optional("limits"): Section(
                            {
                                vol.Optional("connections"): Whole(20, 50_000),
                                vol.Optional("connections_per_host"): Whole(5, 50_000),
                                vol.Optional("queued_messages"): Whole(10, 100_000),
                                vol.Optional("session_age"): Duration("1 h", "1 y"),
                                vol.Optional("message_rate"): Whole(10, 100_000),
                            }
                        ),
                        vol.Optional("external"): Section(
                            {
                                vol.Required("host"): Text(longest=253),
                                vol.Optional("port"): Whole(1, 65535),
                                vol.Optional("username"): Text(),
                                vol.Optional("password"): Text(longest=1000),
                                vol.Optional("tls"): Section(
                                    {
                                        vol.Optional("ca"): FullPath(),
                                        vol.Optional("certificate"): FullPath(),
                                        vol.Optional("key"): FullPath(),
                                        vol.Optional("server_name"): Text(longest=253),
                                    }
                                ),
                                vol.Optional("dynamic_security"): Flag(),
                            }
                        ),
                    },
                ),
                vol.Optional("mdns"): Flag(),
                vol.Optional("trusted_proxies"): ListOf(Network()),
            }
        ),
        vol.Optional("security"): Section(
            {
                vol.Optional("tokens"): OneOf("HS256", "RS256"),
                vol.Optional("admin_addresses"): ListOf(Network()),
                vol.Optional("reads_per_minute"): Whole(60, 1_000_000),
                vol.Optional("writes_per_minute"): Whole(10, 1_000_000),
            }
        ),
        vol.Optional("history"): Section(
            {
                vol.Optional("store"): Text(),
                vol.Optional("commit_interval"): Duration("1 s", "1 h", bare="s", auto=True),
                vol.Optional("retention"): Section(
                    {vol.Optional(tier): _KEPT for tier in ("raw", "1m", "5m", "1h", "1d")},
                ),
                vol.Optional("log_limit"): Size("10 MB", "1 TB"),
            }
        ),
        vol.Optional("backup"): Section(
            {
                vol.Optional("folder"): FullPath(),
                vol.Optional("keep"): Whole(1, 100),
                vol.Optional("history"): Flag(),
                vol.Optional("time"): TimeOfDay(),
                vol.Optional("passphrase"): Passphrase(8),
            }
        ),
        vol.Optional("updates"): Together(
            ("url", "keys"),
            {
                vol.Optional("check"): Flag(),
                vol.Optional("url"): SecureWeb(),
                vol.Optional("keys"): ListOf(SigningKey()),
            },
        ),
        vol.Optional("plugins"): Section({vol.Optional("disabled"): ListOf(Text())}),
        # Each plugin checks its own section, once the plugins are loaded.
        vol.Optional("integrations"): Section({Text(): object}),
    }
)
