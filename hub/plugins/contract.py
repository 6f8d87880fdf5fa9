"""The types that a plugin implements: device drivers, history stores, notifiers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from hub.sample import Sample

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]

NONE = -1  # in integer columns: the plug did not send it

MINUTES = "/minutes"
"""Ends the name of a run in whose place minutes are kept (see RawColumns)."""


class PayloadError(Exception):
    """A payload that cannot be used. `place` holds run, seq, channel, oldest and up where they could be read,
    so that the sample can be settled as rejected."""

    def __init__(self, reason: str, detail: str, place: Sample | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.place = place


class Batch(msgspec.Struct):
    """Replayed samples in order of seq, and the ones among them that were refused (with the reason)."""

    samples: list[Sample]
    rejected: list[tuple[Sample, str]] = []


class Minute(msgspec.Struct):
    """What a plug kept of the samples seq_from..seq_to when its memory no longer held them.

    up: ms since the run began and energy_mwh, export_mwh: the counters, all at seq_to. min, mean, max: power, W
    (None = not measured). on_s: relay on. ts: Unix ms at seq_to, where the plug knew the time.
    """

    seq_from: int
    seq_to: int
    up: int
    energy_mwh: int
    min: float | None = None
    mean: float | None = None
    max: float | None = None
    on_s: float | None = None
    export_mwh: int | None = None
    ts: int | None = None


class Minutes(msgspec.Struct):
    """Minutes of one run of one outlet, and the ones among them that were refused: (seq_from, seq_to, reason).

    reason: why the run began, where the plug says it."""

    run: str
    channel: int
    minutes: list[Minute]
    rejected: list[tuple[int, int, str]] = []
    reason: str | None = None


class Status(msgspec.Struct):
    """What a plug says of itself; `relays` and `oldest` by channel. older: earlier runs of which it still holds
    minutes, the oldest first."""

    online: bool
    relays: dict[int, bool]
    oldest: dict[int, int] = {}
    command_id: str | None = None
    error: str | None = None
    firmware: str | None = None
    rssi: int | None = None
    uptime: int | None = None
    run: str | None = None
    reason: str | None = None
    buffer_s: int | None = None
    older: list[str] = []


class Command(msgspec.Struct, frozen=True):
    """A command on its way to a device. `expires` is Unix ms, None while the hub's clock is uncertain."""

    id: str
    command: str  # relay_on, relay_off, identify, reboot, configure, calibrate, ota
    channel: int = 0
    expires: int | None = None
    values: Mapping[str, Any] = {}


class Settings(msgspec.Struct, frozen=True):
    """What a device is told as its retained `config`."""

    name: str
    interval_ms: int
    timezone: str
    led: bool
    channels: Mapping[int, Mapping[str, Any]]  # power_on_state, max_power_w, schedule


class Outgoing(msgspec.Struct, frozen=True):
    """One MQTT message to a device: the topic below its root, and the payload."""

    suffix: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class DeviceDriver(Protocol):
    """Speaks one make of plug. Stateless as to devices; called on the event loop, must not block."""

    name: str
    counter_resolution_mwh: int
    mdns_type: str | None  # service type to browse for, e.g. "_smartplug._tcp.local."

    def decode(self, suffix: str, payload: bytes) -> Sample | Batch | Minutes | Status | None:
        """What a message below the device's root says; None where it says nothing to the hub. Raises PayloadError."""

    def encode_command(self, command: Command) -> Outgoing:
        """The message that asks for it."""

    def encode_settings(self, settings: Settings) -> Outgoing:
        """The retained configuration."""

    def encode_ack(self, ack: Mapping[str, Any]) -> Outgoing | None:
        """The message that says what is durable (hub, session, time, acks); None if the make knows no such thing."""

    def found(self, name: str, properties: Mapping[str, str]) -> tuple[str, str] | None:
        """(hardware_id, model) of an mDNS announcement of this make, else None."""


class SeriesKey(msgspec.Struct, frozen=True, order=True):
    """One outlet of one device: what a chart shows."""

    device: str
    channel: int = 0


