"""plughub history: what history holds, whether all of it can be read, and putting it in order again."""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from hub.backup import Keys, lock_of, restore
from hub.backup.target import SUFFIX
from hub.bus import Bus
from hub.cli.folders import add_config_option, add_data_option
from hub.cli.place import StoppedHub, on_hub, on_running
from hub.cli.restore import add_passphrase_option, passphrase
from hub.cli.speech import print_json, say, sentence
from hub.client import HubClient
from hub.clock import Clock
from hub.history.inspection import HistoryCheck, HistoryStats
from hub.history.ledger import Ledger
from hub.history.offline import OfflineHistory, Saved
from hub.history.outlooks import Outlooks
from hub.history.retention import Retention
from hub.history.salvage import copied
from hub.messages import HubError
from hub.plugins import FileStore, PluginManager, prepare
from hub.telemetry import Arrivals, Streams

Opened = Callable[[OfflineHistory, Callable[[Path], Any]], Any]


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    confirm = actions.add_parser("confirm-time", help=sentence("cli-history-confirm-time"))
    add_data_option(confirm)
    for name in ("stats", "verify", "rebuild"):
        action = actions.add_parser(name, help=sentence(f"cli-history-{name}"))
        add_data_option(action)
        add_config_option(action)
        if name == "rebuild":
            action.add_argument("--state", action="store_true", help=sentence("cli-history-state"))
            action.add_argument("--from", type=Path, metavar="FILE", dest="source", help=sentence("cli-history-from"))
            add_passphrase_option(action)
        else:
            action.add_argument("--json", action="store_true", help=sentence("cli-json"))


def run(args: argparse.Namespace) -> int:
    """Exit code 1 where `verify` found something."""
    actions = {"stats": _stats, "verify": _verify, "rebuild": _rebuild, "confirm-time": _confirm_time}
    return actions[args.action](args)


def _confirm_time(args: argparse.Namespace) -> int:
    on_running(args.data, HubClient.confirm_time)
    say("cli-history-confirmed")
    return 0


def _stats(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> HistoryStats:
        return msgspec.convert(await hub.history_stats(), HistoryStats)

    found = on_hub(args.data, running, _stopped(args, lambda history, _: history.stats()))
    if args.json:
        print_json(msgspec.to_builtins(found))
        return 0
    say("cli-history-held", outlets=found.outlets, samples=found.samples, size=_size(found.file_bytes))
    if found.bytes_per_sample is not None:
        say("cli-history-per-sample", bytes=f"{found.bytes_per_sample:.2f}", raw=_size(found.raw_bytes))
    for tier, count in found.buckets.items():
        say("cli-history-tier", tier=tier, count=count, size=_size(found.bucket_bytes[tier]))
    say("cli-history-log", records=found.log_records, size=_size(found.log_bytes), file=_size(found.log_file_bytes))
    for cause, count in found.gaps.items():
        say("cli-history-gaps", cause=cause, count=count)
    _print_damage(found.damaged, found.log_damaged, found.aside)
    return 0


def _verify(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> HistoryCheck:
        return msgspec.convert(await hub.check_history(), HistoryCheck)

    found = on_hub(args.data, running, _stopped(args, lambda history, _: history.check()))
    if args.json:
        print_json(msgspec.to_builtins(found))
    else:
        say("cli-history-read", samples=found.samples, buckets=found.buckets, records=found.log_records)
        for line in found.differing:
            print(line)
        if found.wrong:
            say("cli-history-wrong", count=found.wrong)
        _print_damage(found.damaged, found.log_damaged, found.aside)
        if found.lost:
            say("cli-history-gone", count=found.lost)
        elif found.fine:
            say("cli-history-fine")
    return 0 if found.fine else 1


def _rebuild(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> int:
        raise HubError("cli-history-stop")

    def work(history: OfflineHistory, store: Callable[[Path], Any]) -> int:
        if args.source is not None:
            saved = _save(history, store, args)
            say("cli-history-saved", count=saved.samples, file=args.source.name)
            if saved.lost:
                say("cli-history-lost", count=len(saved.lost))
                for what in saved.lost:
                    print(f"  {what}")
        salvaged = args.source is not None
        rebuilt = history.rebuild(state=args.state or salvaged, salvaged=salvaged)
        say("cli-history-rebuilt", outlets=rebuilt.outlets, buckets=rebuilt.buckets, streams=rebuilt.streams)
        return 0

    code: int = on_hub(args.data, running, _stopped(args, work, mend=True))
    return code


def _save(history: OfflineHistory, store: Callable[[Path], Any], args: argparse.Namespace) -> Saved:
    """From a copy under the store's own name: the damaged file stays as it is. Of an archive all is unpacked."""
    source: Path = args.source
    if not source.is_file():
        raise HubError("cli-history-no-file", file=str(source))
    with tempfile.TemporaryDirectory(dir=args.data, prefix=".history-from-") as scratch:
        folder = Path(scratch)
        if source.name.endswith(SUFFIX):
            restore(source.absolute(), folder, Keys(passphrase(args) if lock_of(source).lock.encrypted else None))
            return history.save_from(store(folder))
        copy = store(folder)
        own = copy.files()[0].name if isinstance(copy, FileStore) else source.name.split(".damaged-")[0]
        unread = copied(source, folder / own)
        saved = history.save_from(copy)
        saved.lost = [*unread, *saved.lost]
        return saved


def _stopped(args: argparse.Namespace, work: Opened, *, mend: bool = False) -> Callable[[StoppedHub], Awaitable[Any]]:
    async def stopped(hub: StoppedHub) -> Any:
        loaded, plugins = prepare(args.config, Bus(), Clock())
        name = loaded.configuration().history.store
        await plugins.start()
        try:
            history = OfflineHistory(args.data, plugins.history_store(name, args.data), *_known(hub, plugins))
            with history.opened(mend=mend) as opened:
                return await asyncio.to_thread(work, opened, lambda folder: plugins.history_store(name, folder))
        finally:
            await plugins.stop()

    return stopped


def _known(hub: StoppedHub, plugins: PluginManager) -> tuple[Any, Any]:
    """What history asks of the registry."""
    clock = Clock()
    outlooks = Outlooks(
        streams=Streams(),
        registry=hub.registry,
        drivers=plugins.device_drivers(),
        arrivals=Arrivals(clock),
        clock=clock,
        retention=lambda _: Retention(),
        ledger=Ledger(),
    )
    return outlooks.traits, outlooks.hardware


def _print_damage(chunks: list[str], records: int, files: list[str]) -> None:
    if chunks:
        say("cli-history-chunks", count=len(chunks))
        for what in chunks:
            print(f"  {what}")
    if records:
        say("cli-history-records", count=records)
    for name in files:
        say("cli-history-aside", file=name)


def _size(size: int) -> str:
    """Bytes for people."""
    if size < 1 << 20:
        return f"{size / 1024:.1f} KiB"
    return f"{size / (1 << 20):.1f} MiB"
