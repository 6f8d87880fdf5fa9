"""A small asynchronous client of the hub's API. Answers are its JSON (/api/v1/openapi.json) as dictionaries."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from hub.client.calls import JsonObject
from hub.client.errors import path_of
from hub.client.people import PeopleCalls

__all__ = ["HubClient", "JsonObject"]


class HubClient(PeopleCalls):
    """Talks to one hub, as a person (`login`) or with a key. Use it as `async with HubClient(url, key=...) as hub:`.

    An access token that holds no more is renewed by itself. Every call may raise ApiError or HubUnreachable, and
    IdInvalid for an id that is none.
    """

    async def info(self) -> JsonObject:
        """Name, version and set-up state of the hub."""
        return await self.call("GET", "/system/info")

    async def setup(self, **fields: Any) -> JsonObject:
        """Make the home and its first admin, and be signed in as them."""
        return self.signed_in(await self._send("POST", "/setup", fields))

    async def me(self) -> JsonObject:
        """Who is signed in, and the home."""
        return await self.call("GET", "/auth/me")

    async def devices(self) -> list[JsonObject]:
        """Every device that you may see."""
        return await self.items("/devices")

    async def device(self, id: str) -> JsonObject:
        """One device by its id."""
        return await self.call("GET", path_of("devices", id))

    async def add_device(self, hardware_id: str, name: str, **fields: Any) -> JsonObject:
        """Add a plug; `device` and `secret`, which is shown once."""
        return await self.call("POST", "/devices", {"hardware_id": hardware_id, "name": name, **fields})

    async def pair_device(self, hardware_id: str, name: str, code: str, **fields: Any) -> JsonObject:
        """Wait for a plug that knows the code on its label: the pairing, whose state `pairing` says."""
        body = {"hardware_id": hardware_id, "name": name, "pairing_code": code, **fields}
        return await self.call("POST", "/devices", body)

    async def replace_device(self, id: str, hardware_id: str, code: str) -> JsonObject:
        """Wait for a plug that takes the place of this device."""
        return await self.call(
            "POST", path_of("devices", id, "replace"), {"hardware_id": hardware_id, "pairing_code": code}
        )

    async def pairings(self) -> list[JsonObject]:
        """Plugs that are waited for, and those of late."""
        return await self.items("/pairings")

    async def pairing(self, id: str) -> JsonObject:
        """How far a plug is."""
        return await self.call("GET", path_of("pairings", id))

    async def cancel_pairing(self, id: str) -> JsonObject:
        """Stop waiting; how it ended."""
        return await self.call("DELETE", path_of("pairings", id))

    async def change_device(self, id: str, **fields: Any) -> JsonObject:
        """Change name, room, icon, always_on or max_power_w."""
        return await self.call("PATCH", path_of("devices", id), fields)

    async def renew_secret(self, id: str) -> JsonObject:
        """A new secret for the same plug; `device` and `secret`, which is shown once."""
        return await self.call("POST", path_of("devices", id, "secret"))

    async def remove_device(self, id: str) -> None:
        """Take a plug out of the hub."""
        await self.call("DELETE", path_of("devices", id))

    async def command(self, id: str, command: str, channel: int = 0) -> JsonObject:
        """relay_on, relay_off, toggle, identify or reboot; returns when the plug has answered."""
        return await self.call("POST", path_of("devices", id, "command"), {"command": command, "channel": channel})

    async def schedules(self, device: str | None = None) -> list[JsonObject]:
        """When which outlets are switched: of every device that you may see, or of this one."""
        return await self.items("/schedules", [] if device is None else [("device", device)])

    async def add_schedule(self, device: str, name: str, **fields: Any) -> JsonObject:
        """`days` (0 = Monday), `time` (HH:MM in the home's zone), `command` (relay_on, relay_off), `channel`."""
        return await self.call("POST", "/schedules", {"device": device, "name": name, **fields})

    async def change_schedule(self, id: str, **fields: Any) -> JsonObject:
        """Change name, days, time, command or enabled."""
        return await self.call("PATCH", path_of("schedules", id), fields)

    async def remove_schedule(self, id: str) -> None:
        """Take it away."""
        await self.call("DELETE", path_of("schedules", id))

    async def alerts(self, device: str | None = None) -> list[JsonObject]:
        """The alerts and how they stand: of every device that you may see, or of this one."""
        return await self.items("/alerts", [] if device is None else [("device", device)])

    async def add_alert(self, device: str, name: str, kind: str, **fields: Any) -> JsonObject:
        """kind: power_above, power_below (with `threshold` in W) or offline; `hold_s`, `channel`."""
        return await self.call("POST", "/alerts", {"device": device, "name": name, "kind": kind, **fields})

    async def change_alert(self, id: str, **fields: Any) -> JsonObject:
        """Change name, threshold, hold_s or enabled."""
        return await self.call("PATCH", path_of("alerts", id), fields)

    async def remove_alert(self, id: str) -> None:
        """Take it away."""
        await self.call("DELETE", path_of("alerts", id))

    async def ended_alerts(self) -> list[JsonObject]:
        """What has fired and is over, the newest first."""
        return await self.items("/alerts/ended")

    async def notifiers(self) -> list[JsonObject]:
        """What tells people of alerts, and how that went since the hub's start."""
        return await self.items("/notifiers")

    async def test_notifier(self, name: str) -> JsonObject:
        """Send a test message; the notifier as in `notifiers`."""
        return await self.call("POST", path_of("notifiers", name, "test"))

    async def found(self) -> list[JsonObject]:
        """Plugs on the network that are not added yet."""
        return await self.items("/devices/found")

    async def shares(self, id: str) -> list[JsonObject]:
        """Every member of the home with the right that they have on a device."""
        return await self.items(path_of("devices", id, "shares"))

    async def all_shares(self, user: str | None = None) -> list[JsonObject]:
        """The same of every `device` that you may manage; of all members, or of this one."""
        return await self.items("/shares", [] if user is None else [("user", user)])

    async def share(self, id: str, user: str, right: str | None) -> None:
        """Give somebody view, control or manage on a device, or (None) take it back."""
        if right is None:
            await self.call("DELETE", path_of("devices", id, "shares", user))
        else:
            await self.call("PUT", path_of("devices", id, "shares", user), {"right": right})

    async def rooms(self) -> list[JsonObject]:
        """The rooms of the home in their order."""
        return await self.items("/rooms")

    async def add_room(self, name: str) -> JsonObject:
        """A room without devices."""
        return await self.call("POST", "/rooms", {"name": name})

    async def change_room(self, id: str, **fields: Any) -> JsonObject:
        """Another `name`, in its devices too, or `position`."""
        return await self.call("PATCH", path_of("rooms", id), fields)

    async def remove_room(self, id: str) -> None:
        """Take a room away; its devices stay."""
        await self.call("DELETE", path_of("rooms", id))

    async def telemetry(
        self, outlets: Sequence[str], start: int, end: int, *, points: int = 1000, bucket: str | None = None
    ) -> JsonObject:
        """Power and energy of outlets (ID or ID:CHANNEL) from start to end, Unix ms."""
        query = [*_range(outlets, start, end), ("points", str(points))]
        return await self.call("GET", "/telemetry", query=query + ([("bucket", bucket)] if bucket else []))

    def export(
        self, outlets: Sequence[str], start: int, end: int, *, bucket: str = "15m"
    ) -> AsyncGenerator[bytes, None]:
        """The same as a CSV file, piece by piece, however long it is."""
        return self.stream("/telemetry/export", [*_range(outlets, start, end), ("bucket", bucket)])

    async def sum(
        self,
        start: int,
        end: int,
        *,
        outlets: Sequence[str] = (),
        rooms: Sequence[str] = (),
        points: int = 1000,
        bucket: str | None = None,
    ) -> JsonObject:
        """Power and energy of outlets and rooms (by name) as one; of all that you may see where none is named."""
        query = [*_range(outlets, start, end), *(("room", room) for room in rooms), ("points", str(points))]
        return await self.call("GET", "/telemetry/sum", query=query + ([("bucket", bucket)] if bucket else []))

    async def live(self, outlet: str) -> JsonObject:
        """The samples of the last ten minutes."""
        return await self.call("GET", "/telemetry/live", query=[("device", outlet)])

    async def gaps(self, outlets: Sequence[str], start: int, end: int) -> list[JsonObject]:
        """What was not measured between start and end, and why."""
        return await self.items("/gaps", _range(outlets, start, end))

    async def report(self, period: str = "month", of: str | None = None) -> JsonObject:
        """Energy and cost of a day, week, month or year: the running one, or that of a date (2026, 2026-10, …)."""
        return await self.call("GET", "/reports/energy", query=_period(period, of))

    async def report_file(self, period: str = "month", of: str | None = None, *, form: str = "pdf") -> bytes:
        """The same as a file: csv or pdf."""
        return await self.file(path_of("reports", f"energy.{form}"), _period(period, of))

    async def problems(self) -> list[JsonObject]:
        """What is wrong with the hub now."""
        return await self.items("/system/problems")

    async def rejects(self) -> JsonObject:
        """What devices sent that could not be used: `counts` and the `newest`."""
        return await self.call("GET", "/system/rejects")

    async def updates(self) -> JsonObject:
        """As of the last answer, if one was asked for: `version`, `newest`, `check`, `source`, `asked`, `detail`."""
        return await self.call("GET", "/system/updates")

    async def allow_updates(self, check: bool) -> JsonObject:
        """May the hub ask for it once a day? The state as in `updates`."""
        return await self.call("PATCH", "/system/updates", {"check": check})

    async def ask_for_updates(self) -> JsonObject:
        """Ask now; the state as in `updates`."""
        return await self.call("POST", "/system/updates/check")

    async def plugins(self) -> list[JsonObject]:
        """The plugins and how they are."""
        return await self.items("/plugins")

    async def confirm_time(self) -> None:
        """The hub's time is right, although it lies behind what it was before."""
        await self.call("POST", "/system/time/confirm")

    async def history_stats(self) -> JsonObject:
        """What history holds."""
        return await self.call("GET", "/system/history")

    async def check_history(self) -> JsonObject:
        """What a reading of all of history found."""
        return await self.call("POST", "/system/history/check")

    async def broker_stats(self) -> JsonObject:
        """What the MQTT broker has counted since the hub started."""
        return await self.call("GET", "/system/broker")

    async def mqtt_clients(self) -> list[JsonObject]:
        """Logins of other MQTT programs."""
        return await self.items("/mqtt-clients")

    async def add_mqtt_client(self, name: str, read: Sequence[str] = (), write: Sequence[str] = ()) -> JsonObject:
        """A login for another MQTT program; `client` and `secret`, which is shown once."""
        return await self.call("POST", "/mqtt-clients", {"name": name, "read": list(read), "write": list(write)})

    async def remove_mqtt_client(self, name: str) -> None:
        """End that login."""
        await self.call("DELETE", path_of("mqtt-clients", name))

    async def certificates(self) -> JsonObject:
        """`web` and `mqtt`: the authority and the certificate of each, None where it is off."""
        return await self.call("GET", "/certificates")

    async def renew_certificates(self) -> JsonObject:
        """Issue new ones now; the same as `certificates`."""
        return await self.call("POST", "/certificates/renew")

    async def backups(self) -> JsonObject:
        """`items`, newest first, and `state`: what runs, how the last went, when the next is due, what is set."""
        return await self.call("GET", "/backups")

    async def start_backup(self, *, history: bool | None = None, folder: str | None = None) -> JsonObject:
        """Start one now; the state as in `backups`, with `running` until it has ended."""
        return await self.call("POST", "/backups", {"history": history, "folder": folder})

    async def change_backups(self, **fields: Any) -> JsonObject:
        """folder, keep, history, time and passphrase of the daily backup; the state as in `backups`."""
        return await self.call("PATCH", "/backups/settings", fields)


def _range(outlets: Sequence[str], start: int, end: int) -> list[tuple[str, str]]:
    return [*(("device", outlet) for outlet in outlets), ("from", str(start)), ("to", str(end))]


def _period(period: str, of: str | None) -> list[tuple[str, str]]:
    return [("period", period), *([] if of is None else [("of", of)])]