class RawColumns(msgspec.Struct):
    """Samples of one stream of one series, ascending by seq; all arrays equally long.

    seq; up: ms since the run began (NONE = unknown); at: Unix ms (NONE = undated); voltage V, current A, power W
    (NaN = not sent); energy_mwh, export_mwh: counters (NONE = not sent); relay: 1, 0, NONE; apparent: 1, 0;
    extra: further float columns by name (power_factor, frequency, temperature), only those that hold a value.
    Devices without streams have run "" and seq = position.

    A run that ends in MINUTES holds no samples but minutes that a plug kept of its run of that name: seq is their
    seq_to, power their mean, and extra holds seq_from, min, max and on_ms. A store keeps them like samples.
    """

    run: str
    seq: Int64
    up: Int64
    at: Int64
    voltage: Float64
    current: Float64
    power: Float64
    energy_mwh: Int64
    export_mwh: Int64
    relay: Int8
    apparent: Int8
    extra: dict[str, Float64] = {}


class RollupColumns(msgspec.Struct):
    """Buckets of one tier of one series, ascending by start; only buckets that hold something.

    start: Unix ms UTC of the bucket; mean/min/max power W; mean voltage V, current A (NaN = none);
    import_mwh, export_mwh: energy of the steps that fall into it (float: a step over two buckets is shared);
    estimated_mwh: the part of import_mwh known only from counters at both ends of a gap;
    on_ms: relay on; covered_ms: time that samples cover; count: samples.
    """

    start: Int64
    mean_power: Float64
    min_power: Float64
    max_power: Float64
    mean_voltage: Float64
    mean_current: Float64
    import_mwh: Float64
    export_mwh: Float64
    estimated_mwh: Float64
    on_ms: Int64
    covered_ms: Int64
    count: Int64


TIERS = {"1m": 60_000, "15m": 900_000}  # stored tiers and their bucket in ms


class Merge(msgspec.Struct):
    """What the store must hold afterwards; applying it twice changes nothing.

    raw: samples to put (same series, run and seq replaces). rollups: (series, tier, buckets), each bucket replaces
    the one with the same start. removed: (series, tier, start) of buckets that no longer hold anything.
    """

    raw: Sequence[tuple[SeriesKey, RawColumns]]
    rollups: Sequence[tuple[SeriesKey, str, RollupColumns]]
    removed: Sequence[tuple[SeriesKey, str, int]] = ()


class StoreStats(msgspec.Struct):
    """What the store holds: samples, bytes on disk, per tier."""

    raw_samples: int
    raw_bytes: int
    rollup_buckets: dict[str, int]
    rollup_bytes: dict[str, int]
    file_bytes: int
    damaged: list[str] = []


class HistoryStore(Protocol):
    """Keeps merged history. Called in history's worker thread, what reads (`read` … `stats`) from reader threads too,
    never on the event loop. Every method may raise OSError or StoreError; the hub then keeps the log and retries."""

    name: str

    def open(self) -> None:
        """Make ready; create what is missing."""

    def close(self) -> None:
        """Let go of files and connections."""

    def merge(self, change: Merge) -> None:
        """Apply in one transaction; durable when it returns."""

    def read(self, series: SeriesKey, start: int, end: int, *, brief: bool = False) -> list[RawColumns]:
        """Dated raw samples with start <= at < end, one entry a stream, ordered by time of their first sample.

        `brief`: of the columns only seq, at and power are needed, the others may be unknown."""

    def read_stream(self, series: SeriesKey, run: str, seq_from: int, seq_to: int) -> RawColumns | None:
        """Raw samples of one stream with seq_from <= seq <= seq_to, dated or not."""

    def rollup(self, series: SeriesKey, tier: str, start: int, end: int, *, brief: bool = False) -> RollupColumns:
        """Buckets with start <= bucket start < end.

        `brief`: voltage and current (NaN), on_ms and count (0) are not needed."""

    def delete(self, series: SeriesKey | None, tier: str, before: int) -> int:
        """Forget what lies wholly before (tier "raw", "1m" or "15m"; series None = all); returns how many rows went."""

    def stats(self) -> StoreStats:
        """Sizes and counts."""


@runtime_checkable
class TransactionalStore(Protocol):
    """What a HistoryStore may offer besides: several merges as one, where each by itself costs the disk far more."""

    def together(self) -> AbstractContextManager[None]:
        """Inside, merges are kept until `commit` is called: not durable and not seen by readers before. What is not
        committed at the end is as if it had never been merged."""

    def merge(self, change: Merge) -> None:
        """As HistoryStore.merge; inside `together` it is neither durable nor seen before `commit`."""

    def commit(self) -> None:
        """All merges so far, durable when it returns."""


@runtime_checkable
class SummingStore(Protocol):
    """What a HistoryStore may offer besides: sums of long ranges without reading each bucket anew."""

    def sums(self, series: SeriesKey, edges: Int64) -> RollupColumns:
        """Buckets of power, energy and time covered (see hub.plugins.columns.condensed), ascending, of which each lies
        between two neighbours of the ascending `edges`, and which sum up to the stored quarters from first to last."""


