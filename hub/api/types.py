"""Every request and answer of the API. These types check the requests and make the OpenAPI document.

Ids are opaque strings, times Unix milliseconds, power W, energy kWh in answers for people, unknown is null.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Language = Literal["en", "de"]
HardwareId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{3,64}$")]
Icon = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
Channel = Annotated[int, Meta(ge=0, le=15)]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """Base of every request body: an unknown field is an error, so that a typing mistake does not pass silently."""


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457: `code` is stable, `detail` is a sentence in the reader's language, `field` names the place."""

    title: str
    status: int
    code: str
    detail: str
    type: str = "about:blank"
    field: str | None = None


class SystemInfo(msgspec.Struct):
    """What anyone may know: enough for the web app to choose its first page.

    setup: "open" = the page makes the admin now, "code" = it also asks for the code from the log, "done".
    """

    name: str
    version: str
    setup: Literal["open", "code", "done"]
    setup_closes: int | None
    demo: bool


class SetupRequest(Request):
    """Makes the home and its first admin."""

    name: Name
    email: Email
    password: str
    home_name: Name
    time_zone: str
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    language: Language = "en"
    code: str | None = None


class LoginRequest(Request):
    email: str
    password: str


class RefreshRequest(Request):
    """Browsers send nothing here: their refresh token is the cookie."""

    refresh_token: str | None = None


class Home(msgspec.Struct):
    id: str
    name: str
    time_zone: str
    currency: str


class User(msgspec.Struct):
    id: str
    name: str
    email: str
    language: Language
    role: Literal["admin", "user", "guest"]


class Session(msgspec.Struct):
    """`expires_in` in seconds; `refresh_token` only for programs (X-Plughub-Client: program), browsers get a cookie."""

    access_token: str
    expires_in: int
    user: User
    home: Home
    refresh_token: str | None = None


class LiveValue(msgspec.Struct):
    """Newest reading of one outlet; `at` null = never. `energy_today_kwh` since midnight in the home's zone."""

    at: int | None = None
    power: float | None = None
    voltage: float | None = None
    current: float | None = None
    power_factor: float | None = None
    apparent: bool = False
    energy_today_kwh: float | None = None


class PendingCommand(msgspec.Struct):
    """The command under way or the last one that did not end well. state: sent, unconfirmed, refused."""

    id: str
    command: str
    state: Literal["sent", "unconfirmed", "refused"]
    at: int
    error: str | None = None


class Outlet(msgspec.Struct):
    """One channel. `on`: last confirmed state, null = never heard; `idle_below_w`: under it "on, nothing flows"."""

    channel: int
    name: str | None
    on: bool | None
    live: LiveValue
    max_power_w: int | None
    command: PendingCommand | None = None
    idle_below_w: float = 1.0


KeptDays = Annotated[int, Meta(ge=1, le=36500, description="days; null: as long as the home's")]


class DeviceRetention(Request):
    """Days for which a device's history is kept as samples, minutes (and 5 minutes), hours and days."""

    raw: KeptDays | None = None
    minutes: KeptDays | None = None
    hours: KeptDays | None = None
    days: KeptDays | None = None


class Device(msgspec.Struct):
    """`color` 1-6 (0 = others) is the device's own in every chart; `right` is what the asker may do."""

    id: str
    hardware_id: str
    key: str
    name: str
    room: str | None
    icon: str
    color: int
    driver: str
    model: str | None
    firmware: str | None
    rssi: int | None
    online: bool
    online_since: int | None  # since when it is online, or offline
    interval_ms: int
    always_on: bool
    private: bool
    right: Literal["view", "control", "manage"]
    channels: list[Outlet]
    retention: DeviceRetention | None = None  # null: as the home's


class DeviceList(msgspec.Struct):
    items: list[Device]
    next: str | None = None


class AddDeviceRequest(Request):
    hardware_id: HardwareId
    name: Name
    driver: Annotated[str, Meta(max_length=40)] = "smartplug"
    room: Name | None = None
    icon: Icon = "plug"
    channels: Annotated[int, Meta(ge=1, le=16)] = 1


class BrokerLines(msgspec.Struct):
    """For the password_file and the acl_file of a broker of the home's own; the first holds a hash of the secret."""

    password: str
    rules: list[str]


