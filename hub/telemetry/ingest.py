"""Ingest: from a message of a plug to live state, column buffer and bus, in one synchronous path."""

import logging
from collections.abc import Mapping
from typing import Protocol

from hub.bus import Bus
from hub.events import ClockChanged, PayloadRejected, SampleReceived, StatusReported
from hub.plugins.contract import NONE, Batch, DeviceDriver, Minutes, PayloadError, Status
from hub.sample import Sample
from hub.telemetry.arrival import Arrivals
from hub.telemetry.bounds import (
    CHANNELS,
    MOST,
    check_texts,
    describe,
    readable,
    refusal,
    refused_minute,
    refused_place,
)
from hub.telemetry.buffer import Buffer
from hub.telemetry.live import Live
from hub.telemetry.minutes import Heard, Novelty
from hub.telemetry.rejects import Rejects
from hub.telemetry.starts import Starts
from hub.telemetry.stream import Place, Stream
from hub.telemetry.streams import Streams

OLDER_RUNS = 16  # that a status may name
AHEAD_MS = 300_000
DAY_MS = 86_400_000
YEAR_MS = 366 * DAY_MS
EARLIEST = 1_577_836_800_000  # 2020: no clock that was ever set says less

log = logging.getLogger("hub.telemetry.ingest")


class KnownDevice(Protocol):
    """What ingest reads of a device."""

    @property
    def id(self) -> str: ...
    @property
    def hardware_id(self) -> str: ...
    @property
    def driver(self) -> str: ...


class Devices(Protocol):
    """What ingest needs of the registry."""

    def by_hardware(self, hardware_id: str) -> KnownDevice | None:
        """The device behind this plug."""


class Hearing(Protocol):
    """What ingest needs of presence."""

    def heard(self, device_id: str) -> None:
        """A message of this device came."""


