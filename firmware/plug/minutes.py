"""Minutes: what the plug writes to flash once its hub is away for long, and sends when the ring no longer holds it."""

from .flashlog import FlashLog
from .payload import minutes as payload
from .payload import whole
from .tasks import sleep_ms

_CHECK_MS = 5000
_MESSAGE = 30  # records, about 4 KB
_HIGHEST = 1 << 62
_OLDER = 16  # runs named in a status


class _Outlet:
    """Where the log of one outlet stands."""

    def __init__(self) -> None:
        self.next = None  # the first seq that is not in the log; None = nothing is written
        self.known = 0  # hub or log say where the counter stood before this seq
        self.acked = -1


class Minutes:
    """Owned by the plug. Whatever the flash does, the plug goes on: an error costs minutes, no sample in RAM."""

    def __init__(self, plug) -> None:
        self._plug = plug
        self._outlets = [_Outlet() for _ in plug.outlets]
        self._heard = 0
        self._written = 0
        self._log = None
        self._cursor = None  # (segment number, channel, index) of the next record to send; None = all were sent
        self._after = None  # the cursor once the message on its way has arrived
        if plug.board.minutes_folder is not None:
            try:
                self._log = FlashLog(plug.board.minutes_folder, plug.settings.minutes_bytes, plug.board.log)
            except OSError as error:
                plug.board.log("minutes: %r" % error)

    @property
    def counters(self) -> dict:
        """Import and export by channel where flash had them last; empty where it holds no minutes."""
        return self._log.counters if self._log is not None else {}

    @property
    def older(self) -> list:
        """The newest runs before the present one of which minutes are left, the oldest first."""
        runs = []
        for segment in self._log.segments if self._log is not None else ():
            if segment.run != self._plug.run_id and segment.run not in runs:
                runs.append(segment.run)
        return runs[-_OLDER:]

    @property
    def writing(self) -> bool:
        """Is anything written at present?"""
        return any(outlet.next is not None for outlet in self._outlets)

    async def run(self) -> None:
        """Write seldom, for ever."""
        plug = self._plug
        while self._log is not None:
            await sleep_ms(min(_CHECK_MS, plug.settings.minutes_write_ms))
            now = plug.uptime.ms()
            if not self.writing and now - self._heard >= plug.settings.minutes_after_ms:
                self._begin()
            if not self.writing:
                continue
            half = any(o.next is not None and p.ring.next - o.next > p.ring.size // 2 for o, p in self._both())
            if half or now - self._written >= plug.settings.minutes_write_ms:
                self._written = now
                await self._write()

    def heard(self) -> None:
        """An ack of this plug's hub came."""
        self._heard = self._plug.uptime.ms()

    def acked(self, channel: int, seq: int, oldest: int) -> None:
        """The hub has everything of the present run from `oldest` up to seq."""
        outlet = self._outlets[channel]
        outlet.acked = seq
        if outlet.next is not None and seq >= outlet.next - 1:
            outlet.next = None  # what is to come is in the ring, and the hub takes it
        if self._log is not None and any(s.low <= seq and s.high >= oldest for s in self._mine()):
            self._free(self._plug.run_id, channel, lambda first, last: first >= oldest and last <= seq)

    def erase(self) -> None:
        """Let go of all of it."""
        if self._log is not None:
            try:
                self._log.clear()
            except OSError as error:
                self._plug.board.log("minutes: %r" % error)

    def named(self, run: str, channel: int, ranges) -> None:
        """The hub has, or refused, the minutes within these ranges."""
        if self._log is None or not isinstance(ranges, list) or not whole(channel, 0, 255):
            return
        usable = [
            pair
            for pair in ranges
            if isinstance(pair, list) and len(pair) == 2 and whole(pair[0], 0, _HIGHEST) and whole(pair[1], 0, _HIGHEST)
        ]
        if usable:
            self._free(run, channel, lambda first, last: any(a <= first and last <= b for a, b in usable))

    def rewind(self) -> bool:
        """Send everything again from the oldest run on; False when there is nothing."""
        self._cursor = (-1, 0, 0) if self._log is not None and self._log.segments else None
        self._after = None  # a message on its way may have gone to a hub that is no more
        return self._cursor is not None

    def message(self):
        """The payload of the next `telemetry/minutes`, or None. Then `sent`."""
        while self._cursor is not None:
            number, channel, index = self._cursor
            segment = None
            for candidate in self._log.segments:
                if candidate.number >= number:
                    segment = candidate
                    break
            if segment is None:
                self._cursor = None
                return None
            if segment.number != number:
                channel = index = 0
            found, after = self._unsent(segment, channel, index)
            if found:
                self._after = (segment.number, channel, after)
                return payload(segment.run, channel, segment.reason, found, self._offset(segment))
            more = channel + 1 < len(self._outlets)
            self._cursor = (segment.number, channel + 1, 0) if more else (segment.number + 1, 0, 0)
        return None

    def sent(self) -> None:
        """That message reached the broker."""
        if self._after is not None:
            self._cursor = self._after
            self._after = None

    def _both(self):
        return zip(self._outlets, self._plug.outlets)

    def _mine(self) -> list:
        return [segment for segment in self._log.segments if segment.run == self._plug.run_id]

    def _free(self, run: str, channel: int, may_go) -> None:
        try:
            self._log.free(run, channel, may_go)
        except OSError as error:
            self._plug.board.log("minutes: %r" % error)

    def _unsent(self, segment, channel: int, index: int) -> tuple:
        """(records of this channel from `index` on that the hub lacks, the index behind them)."""
        found = []
        try:
            records = self._log.read(segment)
        except OSError as error:
            self._plug.board.log("minutes: %r" % error)
            return found, index
        for i in range(index, len(records)):
            if records[i][0] == channel and not segment.is_freed(i):
                if len(found) == _MESSAGE:
                    return found, i
                found.append(records[i])
        return found, len(records)

    def _offset(self, segment) -> int:
        """Unix ms - up of the segment's run, 0 where it never knew the time."""
        if segment.run == self._plug.run_id:
            return self._plug.clock.offset or segment.offset
        return max([other.offset for other in self._log.segments if other.run == segment.run])

    def _begin(self) -> None:
        for outlet, plugs in self._both():
            outlet.known = outlet.acked + 1
            outlet.next = max(outlet.known, plugs.ring.oldest)
        self._written = self._plug.uptime.ms() - self._plug.settings.minutes_write_ms

    async def _write(self) -> None:
        """Every minute that is over, of every outlet."""
        plug = self._plug
        offset = plug.clock.offset
        for channel, (outlet, plugs) in enumerate(self._both()):
            records = []
            first = outlet.next
            while first is not None:
                first = max(first, plugs.ring.oldest)
                # Where nothing says where the counter stood, the first sample gets a record of its own
                record = self._record(channel, plugs, first, offset, first == 0 or first != outlet.known)
                if record is None:
                    break
                records.append(record)
                first = outlet.known = record[2] + 1
                await sleep_ms(0)  # a minute takes some 10 ms
            if records and outlet.next is not None:  # an ack may have come meanwhile
                try:
                    self._log.append(plug.run_id, plug.reason, records, offset)
                except OSError as error:
                    plug.board.log("minutes: %r" % error)
                outlet.next = first

    def _record(self, channel: int, outlet, first: int, offset: int, single: bool):  # noqa: PLR0917
        """The record of the minute that begins with this seq, None while it is not over."""
        ring = outlet.ring
        if first >= ring.next:
            return None
        length = self._plug.settings.minute_ms
        minute = (ring.up(first) + offset) // length
        count = on = measured = total = 0
        low = high = None
        seq = first
        while seq < ring.next:
            up, _, _, power, energy, export, relay = ring.get(seq)
            if (up + offset) // length != minute or (single and count):
                break
            count += 1
            on += relay
            if power is not None:
                total += power
                measured += 1
                low = power if low is None else min(low, power)
                high = power if high is None else max(high, power)
            last = (seq, up, energy, export or 0)
            seq += 1
        else:
            if not single:
                return None
        begun = ring.up(first - 1) if first > ring.oldest else ring.up(first) - self._plug.interval
        mean = total // measured if measured else None
        return (channel, count, last[0], last[1], low, mean, high, last[2], last[3], (last[1] - begun) * on // count)
