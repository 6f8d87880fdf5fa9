"""Building: makes history's parts and gives each what it needs of the others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.bus import Bus
from hub.clock import Clock
from hub.history.ahead import Ahead
from hub.history.care import Care
from hub.history.doubt import Doubt
from hub.history.editions import Editions
from hub.history.files import Files
from hub.history.inspection import Inspector
from hub.history.ledger import Ledger
from hub.history.log import FILE_NAME as LOG_FILE
from hub.history.log import CommitLog
from hub.history.mending import Mending
from hub.history.merge import Merger
from hub.history.merging import Merging
from hub.history.outlooks import Devices, Outlooks
from hub.history.pace import COMMIT_S
from hub.history.problems import Troubles
from hub.history.readers import Readers
from hub.history.rebuilding import Rebuilding
from hub.history.recovery import Recovered
from hub.history.repair import Repair
from hub.history.retention import Retention
from hub.history.salvage import Salvage
from hub.history.salvaging import Means, Salvaging
from hub.history.state import FILE_NAME as STATE_FILE
from hub.history.state import State
from hub.history.tail import UnmergedTail
from hub.history.today import Today
from hub.history.upkeep import Upkeep, spared
from hub.history.worker import Work, Worker
from hub.history.writing import Writer
from hub.plugins.contract import DeviceDriver, HistoryStore, SeriesKey
from hub.telemetry.arrival import Arrivals
from hub.telemetry.buffer import Buffer
from hub.telemetry.live import Live
from hub.telemetry.streams import Streams

LOG_LIMIT = 1 << 30
LOG_ROOM = 64 << 20  # beyond the limit for commits: what a merge needs to say what it will do


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What history needs of the rest of the hub.

    folder: holds history.log and history-state.sqlite; the store keeps its own files. log_limit, reserve: bytes of the
    log, and of the disk that stay free (None = what suits the disk). commit_interval: s, None = what suits the disk.
    means: to salvage a damaged store, None = that is left to people.
    """

    folder: Path
    store: HistoryStore
    streams: Streams
    buffer: Buffer
    live: Live
    registry: Devices
    drivers: Mapping[str, DeviceDriver]
    arrivals: Arrivals
    bus: Bus
    clock: Clock
    retention: Callable[[SeriesKey], Retention] = lambda _: Retention()
    log_limit: int = LOG_LIMIT
    commit_interval: float | None = COMMIT_S
    reserve: int | None = None
    means: Means | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What commits, merges and refreshes. `changing` is held by who deletes from the store, or keeps it at rest."""

    log: CommitLog
    state: State
    files: Files
    worker: Worker
    changing: asyncio.Lock
    ledger: Ledger
    troubles: Troubles
    editions: Editions
    readers: Readers
    outlooks: Outlooks
    tail: UnmergedTail
    today: Today
    writer: Writer
    repair: Repair
    merging: Merging
    doubt: Doubt
    ahead: Ahead
    care: Care
    rebuilding: Rebuilding
    salvaging: Salvaging | None


def build(
    needs: Needs,
    *,
    commit: Work,
    merge: Work,
    refresh: Callable[[Iterable[SeriesKey]], Awaitable[None]],
    take_over: Callable[[Recovered], None],
    at_rest: Callable[[], AbstractAsyncContextManager[Any]],
) -> Parts:
    """Touches no disk but to ask how large it is. What the parts are given to call is called once history has started:
    `commit` and `merge` while `worker.writing` is held."""
    folder, store, streams, clock, bus = needs.folder, needs.store, needs.streams, needs.clock, needs.bus
    reserve = spared(folder) if needs.reserve is None else needs.reserve
    log = CommitLog(folder / LOG_FILE, limit=needs.log_limit + LOG_ROOM, reserve=reserve)
    state = State(folder / STATE_FILE)
    worker, changing, ledger, troubles = Worker(), asyncio.Lock(), Ledger(), Troubles(bus)
    editions, readers = Editions(), Readers()
    outlooks = Outlooks(
        streams=streams,
        registry=needs.registry,
        drivers=needs.drivers,
        arrivals=needs.arrivals,
        clock=clock,
        retention=needs.retention,
        ledger=ledger,
    )
    files = Files(folder, log, state, store, traits=outlooks.traits, hardware=outlooks.hardware)
    tail = UnmergedTail(
        store=store,
        state=state,
        streams=streams,
        buffer=needs.buffer,
        outlook=outlooks.of,
        session=ledger.session,
        editions=editions,
        readers=readers,
    )
    today = Today(store=store, tail=tail, streams=streams, live=needs.live)
    writer = Writer(
        log=log,
        limit=needs.log_limit,
        streams=streams,
        buffer=needs.buffer,
        arrivals=needs.arrivals,
        outlooks=outlooks,
        tail=tail,
        today=today,
        ledger=ledger,
        worker=worker,
        troubles=troubles,
        bus=bus,
        clock=clock,
    )
    repair = Repair(
        store=store,
        state=state,
        files=files,
        mending=Mending(store, state, editions, outlooks.traits, outlooks.hardware),
        streams=streams,
        buffer=needs.buffer,
        tail=tail,
        today=today,
        editions=editions,
        readers=readers,
        ledger=ledger,
        writer=writer,
        worker=worker,
        troubles=troubles,
        changing=changing,
        commit=commit,
        merge=merge,
        refresh=refresh,
        take_over=take_over,
        bus=bus,
    )
    readers.after, readers.on_damaged = repair.look, repair.store_damaged
    merging = Merging(
        merger=Merger(log, store, state, editions),
        log=log,
        files=files,
        streams=streams,
        tail=tail,
        outlooks=outlooks,
        arrivals=needs.arrivals,
        ledger=ledger,
        worker=worker,
        troubles=troubles,
        upkeep=Upkeep(
            folder=folder,
            reserve=reserve,
            store=store,
            state=state,
            files=files,
            streams=streams,
            ledger=ledger,
            worker=worker,
            troubles=troubles,
            retention=needs.retention,
        ),
        refresh=refresh,
        bus=bus,
        clock=clock,
    )
    ahead = Ahead(
        store=store,
        files=files,
        streams=streams,
        live=needs.live,
        tail=tail,
        outlooks=outlooks,
        on_damaged=repair.store_damaged,
        worker=worker,
        troubles=troubles,
        bus=bus,
        clock=clock,
    )
    rebuilding = Rebuilding(
        files=files,
        streams=streams,
        repair=repair,
        worker=worker,
        troubles=troubles,
        changing=changing,
        merge=merge,
        bus=bus,
    )
    care = Care(
        files=files,
        inspector=Inspector(folder, store, state, log, outlooks.traits),
        merging=merging,
        ledger=ledger,
        worker=worker,
        ahead=ahead,
        clock=clock,
        after=repair.look,
        on_damaged=repair.store_damaged,
    )
    salvaging = None
    if needs.means is not None:
        salvage = Salvage(
            folder,
            store,
            needs.means.another,
            reserve=reserve,
            traits=outlooks.traits,
            hardware=outlooks.hardware,
            has=lambda device: needs.registry.device(device) is not None,
        )
        if salvage.possible():
            files.on_store_aside = salvage.note
        salvaging = Salvaging(
            salvage,
            needs.means,
            folder=folder,
            state=state,
            streams=streams,
            ledger=ledger,
            repair=repair,
            troubles=troubles,
            at_rest=at_rest,
        )
    return Parts(
        log=log,
        state=state,
        files=files,
        worker=worker,
        changing=changing,
        ledger=ledger,
        troubles=troubles,
        editions=editions,
        readers=readers,
        outlooks=outlooks,
        tail=tail,
        today=today,
        writer=writer,
        repair=repair,
        merging=merging,
        doubt=Doubt(troubles=troubles, bus=bus, clock=clock),
        ahead=ahead,
        care=care,
        rebuilding=rebuilding,
        salvaging=salvaging,
    )
