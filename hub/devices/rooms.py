"""Rooms of the homes, in memory and written through. Devices name their room; one that is new comes to be by that."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.audit import Audit
from hub.auth.principal import Principal
from hub.database import Database
from hub.database.rows import Id, read
from hub.database.tables import devices as device_rows
from hub.database.tables import rooms as room_rows
from hub.devices.device import Device, clean_name
from hub.messages import HubError

MOST_ROOMS = 200
SEES_ALL = ("user", "admin", "system")
STAND_INS = {"name": lambda row: f"? {row['id']}", "position": 0}


class Room(msgspec.Struct):
    """A room of a home; `position`: where it stands among the others, from 0."""

    id: Id
    home: Id
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    position: Annotated[int, Meta(ge=0, le=1_000_000)]


def require_maker(principal: Principal) -> None:
    """Who may make a room. Raises HubError("forbidden")."""
    if principal.role not in SEES_ALL or not principal.has_scope("manage"):
        raise HubError("forbidden")


class Rooms:
    """The registry's rooms. devices: those of a home; visible: those that somebody may see; changed: told of each
    device whose room has another name now; anew: of each home whose rooms are others; still: somebody as they are now;
    writing: held while anything of the registry is written."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        devices: Callable[[str], Sequence[Device]],
        visible: Callable[[Principal], Sequence[Device]],
        changed: Callable[[Device], None],
        anew: Callable[[str], None],
        still: Callable[[Principal], Principal],
        writing: asyncio.Lock,
    ) -> None:
        self._database = database
        self._audit = audit
        self._devices = devices
        self._visible = visible
        self._changed = changed
        self._anew = anew
        self._still = still
        self._writing = writing
        self._rooms: dict[str, Room] = {}
        self._named: dict[tuple[str, str], Room] = {}

    async def load(self) -> None:
        """Read them."""
        async with self._database.transaction() as connection:
            rows = await read(self._database, connection, room_rows, Room, stand_ins=STAND_INS)
        self._rooms, self._named = {}, {}
        for row in rows:
            self.keep(row.value)

    def id_of(self, home: str, name: str | None) -> str | None:
        """The room's id by the name that devices have it under."""
        room = None if name is None else self._named.get((home, name))
        return None if room is None else room.id

    def of_home(self, home: str) -> "RoomList":
        """In the order that people gave them, for the hub's own use."""
        mine = [room for room in self._rooms.values() if room.home == home]
        return sorted(mine, key=lambda room: (room.position, room.id))

    def list(self, principal: Principal) -> "RoomList":
        """Those of the home; for a guest those with a device that they may see."""
        rooms = self.of_home(principal.home)
        if principal.role in SEES_ALL:
            return rooms
        seen = {device.room for device in self._visible(principal)}
        return [room for room in rooms if room.name in seen]

    def require(self, principal: Principal, room_id: str) -> Room:
        """Raises HubError("home-room-unknown"), also for what the asker may not see."""
        room = self._rooms.get(room_id)
        if room is None or room.home != principal.home or room not in self.list(principal):
            raise HubError("home-room-unknown", room=room_id)
        return room

    def new(self, home: str, name: str | None) -> Room | None:
        """The room that a device is about to be in, where there is none of this name yet: to be stored with the device
        and then kept. Raises HubError("rooms-too-many")."""
        if name is None or (home, name) in self._named:
            return None
        mates = self.of_home(home)
        if len(mates) >= MOST_ROOMS:
            raise HubError("rooms-too-many", field="room", most=MOST_ROOMS)
        return Room(secrets.token_hex(8), home, name, mates[-1].position + 1 if mates else 0)

    def keep(self, room: Room | None) -> None:
        """It is stored now."""
        if room is not None:
            self._rooms[room.id] = self._named[room.home, room.name] = room

    async def add(self, principal: Principal, name: str) -> Room:
        """A room without devices; for users and admins. Raises HubError("name-invalid", "room-name-taken",
        "rooms-too-many")."""
        require_maker(principal)
        async with self._writing:
            require_maker(self._still(principal))
            room = self.new(principal.home, clean_name(name, "name"))
            if room is None:
                raise HubError("room-name-taken", field="name", name=name)
            async with self._database.transaction() as connection:
                await connection.execute(insert(room_rows).values(**msgspec.structs.asdict(room)))
            self.keep(room)
        self._anew(room.home)
        await self._audit.record(principal, "room.add", room.id, after={"name": room.name})
        return room

    async def change(
        self, principal: Principal, room_id: str, *, name: str | None = None, position: int | None = None
    ) -> Room:
        """Another name (in all its devices, too) or place among the others; for admins.

        Raises HubError("home-room-unknown", "name-invalid", "room-name-taken").
        """
        principal.require_admin()
        async with self._writing:
            self._still(principal).require_admin()
            room = self.require(principal, room_id)
            before = msgspec.structs.asdict(room)
            new_name = room.name if name is None else clean_name(name, "name")
            if new_name != room.name and (room.home, new_name) in self._named:
                raise HubError("room-name-taken", field="name", name=new_name)
            inside = [] if new_name == room.name else self._inside(room)
            places = {} if position is None else moved(self.of_home(room.home), room, position)
            async with self._database.transaction() as connection:
                for other, place in places.items():
                    await self._write(connection, room.home, other, position=place)
                if new_name != room.name:
                    await self._write(connection, room.home, room.id, name=new_name)
                    await self._rename_in_devices(connection, room, new_name)
            for other, place in places.items():
                self._rooms[other].position = place
            self._rename(room, new_name, inside)
        self._anew(room.home)
        await self._audit.record(principal, "room.change", room.id, before=before, after=msgspec.structs.asdict(room))
        return room

    async def remove(self, principal: Principal, room_id: str) -> None:
        """Take a room away; its devices are in none then. For admins. Raises HubError("home-room-unknown")."""
        principal.require_admin()
        async with self._writing:
            self._still(principal).require_admin()
            room = self.require(principal, room_id)
            inside = self._inside(room)
            async with self._database.transaction() as connection:
                here = (room_rows.c.home == room.home) & (room_rows.c.id == room.id)
                await connection.execute(delete(room_rows).where(here))
                await self._rename_in_devices(connection, room, None)
            self._rooms.pop(room.id, None)
            self._rename(room, None, inside)
        self._anew(room.home)
        await self._audit.record(principal, "room.remove", room.id, before={"name": room.name})

    def forget_home(self, home: str) -> None:
        """The home is gone; the database has dropped its rooms already."""
        self._rooms = {id: room for id, room in self._rooms.items() if room.home != home}
        self._named = {key: room for key, room in self._named.items() if room.home != home}

    def _inside(self, room: Room) -> Sequence[Device]:
        return [device for device in self._devices(room.home) if device.room == room.name]

    def _rename(self, room: Room, name: str | None, inside: Sequence[Device]) -> None:
        if name == room.name:
            return
        self._named.pop((room.home, room.name), None)
        if name is not None:
            room.name = name
            self._named[room.home, name] = room
        for device in inside:
            device.room = name
            self._changed(device)

    async def _write(self, connection: AsyncConnection, home: str, room: str, **values: Any) -> None:
        here = (room_rows.c.home == home) & (room_rows.c.id == room)
        await connection.execute(update(room_rows).where(here).values(**values))

    async def _rename_in_devices(self, connection: AsyncConnection, room: Room, name: str | None) -> None:
        there = (device_rows.c.home == room.home) & (device_rows.c.room == room.name)
        await connection.execute(update(device_rows).where(there).values(room=name))


RoomList = list[Room]


def moved(rooms: Sequence[Room], room: Room, position: int) -> dict[str, int]:
    """The places that change, by id, when this one comes to stand there."""
    others = [other for other in rooms if other is not room]
    others.insert(max(0, position), room)
    return {other.id: place for place, other in enumerate(others) if other.position != place}
