"""The registry's SQL: devices, their outlets, shares and secrets. Every statement names the home."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import delete, insert, select, update

from hub.database import Database
from hub.database.rows import Id, Sha256, read
from hub.database.tables import channels, device_users, devices, home_users, rooms
from hub.devices.device import OTHER_COLOR, Channel, Device
from hub.devices.rooms import Room

LAST_CHANNEL = 15
Number = Annotated[int, Meta(ge=0, le=LAST_CHANNEL)]
# Whoever looks for a device must find it, or its history would count as that of one that was removed. What protects it
# holds where nobody knows better: nobody but a person switches it off, and nobody without a share sees it.
DEVICE = {
    "home": lambda row: str(row["home"]),
    "hardware_id": lambda row: f"broken-{hashlib.sha256(row['id'].encode()).hexdigest()[:16]}",
    "key": lambda row: f"broken-{hashlib.sha256(row['id'].encode()).hexdigest()[:16]}",
    "name": "?",
    "driver": "?",
    "created": 0,
    "room": None,
    "icon": "plug",
    "color": OTHER_COLOR,
    "model": None,
    "firmware": None,
    "interval_ms": 1000,
    "always_on": True,
    "private": True,
    "keep_raw": None,
    "keep_minutes": None,
    "keep_hours": None,
    "keep_days": None,
    "secret_hash": lambda _: secrets.token_bytes(32),  # of a secret that nobody has
}
CHANNEL = {"name": None, "max_power_w": None, "idle_below_w": 1.0}
SHARE = {"share": "none"}


class Share(msgspec.Struct):
    """A row of the table `device_users`."""

    device: Id
    user: Id
    share: Annotated[str, Meta(pattern=r"^(view|control|manage)\Z")]


class Stored(msgspec.Struct):
    """What the database holds. secrets: device -> SHA-256; shares: device -> user -> right."""

    devices: list[Device]
    secrets: dict[str, bytes]
    shares: dict[str, dict[str, str]]


class DeviceRows:
    """One transaction a call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Stored:
        """Every device of every home."""
        stored = Stored([], {}, {})
        async with self._database.transaction() as connection:
            secret = {"secret_hash": Sha256}
            for row in await read(self._database, connection, devices, Device, stand_ins=DEVICE, beside=secret):
                stored.secrets[row.value.id] = row.beside["secret_hash"]
                stored.devices.append(row.value)
            by_id = {device.id: device for device in stored.devices}
            place = {"device": Id, "channel": Number}
            order = (channels.c.channel,)
            for outlet in await read(
                self._database, connection, channels, Channel, stand_ins=CHANNEL, beside=place, order_by=order
            ):
                if outlet.beside["device"] in by_id:
                    by_id[outlet.beside["device"]].channels[outlet.beside["channel"]] = outlet.value
            for share in await read(self._database, connection, device_users, Share, stand_ins=SHARE):
                if share.value.device in by_id:
                    stored.shares.setdefault(share.value.device, {})[share.value.user] = share.value.share
        for device in stored.devices:
            if not device.channels:
                device.channels[0] = Channel()
        return stored

    async def add(self, device: Device, secret_hash: bytes, owner: str | None, room: Room | None) -> None:
        """Store a new device; `owner` gets a share of manage, a `room` that is new comes with it."""
        fields = msgspec.structs.asdict(device)
        outlets: dict[int, Channel] = fields.pop("channels")
        async with self._database.transaction() as connection:
            if room is not None:
                await connection.execute(insert(rooms).values(**msgspec.structs.asdict(room)))
            await connection.execute(insert(devices).values(**fields, secret_hash=secret_hash))
            await connection.execute(
                insert(channels),
                [{"device": device.id, "channel": n, **msgspec.structs.asdict(c)} for n, c in outlets.items()],
            )
            if owner is not None:
                await connection.execute(insert(device_users).values(device=device.id, user=owner, share="manage"))

    async def change(
        self,
        device: Device,
        fields: Mapping[str, Any],
        outlets: Mapping[int, Mapping[str, Any]],
        room: Room | None = None,
    ) -> None:
        """Write changed columns of the device and of its outlets, and the `room` that is new."""
        async with self._database.transaction() as connection:
            if room is not None:
                await connection.execute(insert(rooms).values(**msgspec.structs.asdict(room)))
            if fields:
                await connection.execute(
                    update(devices).where(devices.c.home == device.home, devices.c.id == device.id).values(**fields)
                )
            for number, values in outlets.items():
                await connection.execute(
                    update(channels)
                    .where(channels.c.device == device.id, channels.c.channel == number)
                    .values(**values)
                )

    async def remove(self, device: Device) -> None:
        """Delete it with its outlets and shares."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(devices).where(devices.c.home == device.home, devices.c.id == device.id))

    async def share(self, device: Device, user: str, right: str | None) -> bool:
        """Set or (None) take away one person's share; False when they are no member of the device's home."""
        where = (device_users.c.device == device.id, device_users.c.user == user)
        async with self._database.transaction() as connection:
            member = (home_users.c.home == device.home) & (home_users.c.user == user)
            if (await connection.execute(select(home_users.c.role).where(member))).one_or_none() is None:
                return False
            await connection.execute(delete(device_users).where(*where))
            if right is not None:
                await connection.execute(insert(device_users).values(device=device.id, user=user, share=right))
            return True
