"""Acks: tells each plug what of its samples is durable on the hub's disk."""

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from hub.bus import Bus
from hub.events import ClockChanged, Committed, StatusReported
from hub.plugins.contract import DeviceDriver
from hub.telemetry.arrival import TimeSource
from hub.telemetry.ingest import KnownDevice
from hub.telemetry.interface import Send
from hub.telemetry.stream import Stream
from hub.telemetry.streams import Streams

OWNER = "telemetry.acks"
MOST_STREAMS = 32  # in one ack; of the others the next one tells. A plug reads at most 4 KB
MOST_MINUTES = 32  # ranges of minutes in one ack


class DevicesById(Protocol):
    """What this needs of the registry."""

    def device(self, device_id: str) -> KnownDevice | None:
        """The device with this id."""

    def all(self) -> list[Any]:
        """Every device."""


class Acks:
    """Sends `ack` at every status, after every commit, and when the clock becomes certain or steps.

    It names the present run and every stream from which anything arrived since the last ack that went out.
    """

    def __init__(
        self,
        *,
        registry: DevicesById,
        drivers: Mapping[str, DeviceDriver],
        streams: Streams,
        send: Send,
        bus: Bus,
        clock: TimeSource,
        hub_id: str,
        session: str | None = None,
    ) -> None:
        self._registry = registry
        self._drivers = drivers
        self._streams = streams
        self._send = send
        self._bus = bus
        self._clock = clock
        self._hub_id = hub_id
        self.session = session or secrets.token_hex(8)
        self._runs: dict[str, tuple[str, Mapping[int, int]]] = {}  # device -> present run, oldest by channel, by status

    def start(self) -> None:
        """Begin to listen."""
        self._bus.subscribe(StatusReported, self._status, OWNER)
        self._bus.subscribe(Committed, self._committed, OWNER)
        self._bus.subscribe(ClockChanged, self._clock_changed, OWNER)

    def stop(self) -> None:
        """Listen no more."""
        self._bus.remove_owner(OWNER)

    def send(self, device_id: str) -> bool:
        """Tell this device now; False when it is away or its make knows no acks."""
        device = self._registry.device(device_id)
        driver = None if device is None else self._drivers.get(device.driver)
        if device is None or driver is None:
            return False
        streams = self._named(device_id)
        ack: dict[str, Any] = {"hub": self._hub_id, "session": self.session}
        if self._clock.certain():
            ack["time"] = self._clock.now()
        ack["acks"] = self._entries(streams) + self._unheard(device_id, streams)
        outgoing = driver.encode_ack(ack)
        if outgoing is None or not self._send(device.hardware_id, outgoing.suffix, outgoing.payload, outgoing.qos):
            return False
        for stream, entry in zip(streams, ack["acks"], strict=False):  # those that were never heard come behind
            stream.arrived = False
            if stream.minutes_heard is not None and not stream.minutes_heard.told(entry.get("minutes", [])):
                stream.minutes_heard = None
        return True

    def _status(self, event: StatusReported) -> None:
        if event.run is not None:
            self._runs[event.device] = (event.run, event.oldest or {})
        if event.online:
            self.send(event.device)

    def _committed(self, event: Committed) -> None:
        for device in dict.fromkeys(device for device, _, run in event.streams if run):
            self.send(device)

    def _clock_changed(self, event: ClockChanged) -> None:
        if event.certain:
            for device in self._registry.all():
                self.send(device.id)

    def _named(self, device_id: str) -> list[Stream]:
        run = self._runs.get(device_id, ("", {}))[0]
        live = self._streams.live
        named = [
            stream
            for stream in self._streams.of_device(device_id)
            if stream.run and stream.parent is None and _concerned(stream, run, live(device_id, stream.channel))
        ]
        if len(named) > MOST_STREAMS:
            named.sort(key=lambda stream: stream.run != run)
        return named[:MOST_STREAMS]

    def _entries(self, streams: list[Stream]) -> list[dict[str, Any]]:
        entries, room = [], MOST_MINUTES
        for stream in streams:
            entries.append(entry := self._entry(stream))
            if room and stream.minutes_heard is not None and stream.minutes is not None:
                ranges = stream.minutes_heard.durable(stream.durable, stream.minutes.durable, room)
                if ranges:
                    entry["minutes"] = ranges
                    room -= len(ranges)
        return entries

    def _entry(self, stream: Stream) -> dict[str, Any]:
        run, oldest = self._runs.get(stream.device, ("", {}))
        # Before the first sample of this hub run the plug's status is all that says where its memory begins.
        hint = oldest.get(stream.channel) if stream.oldest is None and run == stream.run else None
        seq, seen = stream.ack(hint)
        return {"run": stream.run, "channel": stream.channel, "seq": seq, "seen": seen}

    def _unheard(self, device_id: str, named: list[Stream]) -> list[dict[str, Any]]:
        """The present run's channels of which nothing was ever heard: the plug is to replay them whole."""
        run, oldest = self._runs.get(device_id, ("", {}))
        known = {(stream.run, stream.channel) for stream in named}
        return [
            {"run": run, "channel": channel, "seq": first - 1, "seen": -1}
            for channel, first in oldest.items()
            if (run, channel) not in known
        ]


def _concerned(stream: Stream, run: str, live: Stream | None) -> bool:
    """Is it to be named: the present run, or one of which something arrived that no ack has told yet?"""
    return stream.arrived or stream.minutes_heard is not None or stream.run == run or live is stream
