"""The feed behind the WebSockets: gathers samples and changes once and hands them to whoever may see them.

Connections that see the same devices share an audience: a sample is encoded once and a frame's body is joined once,
however many people look on.
"""

from collections.abc import Iterable

import msgspec

from hub.api.audience import Audience, Follower, Outlet, follows_home
from hub.api.pairings import pairing_view
from hub.api.problems import Problems
from hub.api.rooms_shown import RoomsShown
from hub.api.socket_messages import AlertNews, RoomNews, ScheduleNews
from hub.api.views import DeviceViews
from hub.auth.principal import Principal
from hub.bus import Bus
from hub.clock import Clock, Timer
from hub.devices.discovery import Discovery
from hub.devices.pairing import Pairing
from hub.devices.registry import Registry
from hub.events import (
    AlertChanged,
    AlertEdited,
    CommandFinished,
    CommandOutdated,
    CommandSent,
    DeviceAdded,
    DeviceChanged,
    DeviceFound,
    DeviceRemoved,
    GapsChanged,
    PairingChanged,
    PresenceChanged,
    ProblemEnded,
    ProblemRaised,
    RelayChanged,
    RoomsChanged,
    SampleReceived,
    ScheduleEdited,
    ScheduleRan,
)
from hub.messages import HubError

GATHER = 0.01  # seconds between two frames of samples
OWNER = "api.feed"

DeviceEvent = PresenceChanged | RelayChanged | CommandSent | CommandFinished | CommandOutdated


