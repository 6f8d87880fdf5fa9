"""MqttAccess: who may log in to MQTT. Everything in memory, secrets as SHA-256, compared in constant time."""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert

from hub.auth.audit import LONGEST, Audit
from hub.auth.backoff import Backoff
from hub.auth.principal import Principal
from hub.broker.interface import Attempt, Login, Refusal
from hub.broker.names import shown_name
from hub.clock import Clock
from hub.database import Database
from hub.database.rows import Id, Ms, Sha256, read
from hub.database.tables import mqtt_clients
from hub.messages import HubError

PAIRING_PREFIX = "pair-"
NAME = re.compile(r"[A-Za-z0-9_.-]{3,64}")
BROKER = "$SYS"  # the first level of what a broker says of itself
LONGEST_FILTER = 256
MOST_FILTERS = 32
FREE_TRIES = 20  # the secrets are random: this is against the load of guessing, not against its success
LONGEST_WAIT_S = 30.0
NOBODY = bytes(32)


class PlugSecrets(Protocol):
    """Where the plugs' logins are: the device registry."""

    def secret_hash(self, hardware_id: str) -> bytes | None:
        """SHA-256 of the plug's secret."""


class MqttClient(msgspec.Struct, frozen=True):
    """The login of another MQTT program, with the topic filters that it may read and write."""

    name: Annotated[str, Meta(pattern=rf"^{NAME.pattern}\Z")]
    home: Id
    read: tuple[str, ...]
    write: tuple[str, ...]
    created: Ms


