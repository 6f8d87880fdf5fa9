"""The parts that requests are answered from, as hub/app hands them to the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from aiohttp import web

from hub.alerts import Alerts, Delivery, Past, Watch
from hub.api.addresses import Networks
from hub.api.https import Https
from hub.api.problems import Problems
from hub.api.reach import Reach
from hub.api.security import peer_address
from hub.api.slots import Slots
from hub.api.types.mqtt import BrokerLines
from hub.api.types.system import PluginView
from hub.api.views import DeviceViews
from hub.auth.access import MqttAccess
from hub.auth.certificates import LOCALHOST, Certificates
from hub.auth.homes import Homes
from hub.auth.identity import Identity
from hub.auth.limits import RateLimits
from hub.auth.people import People
from hub.auth.principal import Principal
from hub.auth.setup import Setup
from hub.auth.tokens import Tokens
from hub.automation import Runner, Schedules
from hub.backup import Backups
from hub.broker.interface import Login
from hub.bus import Bus
from hub.clock import Clock
from hub.devices.commands import Commands
from hub.devices.discovery import Discovery
from hub.devices.pairing import Pairing
from hub.devices.registry import Registry
from hub.history.gaps import GapRecord
from hub.history.inspection import HistoryCheck, HistoryStats
from hub.history.query import Query
from hub.messages import HubError
from hub.plugins.contract import DeviceDriver
from hub.telemetry.live import Live
from hub.telemetry.rejects import Rejects
from hub.updates import Updates

SCHEME = "bearer"
HOME_HEADER = "X-Plughub-Home"
MOST_EXPORTS = 2  # each reads and compresses as fast as it can


def no_lines(login: Login, secret: str) -> BrokerLines | None:
    """The hub tells the broker of its logins itself."""
    return None


class Gaps(Protocol):
    """What the API reads of history."""

    async def gaps(self, device: str, channel: int, start: int, end: int) -> Sequence[GapRecord]:
        """Gaps that touch start <= time < end."""


class Care(Protocol):
    """What an admin may ask of history."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Counter readings that were passed over, by device."""

    async def stats(self) -> HistoryStats:
        """What it holds."""

    async def check(self) -> HistoryCheck:
        """Read everything."""

    async def confirm_time(self) -> int:
        """The time is right; returns of how many outlets something was dated after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a handler may use.

    session: new at each start of the hub. demo: five simulated plugs live here. firmware: the version of the plugs'
    firmware that this hub brings. drop_login: ends the MQTT connection of a login that was removed. broker_stats: its
    counters by name. login_lines: what people have to add to the files of their own broker, if anything. exports: how
    many may run at once. https, certificates: None where nobody speaks TLS.
    """

    version: str
    session: str
    demo: bool
    clock: Clock
    bus: Bus
    identity: Identity
    setup: Setup
    mqtt: MqttAccess
    registry: Registry
    commands: Commands
    discovery: Discovery
    pairing: Pairing
    schedules: Schedules
    runner: Runner
    alerts: Alerts
    watch: Watch
    past: Past
    delivery: Delivery
    live: Live
    history: Gaps
    care: Care
    rejects: Rejects
    query: Query
    views: DeviceViews
    problems: Problems
    backups: Backups
    updates: Updates
    firmware: str
    plugins: Callable[[str], list[PluginView]]  # in the reader's language
    drivers: Mapping[str, DeviceDriver]
    drop_login: Callable[[str], None]
    broker_stats: Callable[[], dict[str, int]]
    login_lines: Callable[[Login, str], BrokerLines | None] = no_lines
    limits: RateLimits | None = None  # None: nobody is counted
    pairing_limits: RateLimits | None = None  # of opening windows
    admin_networks: Networks = field(default_factory=lambda: Networks(()))
    proxies: Networks = field(default_factory=lambda: Networks(()))
    https: Https | None = None
    certificates: Certificates | None = None
    reach: Reach = field(default_factory=Reach)
    exports: Slots = field(default_factory=lambda: Slots(MOST_EXPORTS))

    def principal(self, request: web.Request) -> Principal:
        """Who asks, by the Authorization header; the machine's own command line also says in which home.

        Raises HubError("token-missing", "token-wrong", "token-expired", "home-unknown").
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME or not token:
            raise HubError("token-missing")
        principal = self.tokens.access(token.lstrip(" ")).principal
        home = request.headers.get(HOME_HEADER)
        if home is not None and principal.role == "system":
            if self.homes.get(home) is None:
                raise HubError("home-unknown")
            principal = msgspec.structs.replace(principal, home=home)
        return msgspec.structs.replace(principal, origin=principal.origin or peer_address(request))

    @property
    def own_names(self) -> frozenset[str]:
        """What the hub is called, as far as it knows."""
        return frozenset({LOCALHOST}) if self.certificates is None else self.certificates.known

    def link_origin(self, request: web.Request) -> str:
        """Scheme, host and port of a link that whoever asks gives to somebody else."""
        certified = None if self.certificates is None else self.certificates.certified
        return self.reach.origin(request.scheme, request.host, self.https, certified)

    @property
    def people(self) -> People:
        """The members of the homes."""
        return self.identity.people

    @property
    def homes(self) -> Homes:
        """The homes."""
        return self.identity.homes

    @property
    def tokens(self) -> Tokens:
        """What people who signed in show."""
        return self.identity.tokens