class Feed:
    """Hears the bus once for all connections. `start` subscribes, `stop` lets go."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        *,
        registry: Registry,
        views: DeviceViews,
        problems: Problems,
        discovery: Discovery,
        pairing: Pairing,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._registry = registry
        self._views = views
        self._problems = problems
        self._discovery = discovery
        self._pairing = pairing
        self._audiences: dict[frozenset[str], Audience] = {}
        self._by_device: dict[str, tuple[Audience, ...]] = {}
        self._audience_of: dict[Follower, Audience] = {}
        self._held_back: set[Follower] = set()
        self._sample_timer: Timer | None = None
        self._flushed = 0.0
        self._change_timer: Timer | None = None
        self._encoder = msgspec.json.Encoder()
        self._views_encoded: dict[tuple[str, str], bytes] = {}
        self._newest: dict[Outlet, bytes] = {}  # of devices that somebody follows
        self._rooms_shown = RoomsShown(registry)
        self._rooms_changed: set[str] = set()  # homes

    def start(self) -> None:
        """Hear the bus."""
        subscribe = self._bus.subscribe
        subscribe(SampleReceived, self._sample, OWNER)
        subscribe(PresenceChanged, self._device_event, OWNER)
        subscribe(RelayChanged, self._device_event, OWNER)
        subscribe(CommandSent, self._device_event, OWNER)
        subscribe(CommandFinished, self._device_event, OWNER)
        subscribe(CommandOutdated, self._device_event, OWNER)
        subscribe(GapsChanged, self._gaps, OWNER)
        subscribe(DeviceAdded, self._registry_event, OWNER)
        subscribe(DeviceChanged, self._registry_event, OWNER)
        subscribe(DeviceRemoved, self._device_removed, OWNER)
        subscribe(DeviceFound, self._found, OWNER)
        subscribe(PairingChanged, self._pairing_step, OWNER)
        subscribe(ProblemRaised, self._problem, OWNER)
        subscribe(ProblemEnded, self._problem, OWNER)
        subscribe(RoomsChanged, lambda event: self._touch_rooms(event.home), OWNER)
        subscribe(ScheduleEdited, self._schedule, OWNER)
        subscribe(ScheduleRan, self._schedule, OWNER)
        subscribe(AlertEdited, lambda event: self._alert(event, None), OWNER)
        subscribe(AlertChanged, lambda event: self._alert(event, event.state), OWNER)

    def stop(self) -> None:
        """Stop hearing; what is gathered is dropped."""
        self._bus.remove_owner(OWNER)
        for timer in (self._sample_timer, self._change_timer):
            if timer is not None:
                timer.cancel()

    @property
    def followers(self) -> int:
        """How many connections follow something."""
        return len(self._audience_of)

    def follow(self, follower: Follower) -> None:
        """Rooms or principal of a connection changed (also its first time)."""
        visible = self._visible(follower.principal, follower.rooms)
        self._rooms_shown.follows(follower, visible)
        held = self._audience_of.get(follower)
        if held is not None and held.devices == visible:
            return
        if held is not None:  # what was gathered for the old audience still goes to everyone in it
            self.flush()
        self._leave(follower)
        audience = self._audiences.get(visible)
        if audience is None:
            audience = self._audiences[visible] = Audience(visible)
            self._index()
        audience.followers.add(follower)
        self._audience_of[follower] = audience

    def leave(self, follower: Follower) -> None:
        """The connection ended."""
        self._leave(follower)
        self._held_back.discard(follower)
        self._rooms_shown.forget(follower)

    def check_room(self, principal: Principal, room: str) -> None:
        """Raises HubError("room-unknown") for a room that does not exist or that the asker may not follow."""
        kind, _, id = room.partition(":")
        if kind == "home" and id == principal.home:
            return
        if kind == "user" and id == principal.user:
            return
        device = self._registry.device(id) if kind == "device" else None
        if device is not None and self._registry.right(principal, device) != "none":
            return
        if kind == "room" and any(room.id == id for room in self._registry.rooms.list(principal)):
            return
        raise HubError("room-unknown", room=room)

    def touch(self, device: str) -> None:
        """The device looks different; frames go out once the present event has been heard by all."""
        self._views_encoded = {}
        for audience in self._by_device.get(device, ()):
            audience.changes[device] = None
            self._changes_soon()

    def _touch_rooms(self, home: str) -> None:
        """The rooms of this home, or what is in them, may be others to somebody."""
        self._rooms_changed.add(home)
        self._changes_soon()

    def _changes_soon(self) -> None:
        self._change_timer = self._change_timer or self._clock.call_later(0, self._flush_changes)

    def encoded(self, principal: Principal, device_id: str) -> bytes | None:
        """The device as JSON for this asker; encoded once for all who have the same right."""
        device = self._registry.device(device_id)
        right = "none" if device is None else self._registry.right(principal, device)
        if device is None or right == "none":
            return None
        key = (device_id, right)
        if key not in self._views_encoded:
            self._views_encoded[key] = self._encoder.encode(self._views.view(device, right))
        return self._views_encoded[key]

    def hold_back(self, follower: Follower) -> None:
        """This connection is behind: try again with the next frames."""
        self._held_back.add(follower)
        self._soon()

    def flush(self) -> None:
        """Send now what is gathered."""
        self._flush_samples()
        self._flush_changes()

    def _sample(self, event: SampleReceived) -> None:
        audiences = self._by_device.get(event.device)
        if not audiences:
            return
        sample = event.sample
        outlet = (event.device, sample.channel)
        encoded = self._encoder.encode(
            (
                event.device,
                sample.channel,
                event.at,
                sample.power,
                sample.voltage,
                sample.current,
                sample.relay_state,
                sample.energy_mwh,
            )
        )
        self._newest[outlet] = encoded
        item = outlet, encoded
        for audience in audiences:
            audience.fresh.append(item)
        if self._sample_timer is None:
            self._soon()

    def _soon(self) -> None:
        """Frames go out once everything that came together has been heard, but never two within GATHER."""
        if self._sample_timer is None:
            wait = max(0.0, self._flushed + GATHER - self._clock.monotonic())
            self._sample_timer = self._clock.call_later(wait, self._flush_samples)

    def _flush_samples(self) -> None:
        self._flushed = self._clock.monotonic()
        if self._sample_timer is not None:
            self._sample_timer.cancel()
            self._sample_timer = None
        for audience in self._audiences.values():
            if audience.fresh:
                items, audience.fresh = audience.fresh, []
                body = b",".join([encoded for _, encoded in items])
                for follower in audience.followers:
                    follower.samples(items, body)
        waiting, self._held_back = self._held_back, set()
        if waiting:
            self._views_encoded = {}  # live values have moved on
        for follower in waiting:
            if not follower.catch_up():
                self.hold_back(follower)

    def _flush_changes(self) -> None:
        if self._change_timer is not None:
            self._change_timer.cancel()
            self._change_timer = None
        self._views_encoded = {}
        for audience in list(self._audiences.values()):
            changes, audience.changes = audience.changes, {}
            for device in changes:
                for follower in audience.followers:
                    follower.changed(device)
        homes, self._rooms_changed = self._rooms_changed, set()
        for home in homes:
            rest = self._rest(RoomNews(home))
            for audience in list(self._audiences.values()):
                for follower in self._rooms_shown.differing(home, audience):
                    follower.tell("rooms", rest)

    def _device_event(self, event: DeviceEvent) -> None:
        self.touch(event.device)

    def _registry_event(self, event: DeviceAdded | DeviceChanged) -> None:
        self._recheck(event.home)
        self.touch(event.device)

    def newest(self, follower: Follower) -> bytes:
        """The newest sample of each outlet it follows, encoded and joined by commas."""
        audience = self._audience_of.get(follower)
        devices = frozenset[str]() if audience is None else audience.devices
        return b",".join([encoded for outlet, encoded in self._newest.items() if outlet[0] in devices])

    def _device_removed(self, event: DeviceRemoved) -> None:
        self._newest = {outlet: item for outlet, item in self._newest.items() if outlet[0] != event.device}
        self._recheck(event.home)

    def _recheck(self, home: str) -> None:
        """Rights or devices of this home changed: everyone in it sees what they may see now, and hears what went."""
        for follower, audience in list(self._audience_of.items()):
            if follower.principal.home == home:
                self._see_anew(follower, audience)
        self._touch_rooms(home)

    def recheck(self, follower: Follower) -> None:
        """Its principal may see other devices now: it hears which are gone and how those are that are new."""
        audience = self._audience_of.get(follower)
        if audience is None:
            return
        self._see_anew(follower, audience)
        for device in self._audience_of[follower].devices:
            follower.changed(device)
        self._touch_rooms(follower.principal.home)

    def _see_anew(self, follower: Follower, audience: Audience) -> None:
        before = audience.devices
        self.follow(follower)
        for device in before - self._audience_of[follower].devices:
            follower.removed(device)

    def _gaps(self, event: GapsChanged) -> None:
        self._tell_of(event.device, "gaps", b'"device":' + self._encoder.encode(event.device))

    def _schedule(self, event: ScheduleEdited | ScheduleRan) -> None:
        self._tell_of(event.device, "schedules", self._rest(ScheduleNews(event.device)))

    def _alert(self, event: AlertEdited | AlertChanged, state: str | None) -> None:
        self._tell_of(event.device, "alerts", self._rest(AlertNews(event.device, event.alert, state)))

    def _tell_of(self, device: str, type: str, rest: bytes) -> None:
        """Something about a device, to those who follow it."""
        for audience in self._by_device.get(device, ()):
            for follower in audience.followers:
                follower.tell(type, rest)

    def _rest(self, news: msgspec.Struct) -> bytes:
        """What follows type and number in a frame."""
        return self._encoder.encode(news)[1:-1]

    def _found(self, _event: DeviceFound) -> None:
        rest = b'"items":' + self._encoder.encode(self._views.found(self._discovery.found()))
        for follower in self._in_home():
            if follower.principal.role in ("user", "admin", "system"):
                follower.tell("found", rest)

    def _pairing_step(self, event: PairingChanged) -> None:
        """For whoever opened the window, where they follow themselves, and for nobody else."""
        for follower in list(self._audience_of):
            who = follower.principal
            if (who.user, who.home) == (event.user, event.home) and f"user:{who.user}" in follower.rooms:
                view = pairing_view(self._pairing.state(who, event.window), follower.language)
                follower.tell("pairing", b'"pairing":' + self._encoder.encode(view))

    def _problem(self, event: ProblemRaised | ProblemEnded) -> None:
        for follower in self._in_home():
            if follower.principal.is_operator:
                view = self._problems.view(event, follower.language)
                follower.tell("problem", b'"problem":' + self._encoder.encode(view))

    def _in_home(self) -> Iterable[Follower]:
        """Those who follow their home as a whole."""
        for follower in list(self._audience_of):
            if follows_home(follower):
                yield follower

    def _visible(self, principal: Principal, rooms: set[str]) -> frozenset[str]:
        if not rooms:
            return frozenset()
        whole, room_id = f"home:{principal.home}" in rooms, self._registry.rooms.id_of
        return frozenset(
            device.id
            for device in self._registry.list(principal)
            if whole or f"device:{device.id}" in rooms or f"room:{room_id(device.home, device.room)}" in rooms
        )

    def _leave(self, follower: Follower) -> None:
        audience = self._audience_of.pop(follower, None)
        if audience is None:
            return
        audience.followers.discard(follower)
        if not audience.followers:
            del self._audiences[audience.devices]
            self._index()

    def _index(self) -> None:
        found: dict[str, list[Audience]] = {}
        for audience in self._audiences.values():
            for device in audience.devices:
                found.setdefault(device, []).append(audience)
        self._by_device = {device: tuple(audiences) for device, audiences in found.items()}