class MqttAccess:
    """Answers the broker's question, and keeps the logins of other programs.

    pairing_open: (hardware_id, address) -> is a pairing window open for it? knocked: told the same where none is.
    plug_home: hardware_id -> the home of that plug.
    still: somebody as they are now: what a change waited for may have taken their role.
    just_paired: is this the SHA-256 of the secret that a plug was sent a moment ago, before it is in the registry?
    """

    def __init__(
        self,
        plugs: PlugSecrets,
        database: Database,
        clock: Clock,
        *,
        audit: Audit,
        pairing_open: Callable[[str, str], bool] = lambda hardware_id, peer: False,
        knocked: Callable[[str, str], None] = lambda hardware_id, peer: None,
        just_paired: Callable[[str, bytes], bool] = lambda hardware_id, hashed: False,
        plug_home: Callable[[str], str | None] = lambda hardware_id: None,
        still: Callable[[Principal], Principal] = lambda principal: principal,
    ) -> None:
        self._plugs = plugs
        self._database = database
        self._clock = clock
        self._audit = audit
        self._pairing_open = pairing_open
        self._knocked = knocked
        self._just_paired = just_paired
        self._plug_home = plug_home
        self._clients: dict[str, MqttClient] = {}
        self._secrets: dict[str, bytes] = {}
        self._tries = Backoff(clock, FREE_TRIES, LONGEST_WAIT_S)
        self._adding = asyncio.Lock()
        self._still = still
        self.on_login: Callable[[str, str | None], None] = lambda name, secret: None
        """Told of each fresh secret, which is then forgotten here, and (None) of each login that has ended."""

    async def load(self) -> None:
        """Read the logins of other programs."""
        async with self._database.transaction() as connection:
            rows = await read(
                self._database,
                connection,
                mqtt_clients,
                MqttClient,
                # What is wrong gives nothing: no topics, or a secret that nobody has.
                stand_ins={"read": (), "write": (), "created": 0, "secret_hash": lambda _: secrets.token_bytes(32)},
                beside={"secret_hash": Sha256},
                check=wrong_filters,
            )
        for row in rows:
            self._clients[row.value.name] = row.value
            self._secrets[row.value.name] = row.beside["secret_hash"]

    def authenticate(self, attempt: Attempt) -> Login | None:
        """Who this is; None refuses. A plug's name is its hardware_id (as user name, or as client id alone)."""
        name = attempt.username if attempt.username is not None else attempt.client_id
        if name.startswith(PAIRING_PREFIX):
            return self._pairing(name[len(PAIRING_PREFIX) :], attempt)
        who = f"{attempt.peer} {name}"
        if self._tries.wait(who) > 0:
            self._refused(attempt, name, "too-many-attempts")
            return None
        login = self._judge(name, attempt.password or b"")
        if login is None:
            self._tries.attempt(who)
            self._refused(attempt, name, "mqtt-login-wrong")
        else:
            self._tries.succeeded(who)
        return login

    def refused(self, refusal: Refusal) -> None:
        """A login wanted a topic that it may not use: it stands in the audit log of the login's home."""
        login, name = refusal.login, refusal.login.name
        if login.kind == "client":
            client = self._clients.get(name)
            home = client.home if client is not None else None
        else:
            home = self._plug_home(name)
        shown = f"{PAIRING_PREFIX}{name}" if login.kind == "pair" else name
        who = Principal("", home or "", "guest", origin=refusal.peer, via=f"mqtt {shown}")
        self._audit.refuse(who, f"mqtt.{refusal.action}", refusal.reason, refusal.topic[: LONGEST["object"]])

    async def add(
        self, principal: Principal, *, name: str, read: Sequence[str], write: Sequence[str]
    ) -> tuple[MqttClient, str]:
        """A new login and its secret (64 hex digits, shown once); for admins.

        Raises HubError("client-name-invalid", "client-name-taken", "filter-invalid", "filters-missing").
        """
        principal.require_admin()
        if not NAME.fullmatch(name) or name.startswith(PAIRING_PREFIX):
            raise HubError("client-name-invalid", field="name")
        require_filters("read", read)
        require_filters("write", write)
        if not read and not write:
            raise HubError("filters-missing", field="read")
        client = MqttClient(name, principal.home, tuple(read), tuple(write), self._clock.now())
        secret = secrets.token_hex(32)
        hashed = hashlib.sha256(secret.encode()).digest()
        fields = {**msgspec.structs.asdict(client), "read": list(client.read), "write": list(client.write)}
        async with self._adding:
            if name in self._clients or self._plugs.secret_hash(name) is not None:
                raise HubError("client-name-taken", field="name", name=name)
            async with self._database.transaction() as connection:
                self._still(principal).require_admin()
                await connection.execute(insert(mqtt_clients).values(**fields, secret_hash=hashed))
            self._clients[name] = client
            self._secrets[name] = hashed
        self.on_login(name, secret)
        await self._audit.record(principal, "mqtt-client.add", name, after={"read": client.read, "write": client.write})
        return client, secret

    def all(self) -> "Clients":
        """The logins of every home, for the hub's own use."""
        return [*self._clients.values()]

    def login(self, name: str) -> Login | None:
        """What another program with this name may do now."""
        client = self._clients.get(name)
        return None if client is None else Login("client", name, client.read, client.write)

    def list(self, principal: Principal) -> "Clients":
        """The logins of the asker's home, by name; for admins."""
        principal.require_admin()
        mine = [client for client in self._clients.values() if client.home == principal.home]
        return sorted(mine, key=lambda client: client.name)

    async def remove(self, principal: Principal, name: str) -> None:
        """End a login; for admins. The caller drops its connection. Raises HubError("client-unknown")."""
        principal.require_admin()
        client = self._clients.get(name)
        if client is None or client.home != principal.home:
            raise HubError("client-unknown", name=name)
        async with self._database.transaction() as connection:
            self._still(principal).require_admin()
            await connection.execute(
                delete(mqtt_clients).where(mqtt_clients.c.home == principal.home, mqtt_clients.c.name == name)
            )
        self._clients.pop(name, None)
        self._secrets.pop(name, None)
        self.on_login(name, None)
        await self._audit.record(principal, "mqtt-client.remove", name)

    def forget_home(self, home: str) -> Sequence[str]:
        """The home is gone, the database has dropped its logins already; whose connections the caller drops."""
        gone = [client.name for client in self._clients.values() if client.home == home]
        for name in gone:
            del self._clients[name], self._secrets[name]
            self.on_login(name, None)
        return gone

    def _refused(self, attempt: Attempt, name: str, reason: str) -> None:
        """Whose home it is about is not known: it stands in the log of the first one."""
        known = name in self._clients or self._plugs.secret_hash(name) is not None
        shown = name if known else shown_name(name, attempt.client_id)
        whoever = Principal("", "", "guest", origin=attempt.peer, via="mqtt")
        self._audit.refuse(whoever, "mqtt.login", reason, shown or None)

    def _pairing(self, hardware_id: str, attempt: Attempt) -> Login | None:
        # There is no secret to guess here, and an unpaired plug asks every few seconds: nothing is counted.
        if attempt.password:
            return None
        if self._pairing_open(hardware_id, attempt.peer):
            return Login("pair", hardware_id)
        self._knocked(hardware_id, attempt.peer)
        return None

    def _judge(self, name: str, password: bytes) -> Login | None:
        hashed = hashlib.sha256(password).digest()
        plug, client = self._plugs.secret_hash(name), self._clients.get(name)
        # Both are always compared, an unknown name with nobody's: the time says nothing about who exists.
        is_plug = hmac.compare_digest(hashed, plug or NOBODY) and plug is not None
        is_client = hmac.compare_digest(hashed, self._secrets.get(name, NOBODY)) and client is not None
        if self._just_paired(name, hashed) or is_plug:
            return Login("plug", name)
        return Login("client", name, client.read, client.write) if is_client and client is not None else None


Clients = list[MqttClient]


def require_filters(field: str, filters: Sequence[str]) -> None:
    """field: "read" or "write". Raises HubError("filter-invalid") for what is no MQTT topic filter,
    HubError("filter-not-writable") for topics that only a broker writes."""
    if len(filters) > MOST_FILTERS:
        raise HubError("filters-too-many", field=field, most=MOST_FILTERS)
    for topic_filter in filters:
        if not is_filter(topic_filter):
            raise HubError("filter-invalid", field=field, filter=topic_filter)
        if field == "write" and topic_filter.startswith("$"):
            raise HubError("filter-not-writable", field=field, filter=topic_filter)


def wrong_filters(client: MqttClient) -> str | None:
    """Which of a login's lists of filters may not stand so; None = both may."""
    for field, filters in (("read", client.read), ("write", client.write)):
        try:
            require_filters(field, filters)
        except HubError:
            return field
    return None


def is_filter(text: str) -> bool:
    """A topic filter of MQTT 3.1.1, of topics of a home or of a broker ($SYS)."""
    if not text.isprintable() or not 1 <= len(text.encode()) <= LONGEST_FILTER:
        return False
    if text.startswith("$") and text.partition("/")[0] != BROKER:
        return False
    levels = text.split("/")
    if "#" in levels[:-1]:
        return False
    return all(level in ("+", "#") or not set(level) & {"+", "#"} for level in levels)
