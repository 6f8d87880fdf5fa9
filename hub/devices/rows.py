"""The registry's SQL: devices, their outlets, shares and secrets. Every statement names the home."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update

from hub.database import Database
from hub.database.tables import channels, device_users, devices, home_users, rooms
from hub.devices.device import Channel, Device
from hub.devices.rooms import Room


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
            for row in (await connection.execute(select(devices))).mappings():
                fields = dict(row)
                stored.secrets[row["id"]] = fields.pop("secret_hash")
                stored.devices.append(Device(**fields, channels={}))
            by_id = {device.id: device for device in stored.devices}
            for row in (await connection.execute(select(channels).order_by(channels.c.channel))).mappings():
                fields = dict(row)
                device, number = fields.pop("device"), fields.pop("channel")
                by_id[device].channels[number] = Channel(**fields)
            for share in await connection.execute(select(device_users)):
                stored.shares.setdefault(share.device, {})[share.user] = share.share
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
