"""The registry: every device of every home, in memory; each change is in the database before it is in memory."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Container
from typing import Any

import msgspec

from hub.auth.audit import Audit
from hub.auth.principal import RIGHTS, Principal
from hub.bus import Bus
from hub.clock import Clock
from hub.database import Database
from hub.devices.device import HARDWARE_ID, Channel, Device, clean_name, clean_room, free_color, make_key
from hub.devices.icons import require_icon
from hub.devices.rooms import Rooms
from hub.devices.rows import DeviceRows
from hub.events import DeviceAdded, DeviceChanged, DeviceRemoved, RoomsChanged
from hub.messages import HubError

MOST_CHANNELS = 16
PAIRING_PREFIX = "pair-"
DEVICE_FIELDS = {"name", "room", "icon", "color", "always_on", "private", "interval_ms"}
KEEP_FIELDS = {"keep_raw", "keep_minutes", "keep_hours", "keep_days"}
LONGEST_KEPT = 36_500  # days
OUTLET_FIELDS = {"channel_name": "name", "max_power_w": "max_power_w", "idle_below_w": "idle_below_w"}
Devices = list[Device]
ROLE_CAP = {"guest": "view", "user": "manage", "admin": "manage", "system": "manage"}
LESSER = {(one, other): min(one, other, key=RIGHTS.index) for one in RIGHTS for other in RIGHTS}
UNSHARED = {"guest": "none", "user": "control", "admin": "manage", "system": "manage"}


class Registry:
    """Devices with their outlets, shares and secrets. Every call that takes a Principal checks its right.

    A device that the asker may not see does not exist for them: HubError("device-unknown").
    """

    def __init__(self, database: Database, bus: Bus, clock: Clock, audit: Audit) -> None:
        self._audit = audit
        self._rows = DeviceRows(database)
        self._bus = bus
        self._clock = clock
        self._devices: dict[str, Device] = {}
        self._hardware: dict[str, Device] = {}
        self._secrets: dict[str, bytes] = {}  # device id -> SHA-256 of its MQTT secret
        self._shares: dict[str, dict[str, str]] = {}  # device id -> user -> right
        self._writing = asyncio.Lock()
        self.rooms = Rooms(
            database,
            audit,
            devices=self.of_home,
            visible=self.list,
            changed=lambda device: bus.publish(DeviceChanged(device.id, device.home)),
            anew=lambda home: bus.publish(RoomsChanged(home)),
            still=self._as_now,
            writing=self._writing,
        )
        self.still: Callable[[Principal], Principal] = lambda principal: principal
        """Somebody as they are now: what a change waited for may have taken their role."""
        self.on_login: Callable[[str, str | None], None] = lambda hardware_id, secret: None
        """Told of each fresh secret, which is then forgotten here, and (None) of each login that has ended."""

    async def load(self) -> None:
        """Read everything from the database."""
        stored = await self._rows.load()
        self._devices = {device.id: device for device in stored.devices}
        self._hardware = {device.hardware_id: device for device in stored.devices}
        self._secrets = stored.secrets
        self._shares = stored.shares
        await self.rooms.load()

    def by_hardware(self, hardware_id: str) -> Device | None:
        """The device that this plug stands for. Hot path."""
        return self._hardware.get(hardware_id)

    def home_of(self, hardware_id: str) -> str | None:
        """The home of the device that this plug stands for."""
        device = self._hardware.get(hardware_id)
        return None if device is None else device.home

    def device(self, device_id: str) -> Device | None:
        """For the hub's own use: no right is asked for."""
        return self._devices.get(device_id)

    def all(self) -> Devices:
        """Every device of every home, for the hub's own use."""
        return list(self._devices.values())

    def of_home(self, home: str) -> Devices:
        """Every device of this home, for the hub's own use."""
        return [device for device in self._devices.values() if device.home == home]

    def secret_hash(self, hardware_id: str) -> bytes | None:
        """SHA-256 of the secret with which this plug logs in."""
        device = self._hardware.get(hardware_id)
        return None if device is None else self._secrets.get(device.id)

    def right(self, principal: Principal, device: Device) -> str:
        """none, view, control or manage: the lesser of the role's cap and the share."""
        if principal.home != device.home:
            return "none"
        cap = ROLE_CAP.get(principal.role, "none")
        if principal.scopes is not None:
            cap = LESSER[cap, principal.most]
        if principal.role == "system":
            return cap
        share = self._shares.get(device.id, {}).get(principal.user)
        if share is None:
            share = "none" if device.private else UNSHARED.get(principal.role, "none")
        return LESSER[cap, share]

    def require_adder(self, principal: Principal) -> None:
        """Who may add a device. Raises HubError("forbidden")."""
        if ROLE_CAP.get(principal.role) != "manage" or principal.most != "manage":
            raise HubError("forbidden")

    def get(self, principal: Principal, device_id: str) -> Device:
        """Raises HubError("device-unknown"), also for what the asker may not see."""
        return self.require(principal, device_id, "view")

    def require(self, principal: Principal, device_id: str, right: str) -> Device:
        """The device, if the asker has at least this right. Raises HubError("device-unknown" or "forbidden")."""
        device = self._devices.get(device_id)
        held = "none" if device is None else self.right(principal, device)
        if device is None or held == "none":
            raise HubError("device-unknown", device=device_id)
        if RIGHTS.index(held) < RIGHTS.index(right):
            raise HubError("forbidden")
        return device

    def list(self, principal: Principal) -> Devices:
        """What the asker may see, by name."""
        visible = [device for device in self._devices.values() if self.right(principal, device) != "none"]
        return sorted(visible, key=lambda device: (device.name.casefold(), device.id))

    async def add(
        self,
        principal: Principal,
        *,
        hardware_id: str,
        name: str,
        driver: str = "smartplug",
        room: str | None = None,
        icon: str = "plug",
        channels: int = 1,
        model: str | None = None,
        secret: str | None = None,
    ) -> tuple[Device, str]:
        """A new device and its MQTT secret (64 hex digits, shown once); who adds it may manage it.

        `secret`: the one that the plug has already.

        Raises HubError("forbidden", "hardware-id-invalid", "hardware-id-taken", "name-invalid", "icon-unknown",
        "channels-invalid", "rooms-too-many").
        """
        self.require_adder(principal)
        require_icon(icon)
        if not 1 <= channels <= MOST_CHANNELS:
            raise HubError("channels-invalid", field="channels", most=MOST_CHANNELS)
        name, room = clean_name(name, "name"), clean_room(room)
        async with self._writing:
            self.require_adder(self.still(principal))
            self.require_free(hardware_id)
            mates = self.of_home(principal.home)
            device = Device(
                id=secrets.token_hex(8),
                home=principal.home,
                hardware_id=hardware_id,
                key=make_key(name, {mate.key for mate in mates}),
                name=name,
                driver=driver,
                created=self._clock.now(),
                room=room,
                icon=icon,
                color=free_color({mate.color for mate in mates}),
                model=model,
                channels={number: Channel() for number in range(channels)},
            )
            secret, digest = new_secret(secret)
            owner = None if principal.user == "system" else principal.user
            new_room = self.rooms.new(device.home, room)
            await self._rows.add(device, digest, owner, new_room)
            self.rooms.keep(new_room)
            self._devices[device.id] = self._hardware[hardware_id] = device
            self._secrets[device.id] = digest
            self._shares[device.id] = {} if owner is None else {owner: "manage"}
        self.on_login(hardware_id, secret)
        self._bus.publish(DeviceAdded(device.id, device.home))
        await self._audit.record(principal, "device.add", device.id, after=shown(device))
        return device, secret

    async def change(self, principal: Principal, device_id: str, **changes: Any) -> Device:
        """Change what people may change; needs manage.

        name, room, icon, color, always_on, private, interval_ms, keep_raw, keep_minutes, keep_hours, keep_days; and of
        the outlet `channel` (0 if not given): channel_name, max_power_w, idle_below_w.
        Raises HubError("channel-unknown", "icon-unknown", "name-invalid", "retention-invalid", "rooms-too-many").
        """
        device = self.require(principal, device_id, "manage")
        number = changes.pop("channel", 0)
        outlet_changes = {OUTLET_FIELDS[k]: v for k, v in changes.items() if k in OUTLET_FIELDS}
        fields = {k: v for k, v in changes.items() if k in DEVICE_FIELDS | KEEP_FIELDS}
        if unknown := set(changes) - DEVICE_FIELDS - KEEP_FIELDS - set(OUTLET_FIELDS):
            raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
        if "name" in fields:
            fields["name"] = clean_name(fields["name"], "name")
        if "room" in fields:
            fields["room"] = clean_room(fields["room"])
        if fields.get("icon", device.icon) != device.icon:  # one of before, sent back unchanged, stays
            require_icon(fields["icon"])
        for name in KEEP_FIELDS & set(fields):
            if fields[name] is not None and not 1 <= fields[name] <= LONGEST_KEPT:
                raise HubError("retention-invalid", field="retention", most=LONGEST_KEPT)
        if outlet_changes and number not in device.channels:
            raise HubError("channel-unknown", field="channel", channel=number)
        # Who makes a device private keeps it: without a share even an admin would lose sight of it.
        if fields.get("private") and principal.user not in (*self._shares.get(device.id, {}), "system"):
            await self._set_share(principal, device, principal.user, "manage")
        before = shown(device)
        await self._write(device, fields, {number: outlet_changes} if outlet_changes else {}, principal)
        await self._audit.record(principal, "device.change", device.id, before=before, after=shown(device))
        return device

    async def replace(
        self, principal: Principal, device_id: str, hardware_id: str, *, secret: str | None = None
    ) -> tuple[Device, str]:
        """Another plug takes this device's place, its history goes on; the new plug's secret is shown once, or is the
        `secret` that it has already.

        Needs manage. Raises HubError("hardware-id-invalid", "hardware-id-taken").
        """
        device = self.require(principal, device_id, "manage")
        secret, digest = new_secret(secret)
        async with self._writing:
            self.require(self.still(principal), device.id, "manage")
            if hardware_id != device.hardware_id:
                self.require_free(hardware_id)
            fields: dict[str, Any] = {}
            if hardware_id != device.hardware_id:
                fields = {"hardware_id": hardware_id, "model": None, "firmware": None}
            await self._rows.change(device, {**fields, "secret_hash": digest}, {})
            self._require_present(device)
            before = device.hardware_id
            del self._hardware[before]
            self._apply(device, fields, {})
            self._hardware[hardware_id] = device
            self._secrets[device.id] = digest
        if before != hardware_id:
            self.on_login(before, None)
        self.on_login(hardware_id, secret)
        self._bus.publish(DeviceChanged(device.id, device.home))
        action = "device.secret" if before == hardware_id else "device.replace"
        await self._audit.record(
            principal, action, device.id, before={"hardware_id": before}, after={"hardware_id": hardware_id}
        )
        return device, secret

    async def new_secret(self, principal: Principal, device_id: str) -> str:
        """A new MQTT secret for the same plug, shown once; needs manage."""
        device = self.require(principal, device_id, "manage")
        _, secret = await self.replace(principal, device_id, device.hardware_id)
        return secret

    async def remove(self, principal: Principal, device_id: str) -> None:
        """Take it out of the registry; needs manage."""
        device = self.require(principal, device_id, "manage")
        async with self._writing:
            self.require(self.still(principal), device.id, "manage")
            await self._rows.remove(device)
            self._drop(device)
        self.on_login(device.hardware_id, None)
        self._bus.publish(DeviceRemoved(device.id, device.home))
        await self._audit.record(principal, "device.remove", device.id, before=shown(device))

    def shares(self, principal: Principal, device_id: str) -> dict[str, str]:
        """Who has which share; needs manage."""
        return dict(self._shares.get(self.require(principal, device_id, "manage").id, {}))

    async def share(self, principal: Principal, device_id: str, user: str, right: str | None) -> None:
        """Give a person of this home view, control or manage, or (None) take the share away; needs manage."""
        device = self.require(principal, device_id, "manage")
        if right not in (None, *RIGHTS[1:]):
            raise HubError("share-invalid", field="share")
        before = self._shares.get(device.id, {}).get(user)
        await self._set_share(principal, device, user, right)
        self._bus.publish(DeviceChanged(device.id, device.home))
        await self._audit.record(principal, "device.share", device.id, before={user: before}, after={user: right})

    def forget_user(self, user: str, homes: Container[str]) -> None:
        """The shares of somebody who is a member of only these homes now; the database has dropped them already."""
        for device_id, held in self._shares.items():
            if self._devices[device_id].home not in homes:
                held.pop(user, None)

    def forget_home(self, home: str) -> None:
        """The home is gone; the database has dropped its devices and rooms already."""
        self.rooms.forget_home(home)
        gone = self.of_home(home)
        for device in gone:
            self._drop(device)
        for device in gone:
            self.on_login(device.hardware_id, None)
            self._bus.publish(DeviceRemoved(device.id, device.home))

    async def learned(self, device_id: str, **facts: Any) -> None:
        """What the plug says of itself: model, firmware, interval_ms. Written only when it is news."""
        device = self._devices.get(device_id)
        if device is not None:
            await self._write(device, {k: v for k, v in facts.items() if getattr(device, k) != v}, {})

    async def _write(
        self,
        device: Device,
        fields: dict[str, Any],
        outlets: dict[int, dict[str, Any]],
        principal: Principal | None = None,
    ) -> None:
        if not fields and not outlets:
            return
        async with self._writing:
            self._require_present(device)
            if principal is not None:
                self.require(self.still(principal), device.id, "manage")
            new_room = self.rooms.new(device.home, fields.get("room"))
            await self._rows.change(device, fields, outlets, new_room)
            self.rooms.keep(new_room)
            self._apply(device, fields, outlets)
        self._bus.publish(DeviceChanged(device.id, device.home))

    def _as_now(self, principal: Principal) -> Principal:
        return self.still(principal)

    def _drop(self, device: Device) -> None:
        self._devices.pop(device.id, None)
        self._hardware.pop(device.hardware_id, None)
        self._secrets.pop(device.id, None)
        self._shares.pop(device.id, None)

    def _apply(self, device: Device, fields: dict[str, Any], outlets: dict[int, dict[str, Any]]) -> None:
        for name, value in fields.items():
            setattr(device, name, value)
        for number, values in outlets.items():
            for name, value in values.items():
                setattr(device.channels[number], name, value)

    async def _set_share(self, principal: Principal, device: Device, user: str, right: str | None) -> None:
        async with self._writing:
            self.require(self.still(principal), device.id, "manage")
            if not await self._rows.share(device, user, right):
                raise HubError("user-unknown", field="user", user=user)
            self._require_present(device)
            held = self._shares.setdefault(device.id, {})
            held.pop(user, None)
            if right is not None:
                held[user] = right

    def _require_present(self, device: Device) -> None:
        """It may have been removed while this call waited for its turn to write."""
        if device.id not in self._devices:
            raise HubError("device-unknown", device=device.id)

    def require_free(self, hardware_id: str) -> None:
        """Raises HubError("hardware-id-invalid", "hardware-id-taken")."""
        if not HARDWARE_ID.fullmatch(hardware_id):
            raise HubError("hardware-id-invalid", field="hardware_id")
        if hardware_id.startswith(PAIRING_PREFIX):  # that login name is an unpaired plug's
            raise HubError("hardware-id-invalid", field="hardware_id")
        if hardware_id in self._hardware:
            raise HubError("hardware-id-taken", field="hardware_id", hardware_id=hardware_id)


def shown(device: Device) -> dict[str, Any]:
    """What the audit log holds of a device."""
    fields = msgspec.structs.asdict(device)
    outlets = fields.pop("channels")
    fields |= {f"channel {number}": msgspec.structs.asdict(outlet) for number, outlet in outlets.items()}
    return {name: value for name, value in fields.items() if name not in ("id", "home", "created")}


def new_secret(secret: str | None = None) -> tuple[str, bytes]:
    """256 random bits as hex (or the secret given), and their SHA-256 (of the hex text), which alone is kept."""
    secret = secret or secrets.token_hex(32)
    return secret, hashlib.sha256(secret.encode()).digest()
