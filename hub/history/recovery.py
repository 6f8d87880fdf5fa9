"""Recovery: after any end of the hub, what state and log say together: streams, what is unmerged, what was intended."""

import logging
from collections.abc import Sequence

import msgspec

from hub.history import commit as commits
from hub.history.gaps import Outage
from hub.history.log import CommitLog, Record
from hub.history.merge import INTENT, Round, decode_intent, row
from hub.history.state import Merged, State
from hub.history.tail import Unmerged
from hub.plugins.codec import DamagedChunk
from hub.telemetry.streams import Streams

log = logging.getLogger("hub.history.recovery")


class Recovered(msgspec.Struct):
    """What was found. mark: the latest certain time; last: when the last commit was made (both Unix ms, 0 = never).

    damaged: between which commits records are missing; lost: how many, the last one aside: it was never acknowledged.
    """

    unmerged: list[Unmerged]
    round: Round | None
    sessions: list[int]
    mark: int
    last: int
    outages: list[Outage]
    damaged: list[Outage]
    lost: int


def recover(records: Sequence[Record], log_file: CommitLog, state: State, streams: Streams) -> Recovered:
    """Fill `streams` from the state and the log's records after it. Blocking. Raises OSError."""
    for stored in state.streams():
        known = stored.known
        streams.restore(
            stored.number,
            (stored.device, stored.channel, stored.run),
            stored.hardware,
            order=stored.order,
            reason=stored.reason,
            settled=known.settled,
            notes=known.notes,
            points=known.points,
            first=known.first,
        )
    found = Recovered([], None, [], state.mark(), 0, state.outages(), [], 0)
    merged = state.merged()
    if merged.generation != log_file.generation:
        merged = Merged(log_file.generation)
    before = (0, found.mark)  # number and time of the last readable commit
    for kind, number, payload in records:
        if kind == INTENT:
            _intended(payload, found, merged, streams)
            found.lost += number - before[0] - 1
            before = (number, before[1])
        elif kind == commits.COMMIT:
            _committed(number, payload, found, merged, streams)
            found.lost += number - before[0] - 1
            if number > before[0] + 1:
                found.damaged.append(Outage(before[1], found.last))
            before = (number, found.last)
    if log_file.damaged > found.lost:
        log.warning("the last record of the history log was torn: it was being written when the hub ended")
    return found


def begin(streams: Streams, unmerged: Sequence[Unmerged], sessions: Sequence[int], mark: int) -> Round:
    """A round of merging that takes in all these commits, with the streams as they stand now."""
    numbers = frozenset[int]().union(*(commit.streams for commit in unmerged))
    known = [stream for number in sorted(numbers) if (stream := streams.by_number(number)) is not None]
    return Round(
        through=unmerged[-1].number,
        sessions=list(sessions),
        mark=mark,
        streams=[row(stream) for stream in known],
        numbers=set(numbers),
    )


def _committed(number: int, payload: bytes, found: Recovered, merged: Merged, streams: Streams) -> None:
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
    if number <= merged.number and commit.session in merged.sessions:
        return
    for delta in commit.streams:
        if not streams.apply(delta):
            log.error("commit %d speaks of the unknown stream %d", number, delta.number)
            found.lost += 1
    touched = frozenset(delta.number for delta in commit.streams)
    found.unmerged.append(Unmerged(number, commit.session, touched, payload, commit.at, commit.certain))


def _intended(payload: bytes, found: Recovered, merged: Merged, streams: Streams) -> None:
    intent = decode_intent(payload)
    if not found.unmerged or intent.through <= merged.number:
        return
    if found.round is None or found.round.through != intent.through:
        found.round = begin(streams, found.unmerged, found.sessions, found.mark)
        found.round.through = intent.through
    found.round.intents.append(intent)
