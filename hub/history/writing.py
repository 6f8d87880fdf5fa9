"""Writing commits: what was accepted goes to the log, and only then counts as durable."""

import logging
from functools import partial

import msgspec

from hub.bus import Bus
from hub.clock import Clock
from hub.events import Committed
from hub.history import commit as commits
from hub.history.commit import Taken, columns_of
from hub.history.ledger import Ledger
from hub.history.log import CommitLog, LogFull
from hub.history.outlooks import Outlooks
from hub.history.problems import NOT_STORED, Troubles
from hub.history.readings import own_dates
from hub.history.tail import UnmergedTail
from hub.history.today import Followed, Today
from hub.history.unmerged import Unmerged
from hub.history.worker import Worker
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.streams import Streams

PROBE_S = 86_400.0  # of silence, after which a block is written: 20 KB a day with what the file system adds

logger = logging.getLogger("hub.history")


class Written(msgspec.Struct):
    """What one commit wrote, and the energy of today after it."""

    commit: Unmerged
    today: Followed


class Writer:
    """Makes commits. `commit` is awaited on the event loop while `worker.writing` is held."""

    def __init__(
        self,
        *,
        log: CommitLog,
        limit: int,
        streams: Streams,
        buffer: Buffer,
        arrivals: Arrivals,
        outlooks: Outlooks,
        tail: UnmergedTail,
        today: Today,
        ledger: Ledger,
        worker: Worker,
        troubles: Troubles,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._log = log
        self._limit = limit  # bytes of the log
        self._streams = streams
        self._buffer = buffer
        self._arrivals = arrivals
        self._outlooks = outlooks
        self._tail = tail
        self._today = today
        self._ledger = ledger
        self._worker = worker
        self._troubles = troubles
        self._bus = bus
        self._clock = clock
        self._written = clock.monotonic()  # when the disk last took something

    async def commit(self) -> bool:
        """Make everything that was accepted so far durable and say so; False when the disk refused. Where there is
        nothing to write, the disk is asked whether it would."""
        self._arrivals.read()
        self._arrivals.check()
        waiting = self._tail.waiting
        deltas, columns = self._streams.take(), self._buffer.take()
        if deltas or columns:
            arrivals = self._arrivals
            owners = self._outlooks.owners(columns)
            waiting.append(Taken(arrivals.wall, arrivals.certain, arrivals.shift, deltas, columns, owners))
        try:
            if not waiting:
                await self._probe()
            while waiting:
                written = await self._worker.run(partial(self._write, waiting[0]))
                self._written = self._clock.monotonic()
                self._durable(waiting.pop(0), written)
        except OSError as error:
            return self.refused(str(error))
        except Exception as error:
            # Whatever it is, it must not look as if all were well: nobody gets an ack until it is mended.
            logger.exception("what was measured could not be written down")
            return self.refused(repr(error))
        self._buffer.storing = True
        self._troubles.end(NOT_STORED)
        return True

    def refused(self, reason: str) -> bool:
        """What waits stays in memory; more is not taken on, so that the plugs keep it."""
        self._buffer.storing = False
        self._troubles.begin(NOT_STORED, reason=reason)
        return False

    async def _probe(self) -> None:
        """Raises OSError."""
        write = self._clock.monotonic() - self._written >= PROBE_S
        await self._worker.run(partial(self._log.probe, write=write))
        if write:
            self._written = self._clock.monotonic()

    def _write(self, taken: Taken) -> Written:
        """In the thread: encode and append; then count on the energy of today."""
        raw = columns_of(taken.columns)
        if taken.certain:
            for columns in raw.values():
                columns.at = own_dates(columns.at, taken.shift)
        commit = commits.Commit(taken.at, taken.certain, self._ledger.session, taken.deltas, raw)
        payload = commits.encode(commit)
        if self._log.size + len(payload) > self._limit:
            raise LogFull(f"the history log holds {self._log.size} bytes that could not be merged yet")
        number = self._log.append(commits.COMMIT, payload)
        written = Unmerged(
            log=self._log,
            generation=self._log.generation,
            number=number,
            session=self._ledger.session,
            streams=frozenset(delta.number for delta in taken.deltas),
            size=len(payload),
            at=taken.at,
            certain=taken.certain,
            raw=raw,
            minutes=max((len(part.seq) for part in raw.values() if "seq_from" in part.extra), default=0),
        )
        return Written(written, self._today.follow(taken, raw))

    def _durable(self, taken: Taken, written: Written) -> None:
        self._streams.durable(taken.deltas)
        self._tail.add(written.commit)
        self._today.put(written.today.days)
        self._today.late |= written.today.late
        self._ledger.wrote(taken.at, certain=taken.certain)
        if taken.certain:
            self._clock.set_mark(taken.at)
        grown = [self._streams.by_number(delta.number) for delta in taken.deltas if delta.settled]
        keys = tuple(stream.key for stream in grown if stream is not None)
        samples = sum(len(columns) for columns in taken.columns.values())
        self._bus.publish(Committed(taken.at, written.commit.number, samples, keys))