class AddedDevice(msgspec.Struct):
    """The secret is shown once and kept only as a hash. `broker_lines` are there where people tell their broker."""

    device: Device
    secret: str
    broker_lines: BrokerLines | None = None


class ChangeDeviceRequest(Request):
    name: Name | UnsetType = UNSET
    room: Name | UnsetType | None = UNSET
    icon: Icon | UnsetType = UNSET
    always_on: bool | UnsetType = UNSET
    interval_ms: Annotated[int, Meta(ge=200, le=60000)] | UnsetType = UNSET
    max_power_w: Annotated[int, Meta(ge=1, le=25000)] | UnsetType | None = UNSET
    retention: DeviceRetention | UnsetType | None = UNSET
    channel: Channel = 0


class CommandRequest(Request):
    command: Literal["relay_on", "relay_off", "toggle", "identify", "reboot"]
    channel: Channel = 0


class CommandResult(msgspec.Struct):
    """state "refused": the plug said why in `error` (late, overload, unknown ...). Unconfirmed is problem 504."""

    id: str
    state: Literal["confirmed", "refused"]
    on: bool | None
    error: str | None = None


class FoundDevice(msgspec.Struct):
    hardware_id: str
    name: str
    model: str
    address: str


class FoundList(msgspec.Struct):
    items: list[FoundDevice]


class Series(msgspec.Struct):
    """One outlet over a range, as columns of equal length, ascending by time; at most about 1,000 points.

    source: raw, 1m, 5m, 15m, 1h, 1d, 1w or 1mo. thinned: "m4" where of many samples the first, lowest, highest and last
    of each stretch are given, null where all are. `at` is the start of each point's bucket (raw: the sample's time).
    energy_kwh: of each bucket (null: unknown or raw); estimated: known only from the counter at both ends of a gap.
    A point stands where something was measured; what is missing is in `gaps`.
    """

    device: str
    channel: int
    source: str
    bucket_ms: int
    at: list[int]
    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    energy_kwh: list[float | None]
    estimated: list[bool]
    total_kwh: float | None
    estimated_kwh: float
    thinned: str | None = None


class SumSeries(msgspec.Struct):
    """Several outlets added up, otherwise as a series. min and max are sums of the outlets' own in each stored bucket:
    the true ones lie between them."""

    outlets: list[str]
    source: str
    bucket_ms: int
    at: list[int]
    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    energy_kwh: list[float | None]
    estimated: list[bool]
    total_kwh: float | None
    estimated_kwh: float


class Gap(msgspec.Struct):
    """cause: power_lost, restarted, memory, rejected, given_up, damaged, hub_down, offline, unknown.
    energy_kwh null = unknown; `to` null = still open."""

    id: str
    device: str
    channel: int
    start: int
    end: int | None
    cause: str
    energy_kwh: float | None
    estimated: bool


class GapList(msgspec.Struct):
    items: list[Gap]
    next: str | None = None


class Telemetry(msgspec.Struct):
    """`series` in the order asked for; `gaps` of all of them within the range."""

    start: int
    end: int
    series: list[Series]
    gaps: list[Gap]


class TelemetrySum(msgspec.Struct):
    """`gaps` of all outlets within the range."""

    start: int
    end: int
    sum: SumSeries
    gaps: list[Gap]


class Me(msgspec.Struct):
    """Who is signed in, and where."""

    user: User
    home: Home


class UserList(msgspec.Struct):
    items: list[User]
    next: str | None = None


class AddUserRequest(Request):
    """Without a password nobody can sign in yet."""

    name: Name
    email: Email
    role: Literal["admin", "user", "guest"] = "user"
    password: str | None = None
    language: Language = "en"


Filter = Annotated[str, Meta(min_length=1, max_length=256)]


class AddMqttClientRequest(Request):
    """Topic filters that another MQTT program may read and write."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{3,64}$")]
    read: Annotated[list[Filter], Meta(max_length=32)] = []
    write: Annotated[list[Filter], Meta(max_length=32)] = []


class MqttClient(msgspec.Struct):
    name: str
    read: list[str]
    write: list[str]


class MqttClientList(msgspec.Struct):
    items: list[MqttClient]
    next: str | None = None


class AddedMqttClient(msgspec.Struct):
    """The secret is shown once and kept only as a hash. `broker_lines` are there where people tell their broker."""

    client: MqttClient
    secret: str
    broker_lines: BrokerLines | None = None


class PluginErrors(msgspec.Struct):
    """How often a plugin raised since the hub's start, and where and how it did last."""

    count: int = 0
    last: str | None = None


