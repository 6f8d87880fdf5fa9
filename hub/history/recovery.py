"""Recovery: after any end of the hub, what state and log say together: streams, what is unmerged, what was intended."""

import logging
from collections.abc import Sequence

import msgspec

from hub.history import commit as commits
from hub.history.gaps import Outage
from hub.history.log import CommitLog
from hub.history.merge import INTENT, Round, decode_intent
from hub.history.outlook import row
from hub.history.state import Merged, State, StreamRow
from hub.history.unmerged import Unmerged
from hub.plugins.codec import DamagedChunk
from hub.telemetry.streams import Streams

ROUND_COMMITS = 240
ROUND_BYTES = 64 << 20

log = logging.getLogger("hub.history.recovery")


class Recovered(msgspec.Struct):
    """What was found. mark: the latest certain time; last: when the last commit was made (both Unix ms, 0 = never).

    damaged: between which commits records are missing; lost: how many, the last one aside: it was never acknowledged.
    cut: what stood behind the last commit cannot be read; it counts as one that is lost. gone: the log is not there, or
    was cut short, and may have held something. ended: when the hub ended with everything merged (Unix ms, 0 = not
    known): one that hears no plug commits nothing. expired: as State.expired.
    """

    unmerged: list[Unmerged]
    round: Round | None
    sessions: list[int]
    mark: int
    last: int
    outages: list[Outage]
    damaged: list[Outage]
    lost: int
    cut: bool = False
    gone: bool = False
    ended: int = 0
    expired: tuple[int, int] = (0, 0)


def recover(log_file: CommitLog, state: State, streams: Streams) -> Recovered:
    """Fill `streams` from the state and the log's records after it. Blocking. Raises OSError."""
    for stored in state.streams():
        _restore(stored, streams)
    found = Recovered([], None, [], state.mark(), 0, state.outages(), [], 0)
    merged = state.merged()
    if merged.generation != log_file.generation:
        merged = Merged(log_file.generation)
    reader = _Reader(log_file, merged, streams, found)
    before = (0, found.mark)  # number and time of the last readable commit
    for kind, number, payload in log_file.records():
        if kind == INTENT:
            reader.intended(payload)
            found.lost += number - before[0] - 1
            before = (number, before[1])
        elif kind == commits.COMMIT:
            reader.committed(number, payload)
            found.lost += number - before[0] - 1
            if number > before[0] + 1:
                found.damaged.append(Outage(before[1], found.last))
            before = (number, found.last)
    found.ended, found.expired = state.ended, state.expired()
    found.gone = is_gone(log_file, state)
    if found.gone:
        log.error("the history log is not there any more, or only a part of it")
    elif log_file.cut:
        log.error("the end of the history log cannot be read")
        found.lost, found.cut = found.lost + 1, True
    elif log_file.damaged > found.lost:
        log.warning("the last record of the history log was torn: it was being written when the hub ended")
    return found


def is_gone(log_file: CommitLog, state: State) -> bool:
    """Is the log not there, or only a part of it, though it may have held what is not merged? Then it counts as one
    damaged record at least."""
    gone = log_file.short and state.running
    if gone:
        log_file.damaged = max(log_file.damaged, 1)
    return gone


def begin(
    streams: Streams, unmerged: Sequence[Unmerged], sessions: Sequence[int], mark: int, through: int | None = None
) -> Round:
    """A round of merging that takes in these commits (up to `through`), with the streams as they stand now.

    Of a long log it takes the beginning, because what a round takes in is decoded at once.
    """
    if through is None:
        through = _bound(unmerged)
    numbers = frozenset[int]().union(*(commit.streams for commit in unmerged if commit.number <= through))
    known = [stream for number in sorted(numbers) if (stream := streams.by_number(number)) is not None]
    return Round(
        through=through,
        sessions=list(sessions),
        mark=mark,
        streams=[row(stream) for stream in known],
        numbers=set(numbers),
    )


def _bound(unmerged: Sequence[Unmerged]) -> int:
    size = 0
    for k, commit in enumerate(unmerged):
        size += commit.size
        if k and (k >= ROUND_COMMITS or size > ROUND_BYTES):
            return unmerged[k - 1].number
    return unmerged[-1].number


def _restore(stored: StreamRow, streams: Streams) -> None:
    known = stored.known
    streams.restore(
        stored.number,
        (stored.device, stored.channel, stored.run),
        stored.hardware,
        order=stored.order,
        reason=stored.reason,
        settled=known.settled,
        notes=known.notes,
        forgotten=known.forgotten,
        points=known.points,
        first=known.first,
    )


class _Reader:
    """Takes in one record of the log after the other."""

    def __init__(self, log_file: CommitLog, merged: Merged, streams: Streams, found: Recovered) -> None:
        self._log = log_file
        self._merged = merged
        self._streams = streams
        self._found = found

    def committed(self, number: int, payload: bytes) -> None:
        """A commit."""
        found = self._found
        try:
            commit = commits.decode(number, payload, ())
        except (DamagedChunk, msgspec.DecodeError) as error:
            log.error("commit %d of the history log cannot be read: %s", number, error)
            found.lost += 1
            return
        found.last = commit.at
        if commit.certain:
            found.mark = commit.at
        if commit.session not in found.sessions:
            found.sessions.append(commit.session)
        if number <= self._merged.number and commit.session in self._merged.sessions:
            return
        for delta in commit.streams:
            if not self._streams.apply(delta):
                log.error("commit %d speaks of the unknown stream %d", number, delta.number)
                found.lost += 1
        unmerged = Unmerged(
            log=self._log,
            generation=self._log.generation,
            number=number,
            session=commit.session,
            streams=frozenset(delta.number for delta in commit.streams),
            size=len(payload),
            at=commit.at,
            certain=commit.certain,
        )
        found.unmerged.append(unmerged)

    def intended(self, payload: bytes) -> None:
        """What a merge was about to write."""
        found, intent = self._found, decode_intent(payload)
        if not found.unmerged or intent.through <= self._merged.number:
            return
        if found.round is None or found.round.through != intent.through:
            found.round = begin(self._streams, found.unmerged, found.sessions, found.mark, intent.through)
        found.round.intents.append(intent)