class Ingest:
    """Takes every message of every plug; an error with one never stops the next.

    `longest_days`: the longest retention; what a plug's own `ts` dates before that is refused.
    """

    def __init__(
        self,
        *,
        registry: Devices,
        drivers: Mapping[str, DeviceDriver],
        streams: Streams,
        buffer: Buffer,
        live: Live,
        rejects: Rejects,
        presence: Hearing,
        bus: Bus,
        arrivals: Arrivals,
        longest_days: int = 5 * 366,
    ) -> None:
        self._registry = registry
        self._drivers = drivers
        self._streams = streams
        self._buffer = buffer
        self._live = live
        self._rejects = rejects
        self._presence = presence
        self._bus = bus
        self._arrivals = arrivals
        self._starts = Starts()
        self._dated: dict[int, int] = {}  # the newest ts of samples without a seq, by stream number
        self._away: set[int] = set()  # numbers of streams without seqs whose device was offline since their last sample
        self._longest = longest_days * DAY_MS
        arrivals.on_step.append(self._clock_stepped)
        arrivals.on_certain.append(self._clock_certain)
        arrivals.on_uncertain.append(self._clock_uncertain)
        self.samples = 0
        """Samples taken into the buffer since the start, live and replayed."""

    def message(self, hardware_id: str, suffix: str, payload: bytes, retained: bool) -> None:
        """A plug published `payload` below its root. Hot path; never raises."""
        device = self._registry.by_hardware(hardware_id)
        if device is None:
            self._rejects.count("unknown", "device")
            return
        driver = self._drivers.get(device.driver)
        if driver is None:
            self._rejects.count(device.id, "driver")
            return
        arrival = self._arrivals.read()
        self._presence.heard(device.id)
        try:
            decoded = driver.decode(suffix, payload)
            if type(decoded) is Sample:
                self._sample(device, decoded, arrival, payload, not retained)
            elif type(decoded) is Batch:
                self._batch(device, decoded, arrival, payload)
            elif type(decoded) is Minutes:
                self._minutes(device, decoded, payload)
            elif type(decoded) is Status:
                self._status(device, decoded, retained)
        except PayloadError as error:
            if error.place is not None:
                self._settle(device, error.place, live=suffix == "telemetry" and not retained)
            self._refuse(device, error.reason, error.detail, payload)
        except Exception as error:  # a driver is a plugin: whatever it does wrong must not cost the connection
            self._failed(device, driver, error, payload)

    def _sample(self, device: KnownDevice, sample: Sample, arrival: int, payload: bytes, live: bool) -> None:
        reason = refusal(sample)
        if reason is not None:
            self._settle(device, sample, live)
            self._refuse(device, reason, describe(sample), payload)
            return
        if not live and (sample.run is None or sample.seq is None):
            # It comes again with each start of the hub, and nothing tells it from a new measurement.
            self._live.retained(device.id, self._arrivals.wall, sample)
            return
        fresh = not self._buffer.storing or self._store(device, sample, arrival, live)
        if live and fresh:
            at = self._arrivals.wall
            self._live.heard(device.id, at, sample)
            self._bus.publish(SampleReceived(device.id, at, sample))

    def _batch(self, device: KnownDevice, batch: Batch, arrival: int, payload: bytes) -> None:
        if not self._buffer.storing:
            return
        for sample in batch.samples:
            reason = refusal(sample)
            if reason is None:
                self._store(device, sample, arrival, False)
            else:
                batch.rejected.append((sample, reason))
        for sample, reason in batch.rejected:
            self._settle(device, sample, False)
            self._refuse(device, reason, describe(sample), payload)

    def _minutes(self, device: KnownDevice, message: Minutes, payload: bytes) -> None:
        """Keep the records that say something new; every one that can be placed is acknowledged once it is durable."""
        if not self._buffer.storing:
            return
        check_texts(message.reason)
        reason = refused_place(Sample(run=message.run, channel=message.channel))
        if reason is not None:
            self._refuse(device, reason, f"minutes of channel {message.channel}", payload)
            return
        stream = self._open(device, message.channel, message.run)
        self._streams.heard_late(stream)
        if stream.reason is None and message.reason is not None:
            stream.reason, stream.dirty = message.reason, True
        stream.arrived = True
        heard = stream.minutes_heard = stream.minutes_heard or Heard()
        minutes = self._streams.open_minutes(stream)
        novelty = Novelty(stream, minutes)
        rejected = message.rejected
        for minute in message.minutes:
            first, last = minute.seq_from, minute.seq_to
            reason = refused_minute(minute)
            if reason is not None:
                rejected.append((first, last, reason))
            elif not novelty.any(first, last):
                heard.remember(heard.known, first, last)
            elif minutes.place_minutes(first, last):
                heard.remember(heard.stored, first, last)
                at = minute.ts if minute.ts is not None and self._believable(minute.ts) else NONE
                self._buffer.add_minute(minutes.number, at, minute)
        for first, last, why in rejected:
            if readable(first, last):
                heard.remember(heard.refused, first, last)
            self._refuse(device, why, f"minutes of channel {message.channel}, seq {first} to {last}", payload)

    def _store(self, device: KnownDevice, sample: Sample, arrival: int, live: bool) -> bool:
        """Into the buffer, unless it is there already. Is it news for the live view?"""
        run, seq, up = sample.run, sample.seq, sample.up
        if run is None or seq is None:
            return self._store_unstreamed(device, sample, live)
        stream = self._streams.get(device.id, sample.channel, run) or self._open(device, sample.channel, run)
        newest = stream.newest
        place = stream.place(seq)
        if sample.oldest is not None:
            stream.holds_from(sample.oldest)
        if place is Place.DUPLICATE:
            return False
        if live:
            self._streams.heard_live(stream)
            if up is not None:
                stream.offsets.heard(up, arrival, self._arrivals.certain)
        else:
            self._streams.heard_late(stream)
        if place is Place.NEW:
            at = NONE
            if sample.ts is not None and self._believable(sample.ts):
                at = sample.ts
            elif up is None and live:
                at = self._arrivals.own_date()
            self._buffer.add(stream.number, seq, at, sample)
            self.samples += 1
        return seq > newest

    def _open(self, device: KnownDevice, channel: int, run: str) -> Stream:
        """The stream of this run. Raises PayloadError where the plug has begun too many."""
        stream = self._streams.get(device.id, channel, run)
        if stream is not None:
            return stream
        if not self._starts.take(device.id, run, self._arrivals.monotonic_ms):
            raise PayloadError("runs", f"the plug starts again and again; run {run} is not kept")
        return self._streams.open(device.id, channel, run, device.hardware_id)

    def _kept(self, device: KnownDevice, runs: list[str]) -> list[str]:
        """Those that are known, and of the others as many as the plug may begin."""
        known = {stream.run for stream in self._streams.of_device(device.id)}
        now = self._arrivals.monotonic_ms
        return [run for run in runs if run in known or self._starts.take(device.id, run, now)]

    def _store_unstreamed(self, device: KnownDevice, sample: Sample, live: bool) -> bool:
        stream = self._streams.open(device.id, sample.channel, "", device.hardware_id)
        stream.hardware = device.hardware_id
        if sample.ts is not None and self._believable(sample.ts):
            # Without a seq nothing tells a late reading from a newer one of which the counter began anew.
            if sample.ts <= self._dated.get(stream.number, 0):
                raise PayloadError("late", f"ts {sample.ts} is not after the one before it")
            at = self._dated[stream.number] = sample.ts
        else:
            at = self._arrivals.own_date()
        if stream.number in self._away:
            self._away.discard(stream.number)
            stream.part()
        seq = stream.newest + 1
        stream.place(seq)
        if live:
            self._streams.heard_live(stream)
        self._buffer.add(stream.number, seq, at, sample)
        self.samples += 1
        return True

    def _settle(self, device: KnownDevice, place: Sample, live: bool) -> None:
        """A refused sample whose place can be read counts as received."""
        run, seq = place.run, place.seq
        if run is None or seq is None or refused_place(place) is not None or not self._buffer.storing:
            return
        try:
            stream = self._open(device, place.channel, run)
        except PayloadError:
            return  # what is wrong with it is told already
        stream.reject(seq)
        if place.oldest is not None:
            stream.holds_from(place.oldest)
        if live:
            self._streams.heard_live(stream)
        else:
            self._streams.heard_late(stream)

    def _status(self, device: KnownDevice, status: Status, retained: bool) -> None:
        check_texts(status.run, status.reason, status.command_id, status.error, status.firmware)
        for channel in (*status.relays, *status.oldest):
            if not 0 <= channel < CHANNELS:
                raise PayloadError("channel", f"there is no channel {channel}")
        if not status.online:
            self._away.update(stream.number for stream in self._streams.of_device(device.id) if not stream.run)
        if status.run is not None:
            if status.reason is not None:
                self._streams.explain(device.id, status.run, status.reason)
            older = [run for run in status.older[:OLDER_RUNS] if refused_place(Sample(run=run)) is None]
            self._streams.precede(device.id, status.run, self._kept(device, older))
            for channel, oldest in status.oldest.items():
                stream = self._streams.get(device.id, channel, status.run)
                if stream is not None and not retained and 0 <= oldest < MOST:
                    stream.holds_from(oldest)
        self._bus.publish(
            StatusReported(
                device=device.id,
                at=self._arrivals.wall,
                online=status.online,
                relays=status.relays,
                retained=retained,
                command_id=status.command_id,
                error=status.error,
                firmware=status.firmware,
                rssi=status.rssi,
                uptime=status.uptime,
                run=status.run,
                reason=status.reason,
                oldest=status.oldest or None,
                buffer_s=status.buffer_s,
            )
        )

    def _believable(self, ts: int) -> bool:
        """A plug's own time counts unless it lies ahead of a certain clock or before all retention; while the clock is
        uncertain, unless it can be that of no home."""
        if not self._arrivals.certain:
            return EARLIEST <= ts <= self._arrivals.wall + YEAR_MS
        return self._arrivals.wall - self._longest <= ts <= self._arrivals.wall + AHEAD_MS

    def _clock_stepped(self, step: int) -> None:
        self._streams.clock_stepped()
        self._live.clock_stepped(step)
        self._bus.publish(ClockChanged(self._arrivals.certain, step))

    def _clock_certain(self, shift: int) -> None:
        self._streams.clock_certain(shift)
        self._bus.publish(ClockChanged(certain=True, step_ms=0))

    def _clock_uncertain(self) -> None:
        self._bus.publish(ClockChanged(certain=False, step_ms=0))

    def _refuse(self, device: KnownDevice, reason: str, detail: str, payload: bytes) -> None:
        at = self._arrivals.wall
        self._rejects.add(at, device.id, reason, detail, payload)
        self._bus.publish(PayloadRejected(device.id, at, reason, detail))

    def _failed(self, device: KnownDevice, driver: DeviceDriver, error: Exception, payload: bytes) -> None:
        self._refuse(device, "failed", f"{type(error).__name__}: {error}", payload)
        count = self._rejects.counts[device.id, "failed"]
        if str(count).strip("0") == "1":  # the 1st, 10th, 100th ...: one bad plug must not fill the log
            log.error("driver %s failed at a message of %s (%d times)", driver.name, device.id, count, exc_info=error)
