"""All streams: their numbers, their order in an outlet, which one is live, and what a commit takes of them."""

from collections.abc import Iterable
from typing import Any

from hub.plugins.contract import MINUTES, SeriesKey
from hub.telemetry.offsets import Offsets
from hub.telemetry.ranges import Range, Ranges
from hub.telemetry.stream import Stream, StreamDelta, StreamKey

ORDER_STEP = 1 << 20  # between two runs heard live; runs never heard live stand between


class Streams:
    """Every stream of every device. All calls are made on the event loop."""

    def __init__(self) -> None:
        self._streams: dict[StreamKey, Stream] = {}
        self._by_number: dict[int, Stream] = {}
        self._by_device: dict[str, list[Stream]] = {}
        self._live: dict[SeriesKey, Stream] = {}
        self._reasons: dict[str, tuple[str, str]] = {}  # device -> its newest run and why that began
        self._older: dict[str, tuple[str, list[str]]] = {}  # device -> its newest run and those that came before
        self._next_number = 1
        self._next_order = ORDER_STEP

    def get(self, device: str, channel: int, run: str) -> Stream | None:
        """The stream, if anything was ever heard of it."""
        return self._streams.get((device, channel, run))

    def open(self, device: str, channel: int, run: str, hardware: str) -> Stream:
        """The stream; a new one stands before the run that is live now, until it is heard live itself."""
        key = (device, channel, run)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._add(self._next_number, key, hardware)
            told_run, reason = self._reasons.get(device, (None, None))
            if told_run == run:
                stream.reason = reason
        return stream

    def open_minutes(self, stream: Stream) -> Stream:
        """Where the minutes of this run stand: a stream of their own, which only history sees."""
        return stream.minutes or self.open(stream.device, stream.channel, stream.run + MINUTES, stream.hardware)

    def heard_live(self, stream: Stream) -> None:
        """A live sample came. The first one of a run gives it its place in the order of runs."""
        if self._live.get(stream.series) is stream:
            return
        if stream.order is None or stream.order % ORDER_STEP:
            stream.order = self._next_order
            self._next_order += ORDER_STEP
            stream.dirty = True
            self._place_older(stream)
        self._live[stream.series] = stream

    def heard_late(self, stream: Stream) -> None:
        """Replayed samples came of a run that was never live: it stands directly before the one that is live now."""
        if stream.order is None:
            self._place_before([stream], self._live.get(SeriesKey(stream.device, stream.channel)))

    def _place_before(self, streams: list[Stream], live: Stream | None) -> None:
        """Streams of one device, in their order."""
        if not streams:
            return
        upper = self._next_order if live is None or live.order is None else live.order
        beside = self._by_device[streams[0].device]
        taken = [stream.order for stream in beside if stream.order is not None and stream.order < upper]
        first = max([*(order + 1 for order in taken), upper - ORDER_STEP + 1])
        for order, stream in enumerate(streams, first):
            stream.order, stream.dirty = order, True

    def live(self, device: str, channel: int) -> Stream | None:
        """The run that was heard live last."""
        return self._live.get(SeriesKey(device, channel))

    def of_device(self, device: str) -> list[Stream]:
        """Every stream of this device."""
        return list(self._by_device.get(device, ()))

    def of_series(self, series: SeriesKey) -> list[Stream]:
        """Every stream of this outlet, in the order of runs."""
        streams = [s for s in self._by_device.get(series.device, ()) if s.channel == series.channel]
        return sorted(streams, key=lambda stream: stream.order or 0)

    def series(self) -> list[SeriesKey]:
        """Every outlet that has a stream."""
        return sorted({SeriesKey(stream.device, stream.channel) for stream in self._streams.values()})

    def explain(self, device: str, run: str, reason: str) -> None:
        """The plug said why this run began: its first status comes before its first sample."""
        self._reasons[device] = (run, reason)
        for stream in self._by_device.get(device, ()):
            if stream.run == run and stream.reason != reason:
                stream.reason = reason
                stream.dirty = True

    def precede(self, device: str, run: str, older: list[str]) -> None:
        """The plug said which runs came before this one, the oldest first. What comes of them only later still stands
        there, though others may have been live by then."""
        self._older[device] = (run, older)
        for stream in list(self._by_device.get(device, ())):
            if stream.run == run and stream.order is not None:
                self._place_older(stream)

    def _place_older(self, stream: Stream) -> None:
        run, older = self._older.get(stream.device, ("", []))
        if run == stream.run:
            before = [self.open(stream.device, stream.channel, name, stream.hardware) for name in older]
            self._place_before([other for other in dict.fromkeys(before) if other.order is None], stream)

    def take(self) -> list[StreamDelta]:
        """What is new in each stream since the last take."""
        return [stream.take() for stream in self._streams.values() if stream.dirty]

    def durable(self, deltas: Iterable[StreamDelta]) -> None:
        """These are on disk now."""
        for delta in deltas:
            stream = self._by_number.get(delta.number)
            if stream is not None:
                stream.named = stream.named or delta.name is not None
                for first, last in delta.settled:
                    stream.durable.add(first, last)

    def reopen(self, number: int, ranges: Iterable[Range]) -> None:
        """Samples with these seqs were durable and are lost: they may come again, and the next ack says so."""
        stream = self._by_number.get(number)
        if stream is not None:
            for first, last in ranges:
                stream.settled.remove(first, last)
                stream.durable.remove(first, last)
            stream.arrived = True

    def unname(self, written: Iterable[StreamDelta] = ()) -> None:
        """The log began anew: it names each stream again. `written`: what was taken already for commits to come."""
        for stream in self._streams.values():
            stream.named = False
        for delta in written:
            stream_or_none = self._by_number.get(delta.number)
            if stream_or_none is not None:
                stream_or_none.name(delta)

    def replace(self, other: "Streams") -> None:
        """Know what the other one knows; why runs began stays known."""
        reasons, older = self._reasons, self._older
        self.__dict__.update(other.__dict__)
        self._reasons, self._older = reasons, older

    def apply(self, delta: StreamDelta) -> bool:
        """Take in what a commit in the log says of a stream; False when nobody knows the stream's name."""
        stream = self._by_number.get(delta.number)
        if stream is not None and delta.name is not None and stream.key != delta.name[:3]:
            return False
        if stream is None:
            if delta.name is None:
                self._next_number = max(self._next_number, delta.number + 1)  # its samples stay nobody's
                return False
            device, channel, run, hardware = delta.name
            stream = self._add(delta.number, (device, channel, run), hardware)
        stream.apply(delta)
        self._restored(stream)
        return True

    def restore(self, number: int, key: StreamKey, hardware: str, **known: Any) -> Stream:
        """Take in a stream from history's state."""
        stream = self._add(number, key, hardware)
        stream.order, stream.reason = known.get("order"), known.get("reason")
        stream.settled = Ranges(known.get("settled", ()))
        stream.durable = stream.settled.copy()
        stream.keep_notes(known.get("notes", ()))
        stream.forgotten = max(stream.forgotten, known.get("forgotten", 0))
        stream.offsets = Offsets(list(known.get("points", ())))
        if known.get("first") is not None:
            stream.offsets.wall.resume(known["first"])
        stream.newest = stream.settled.last
        stream.told()
        self._restored(stream)
        return stream

    def by_number(self, number: int) -> Stream | None:
        """The stream with this number."""
        return self._by_number.get(number)

    def clock_stepped(self) -> None:
        """The hub's clock jumped: arrivals before and after it do not go together."""
        for stream in self._streams.values():
            stream.offsets.stepped()

    def clock_certain(self, shift: int) -> None:
        """The time became certain: monotonic ms + shift = Unix ms."""
        for stream in self._streams.values():
            if stream.offsets.session is not None:
                stream.offsets.date_session(shift)
                stream.dirty = True

    def forget(self, device: str) -> None:
        """The device was removed, with its history."""
        self._reasons.pop(device, None)
        self._older.pop(device, None)
        for stream in self._by_device.pop(device, []):
            del self._streams[stream.key], self._by_number[stream.number]
            self._live.pop(SeriesKey(device, stream.channel), None)

    def every(self) -> list[Stream]:
        """All streams."""
        return list(self._streams.values())

    def idle(self) -> list[Stream]:
        """Streams of runs that ended and of which everything is durable, in pairs of run and minutes."""
        running = {id(stream) for stream in self._live.values()}
        return [
            stream
            for stream in self._streams.values()
            if not any(
                id(each) in running or each.dirty or list(each.settled) != list(each.durable)
                for each in (stream, stream.minutes, stream.parent)
                if each is not None
            )
            and SeriesKey(stream.device, stream.channel) in self._live
            and stream.run not in self._older.get(stream.device, ("", []))[1]  # its minutes may still come
        ]

    def drop(self, streams: Iterable[Stream]) -> None:
        """Forget these, unless something came of them meanwhile."""
        idle = {id(stream) for stream in self.idle()}
        for stream in streams:
            if id(stream) in idle and self._streams.get(stream.key) is stream:
                del self._streams[stream.key], self._by_number[stream.number]
                self._by_device[stream.device].remove(stream)

    def _add(self, number: int, key: StreamKey, hardware: str) -> Stream:
        stream = Stream(number, key, hardware)
        self._next_number = max(self._next_number, number + 1)
        self._streams[key] = stream
        self._by_number[number] = stream
        self._by_device.setdefault(stream.device, []).append(stream)
        self._relate(stream)
        return stream

    def _relate(self, stream: Stream) -> None:
        """Run and minutes know one another."""
        minutes, run = self._streams.get((*stream.key[:2], stream.run + MINUTES)), None
        if stream.run.endswith(MINUTES):
            run, minutes = self._streams.get((*stream.key[:2], stream.run.removesuffix(MINUTES))), stream
        else:
            run = stream
        if run is not None and minutes is not None:
            run.minutes, minutes.parent = minutes, run

    def _restored(self, stream: Stream) -> None:
        if stream.order is None:
            return
        self._next_order = max(self._next_order, (stream.order // ORDER_STEP + 1) * ORDER_STEP)
        series = SeriesKey(stream.device, stream.channel)
        live = self._live.get(series)
        if stream.order % ORDER_STEP == 0 and (live is None or (live.order or 0) <= stream.order):
            self._live[series] = stream
