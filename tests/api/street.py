"""Two homes on one hub, with everybody who may come to their door, and an object of each kind to ask for."""

import itertools
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert

from hub.auth.homes import Home
from hub.auth.principal import Principal, system
from hub.auth.user import User
from hub.clock import Clock
from hub.database.tables import passkeys
from hub.devices.device import Device
from hub.plugins import Notification
from tests.api.house import PASSWORD, House
from tests.api.rules import SCOPES, Standing
from tests.auth.authenticator import Authenticator

STATUS = {
    "token-missing": 401,
    "forbidden": 403,
    **dict.fromkeys(
        (
            *("device-unknown", "user-unknown", "key-unknown", "session-unknown", "invitation-unknown"),
            *("home-room-unknown", "client-unknown", "home-unknown", "pairing-unknown"),
            *("schedule-unknown", "alert-unknown", "notifier-unknown", "passkey-unknown"),
        ),
        404,
    ),
}


class Asker(NamedTuple):
    """Somebody with a token. user: None for the command line."""

    name: str
    standing: Standing
    home: str
    user: User | None
    token: str


class Mailbox:
    """A notifier that takes everything."""

    name = "mailbox"

    async def notify(self, notification: Notification) -> None:
        return

    async def close(self) -> None:
        return


class Street(House):
    """`askers` by name; objects are made for them as a test needs them."""

    def __init__(self, data: Path) -> None:
        super().__init__(data, Clock())
        self.askers: list[Asker] = []
        self.other = ""  # the second home
        self._numbers = itertools.count(1)
        self._ruled: dict[str, Device] = {}  # of each home the one with schedules and alerts

    async def move_in(self) -> None:
        first = self.identity.homes.first
        other = await self.identity.homes.add(system(first.id), name="Other", time_zone="UTC", currency="EUR")
        self.other = other.id
        await self.people.make_first_admin(email="operator@example.org", name="operator", password=PASSWORD)
        operator = self.people.members(first.id)[0]
        everybody = [(operator, first, "operator")]
        for home, roles in ((first, ("user", "guest")), (other, ("admin", "user", "guest"))):
            for role in roles:
                everybody.append((await self.person(home.id, role), home, role))
        for user, home, role in everybody:
            await self._signs_in(user, home, role)
        for scope in SCOPES:
            await self._gets_key(operator, first, "operator", scope)
        await self._gets_key(everybody[1][0], first, "user", *SCOPES)
        await self._gets_key(everybody[2][0], first, "guest", *SCOPES)
        await self._gets_key(everybody[3][0], other, "admin", "admin", "read")
        self.identity.keys.write_command_line_key("http://localhost")
        key = (self.data / "api.key").read_text().partition('"key": "')[2].partition('"')[0]
        self.askers.append(Asker("command line", Standing("machine"), first.id, None, key))

    def asker(self, name: str) -> Asker:
        return next(asker for asker in self.askers if asker.name == name)

    def elsewhere(self, home: str) -> str:
        """The home that is not this one."""
        return self.home if home == self.other else self.other

    async def person(self, home: str, role: str = "user") -> User:
        """A new member."""
        number = next(self._numbers)
        email = f"{role}-{number}@example.org"
        return await self.people.add(system(home), email=email, name=f"{role} {number}", role=role, password=PASSWORD)

    async def device(self, asker: Asker, kind: str, *, own_room: bool = False) -> Device | None:
        """A device that stands so to the asker, alone in a room or in none; None for one that does not exist."""
        if kind == "unknown":
            return None
        home = self.elsewhere(asker.home) if kind == "foreign" else asker.home
        hub, name = system(home), f"plug-{next(self._numbers)}"
        device, _ = await self.registry.add(hub, hardware_id=name, name=name, room=name if own_room else None)
        if kind.startswith("private"):
            await self.registry.change(hub, device.id, private=True)
        share = {"added": "manage", "private-view": "view"}.get(kind, kind)
        if asker.user is not None and share in ("view", "control", "manage"):
            await self.registry.share(hub, device.id, asker.user.id, share)
        return device

    async def thing(self, kind: str, asker: Asker, home: str) -> dict[str, str]:
        """A fresh object of this home, as the parts of a path that name it."""
        hub, number = system(home), next(self._numbers)
        if kind == "room":
            return {"room": (await self.registry.rooms.add(hub, f"Room {number}")).id}
        if kind == "invitation":
            return {"invitation": (await self.identity.invitations.invite(hub, "guest"))[0].id}
        if kind == "name":
            return {"name": (await self.mqtt.add(hub, name=f"program-{number}", read=["a"], write=[]))[0].name}
        if kind == "home":
            added = await self.identity.homes.add(hub, name=f"Home {number}", time_zone="UTC", currency="EUR")
            return {"home": added.id}
        if kind == "notifier":  # the hub's own
            self.notifiers = {"mailbox": Mailbox()}
            return {"notifier": "mailbox" if home == self.home else "elsewhere"}
        user = await self.person(home)
        if kind == "user":
            return {"user": user.id}
        if kind == "user key":
            return {"user": user.id, "key": await self.key_of(user, home)}
        mine = asker.user is not None and home == asker.home
        owner = asker.user if mine and asker.user is not None else user
        if kind == "key":
            return {"key": await self.key_of(owner, home)}
        if kind == "passkey":
            return {"passkey": await self.passkey_of(owner)}
        if kind == "pairing":
            role = owner.roles[home]
            opener = hub if role == "guest" else Principal(owner.id, home, role)
            for everybody in (system(self.home), system(self.other)):  # only so many may be open
                for window in self.pairing.list(everybody):
                    self.pairing.cancel(everybody, window.id)
            window = await self.pairing.open(opener, hardware_id=f"new-{number}", name="x", code="0" * 16)
            return {"pairing": window.id}
        if kind in ("schedule", "alert"):
            if home not in self._ruled:
                self._ruled[home] = (await self.registry.add(hub, hardware_id=f"rule-{number}", name="x"))[0]
            device = self._ruled[home]
            author = hub if owner.roles[home] == "guest" else Principal(owner.id, home, owner.roles[home])
            if kind == "alert":
                alert = await self.alerts.add(author, device=device.id, name="x", kind="offline")
                return {"alert": alert.id}
            schedule = await self.schedules.add(
                author, device=device.id, name="x", days=[0], time="06:30", command="relay_on"
            )
            return {"schedule": schedule.id}
        assert kind == "session"
        found = self.identity.homes.get(home)
        assert found is not None
        await self.tokens.issue(owner, found)
        return {"session": self.identity.sessions.of(owner.id)[0].id}

    async def key_of(self, user: User, home: str) -> str:
        """A key of somebody; their oldest goes where there are too many."""
        principal = Principal(user.id, home, user.roles[home])
        held = self.identity.keys.list(principal)
        if len(held) > 20:
            await self.identity.keys.remove(principal, principal.user, held[0].id)
        return (await self.identity.keys.add(principal, name="x", scopes=["read"]))[0].id

    async def passkey_of(self, user: User) -> str:
        """One whose authenticator is thrown away."""
        number, made = f"passkey-{next(self._numbers)}", Authenticator(user.id)
        row = {"id": number, "user": user.id, "credential": made.credential, "public_key": made.cose(), "sign_count": 0}
        async with self.database.transaction() as connection:
            await connection.execute(insert(passkeys).values(**row, name="x", created=0, rp_id="localhost"))
        await self.identity.passkeys.load()
        return number

    async def _signs_in(self, user: User, home: Home, role: str) -> None:
        token = (await self.tokens.issue(user, home)).access_token
        name = role if home.id == self.home else f"{role} of the other home"
        self.askers.append(Asker(name, Standing(role), home.id, user, token))

    async def _gets_key(self, user: User, home: Home, role: str, *scopes: str) -> None:
        principal = self.people.principal(user.id, home.id)
        assert principal is not None
        _, token = await self.identity.keys.add(principal, name="key", scopes=scopes)
        name = f"key of the {role}: {', '.join(scopes)}"
        self.askers.append(Asker(name, Standing(role, frozenset(scopes)), home.id, user, token))


def bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The example of each route that takes something, by "METHOD /path"."""
    found: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            found[f"{method.upper()} {path.removeprefix('/api/v1')}"] = content.get("example")
    return found
