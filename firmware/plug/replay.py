"""What the hub still lacks of one outlet's ring, told by its acks. No input or output here."""

_GIVE_UP = 3  # replays of one seq that a hub acknowledged beyond and did not take
_COMMIT_MS = 90_000  # after this long an ack speaks of a finished replay, whatever it has seen


class Replay:
    """The cursor of one outlet. `live` is the seq of the newest sample sent live, -1 before the first."""

    def __init__(self, ring) -> None:
        self._ring = ring
        self.live = -1
        self._session = None
        self._fresh = True  # the next ack starts a replay whatever it says
        self._floor = 0  # seqs below were given up
        self._first = 0  # of the present or last replay
        self._cursor = None  # the next seq to send; None = no replay under way
        self._end = -1  # the last seq to send
        self._round = 0  # counts the replays, so that a batch of an earlier one does not move this one's cursor
        self._sending = 0  # the round of the batch on its way
        self._done = None  # (first, end, live, time) of a replay whose outcome no ack has told yet
        self._failed = []  # (first, end) of the last replays after which something was still missing

    @property
    def oldest(self) -> int:
        """The first seq that the hub can still get."""
        return max(self._ring.oldest, self._floor)

    @property
    def round(self) -> int:
        """How many replays have begun, those included in which there was nothing to send."""
        return self._round

    @property
    def active(self) -> bool:
        return self._cursor is not None

    def reconnected(self) -> None:
        """A new connection: what was on its way may be lost, the next ack starts anew."""
        self._fresh = True
        self._cursor = None
        self._done = None

    def ack(self, session: str, seq: int, seen: int, now: int) -> bool:
        """The hub has everything up to `seq` and nothing beyond `seen`. True = a replay after a break begins,
        before which a plug waits a random time."""
        newest = self._ring.next - 1
        seq = min(seq, newest)
        seen = min(seen, newest)
        if session != self._session:
            self._session = session
            self._fresh = True
            self._floor = 0
            self._done = None
            self._failed = []
        if self._fresh:
            self._fresh = False
            self._begin(seq + 1, newest)
            return self.active
        if self._cursor is not None:
            self._cursor = max(self._cursor, seq + 1)  # what became durable meanwhile need not be sent
            self._close_if_finished(now)
            return False
        if seen <= seq:
            self._done = None
            return False
        if self._done is not None:
            first, end, live, finished = self._done
            # Acks also follow a status. Only one that has seen a sample sent after the replay tells its outcome.
            if seen <= live and now - finished < _COMMIT_MS:
                return False
            self._failed = self._failed[1 - _GIVE_UP :] + [(first, end)]
            self._done = None
        missing = max(seq + 1, self.oldest)
        if len(self._failed) == _GIVE_UP and all(first <= missing <= end for first, end in self._failed):
            self._floor = missing + 1  # the next ack names the next one that is missing
            return False
        self._begin(missing, seen)
        return False

    def batch(self, limit: int, interval: int):
        """(first seq, count, dt) of the next batch, or None. It ends where the step in `up` changes."""
        if self._cursor is None:
            return None
        first = self._cursor = max(self._cursor, self.oldest)
        end = min(self._end, first + limit - 1)
        if first > end:
            self._cursor = None  # all of it left the ring or was given up
            return None
        self._sending = self._round
        if first == end:
            return first, 1, interval
        up = self._ring.up
        last_up = up(first + 1)
        dt = last_up - up(first)
        last = first + 1
        while last < end:
            next_up = up(last + 1)
            if next_up - last_up != dt:
                break
            last_up = next_up
            last += 1
        return first, last - first + 1, dt

    def sent(self, first: int, count: int, now: int) -> None:
        """That batch reached the broker (its PUBACK came)."""
        if self._cursor is not None and self._sending == self._round:
            self._cursor = max(self._cursor, first + count)
            self._close_if_finished(now)

    def _begin(self, first: int, end: int) -> None:
        first = max(first, self.oldest)
        self._round += 1
        self._first = first
        self._end = end
        self._cursor = first if first <= end else None

    def _close_if_finished(self, now: int) -> None:
        if self._cursor > self._end:
            self._cursor = None
            self._done = (self._first, self._end, self.live, now)