@runtime_checkable
class ThinningStore(Protocol):
    """What a HistoryStore may offer besides: the line of a long range without all of its samples in memory."""

    def thinned(self, series: SeriesKey, start: int, end: int, borders: Int64) -> list[tuple[RawColumns, int]]:
        """As HistoryStore.read with `brief`, where power was measured; and of how many samples of the stream these were
        chosen. Of those between two neighbours of `borders` (from start to end) it has at least the ones that
        hub.plugins.m4.chosen names."""


@runtime_checkable
class MendableStore(Protocol):
    """What a HistoryStore may offer besides: to say what it holds, and to begin anew when it is beyond repair."""

    def contents(self) -> Mapping[SeriesKey, Sequence[str]]:
        """Every outlet of which the store holds anything, and the runs of which it holds raw samples."""

    def pieces(self, series: SeriesKey, run: str, most: int) -> Sequence[tuple[int, int]]:
        """Ranges of seqs (first, last), ascending and apart, in which all raw samples of this run lie: each of no more
        than about `most` samples, so that whoever reads all of a run needs not hold it in memory."""

    def set_aside(self) -> str:
        """Called while the store is closed: keep what is damaged under another name, which is returned; the next
        `open` makes an empty store."""


@runtime_checkable
class ShrinkingStore(Protocol):
    """What a HistoryStore may offer besides: to give the space of what was deleted back to the disk, in small pieces,
    because others wait meanwhile and what is moved to its place is written anew."""

    def give_back(self, most: int) -> int:
        """Give back no more than `most` bytes; returns how many can be given back after that. 0 only asks."""


@runtime_checkable
class ListingStore(Protocol):
    """What a HistoryStore may offer besides: to say which raw samples it holds without reading all of them, so that a
    hub whose own notes are lost goes on receiving at once."""

    def seqs(self) -> Mapping[SeriesKey, Mapping[str, Sequence[tuple[int, int]]]]:
        """The seqs of each run as ranges (first, last), ascending and apart."""


class Damage(msgspec.Struct, frozen=True):
    """A piece of an outlet's history that does not check. tier: raw, 1m, 15m; start, end: it held nothing outside (Unix
    ms; of undated samples both 0); what: in words."""

    series: SeriesKey
    tier: str
    start: int
    end: int
    what: str


@runtime_checkable
class WatchfulStore(Protocol):
    """What a HistoryStore may offer besides: to say which pieces it found damaged, so that their samples are asked for
    again."""

    def met(self) -> Sequence[Damage]:
        """What reads and merges met since the last call. Such a piece reads as if it were not there, and the next merge
        sets it aside. Does not block: called on the event loop too."""


@runtime_checkable
class SalvageableStore(Protocol):
    """What a HistoryStore may offer besides: to be looked at as a whole, and to make a readable store of a damaged one.
    Both are called while the store is closed."""

    def damaged(self) -> bool:
        """Does a fresh look at all of it find that it is? Raises OSError, StoreError where the disk does not answer."""

    def salvage(self, pause: Callable[[], None] | None = None) -> Sequence[str]:
        """Called on a copy that nobody else uses: keep what can be read, so that `open` works; returns what is lost, a
        line each. `pause` is to be called every few hundred rows: it waits, so that others get the CPU, and what it
        raises ends the work. Raises OSError, StoreError."""


@runtime_checkable
class FileStore(Protocol):
    """What a HistoryStore may offer besides: to be backed up, because all of it is files of the data folder."""

    def files(self) -> Sequence[Path]:
        """The files that are the whole store while nothing is merged or deleted. Only reads them who asks."""


class StoreError(Exception):
    """The store cannot do it now."""


class StoreDamaged(StoreError):
    """The store is beyond repair as a whole (a chunk that does not check is only set aside)."""


class Notification(msgspec.Struct, frozen=True):
    """What a notifier delivers: title and text already in the reader's language; priority 1 (low) to 5 (urgent)."""

    title: str
    text: str
    priority: int = 3
    link: str | None = None
    tags: tuple[str, ...] = ()


class Notifier(Protocol):
    """Delivers notifications; async, with a time limit set by the manager."""

    name: str

    async def notify(self, notification: Notification) -> None:
        """Deliver, or raise an error that says why not."""

    async def close(self) -> None:
        """Let go of connections."""