class PluginView(msgspec.Struct):
    """One plugin and how it is: loaded, failed, disabled or switched_off; `detail` says why it does not run.
    errors: what it raised while it ran and still runs."""

    name: str
    state: str
    kinds: list[str]
    version: str | None = None
    detail: str | None = None
    errors: PluginErrors = msgspec.field(default_factory=PluginErrors)


class PluginList(msgspec.Struct):
    items: list[PluginView]
    next: str | None = None


class ProblemView(msgspec.Struct, omit_defaults=True):
    """Something an admin should see until it ends; `detail` is a sentence in the reader's language, null when ended."""

    id: str
    detail: str | None
    since: int
    ended: bool = False


class ProblemList(msgspec.Struct):
    items: list[ProblemView]
    next: str | None = None


class RejectCount(msgspec.Struct):
    """How often something of a device was refused since the hub's start. device: its id, or "unknown" where it is in
    no registry. reason: why, or "counter" for readings of the counter that cannot be right."""

    device: str
    reason: str
    count: int


class RejectView(msgspec.Struct):
    """One payload that was refused: Unix ms, and the beginning of it."""

    at: int
    device: str
    reason: str
    detail: str
    payload: str


class RejectList(msgspec.Struct):
    """Counts by device and reason, and the newest of them first."""

    counts: list[RejectCount]
    newest: list[RejectView]


class BrokerStats(msgspec.Struct):
    """Counted since the hub started. `connections`, `plugs` and `clients` (other programs; null with a broker of the
    home's own, which does not tell) are there now; `received`: messages of plugs; `refused` and `dropped`: by reason
    (docs/mqtt.md); `throttled`: how often a connection that sent too fast had to wait; `further`: what else is known.
    """

    connections: int
    plugs: int
    clients: int | None
    received: int
    refused: dict[str, int]
    dropped: dict[str, int]
    throttled: int
    further: dict[str, int]


class Backup(msgspec.Struct):
    """One archive. size: bytes. verified: it was read back and checked when it was made, and all that it builds on is
    there; `detail` says why it cannot be restored (in full)."""

    name: str
    size: int
    created: int | None
    encrypted: bool
    history: bool
    verified: bool
    detail: str | None = None


class BackupProgress(msgspec.Struct):
    """How far the backup is that runs now, in bytes of this step."""

    step: Literal["copying", "checking"]
    done: int
    total: int


class BackupRun(msgspec.Struct):
    """How the last one went. name: null = it failed; `detail` says why, or why history is not in it."""

    at: int
    automatic: bool
    name: str | None
    detail: str | None


class BackupState(msgspec.Struct):
    """What holds for backups, and how they are. next: null while the hub does not know the time. free: bytes.

    same_disk: where the data is too. problem: why the folder cannot be used. declared: what configuration.yaml sets.
    """

    running: BackupProgress | None
    last: BackupRun | None
    next: int | None
    folder: str
    own_folder: bool
    free: int | None
    same_disk: bool
    problem: str | None
    keep: int
    history: bool
    time: str
    encrypted: bool
    declared: list[str]


class BackupList(msgspec.Struct):
    items: list[Backup]
    state: BackupState
    next: str | None = None


class StartBackupRequest(Request):
    """history: null = as set. folder: another one, this time only."""

    history: bool | None = None
    folder: Annotated[str, Meta(max_length=4096)] | None = None


class ChangeBackupsRequest(Request):
    """Only what is given changes. folder null: `backups` in the data folder. passphrase null: not encrypted."""

    folder: Annotated[str, Meta(max_length=4096)] | UnsetType | None = UNSET
    keep: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    history: bool | UnsetType = UNSET
    time: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | UnsetType = UNSET
    passphrase: Annotated[str, Meta(min_length=8, max_length=1000)] | UnsetType | None = UNSET
