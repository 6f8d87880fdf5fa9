"""plughub backup: one archive of this hub, made by the hub itself where it runs, else from its files."""

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from hub import __version__
from hub.api.types.backups import Backup
from hub.backup import FolderTarget, Item, Job, Keys, Order, Pace, by_id, combined, folder_of, listed, missing
from hub.backup.settings import marked
from hub.backup.sources import REGISTRY
from hub.bus import Bus
from hub.cli.folders import add_config_option, add_data_option
from hub.cli.place import StoppedHub, on_hub, print_table
from hub.cli.speech import local_time, say, sentence
from hub.client import HubClient
from hub.clock import Clock
from hub.history.log import FILE_NAME as LOG_FILE
from hub.history.state import FILE_NAME as STATE_FILE
from hub.messages import HubError
from hub.plugins import prepare
from hub.plugins.contract import FileStore

ASK_AGAIN_S = 0.3


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_data_option(parser)
    add_config_option(parser)
    parser.add_argument("--to", type=Path, metavar="FOLDER", help=sentence("cli-backup-to"))
    parser.add_argument("--with-history", action="store_true", help=sentence("cli-backup-with-history"))
    parser.add_argument("--list", action="store_true", help=sentence("cli-backup-list"))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    if not (args.data / REGISTRY).exists():
        raise HubError("backup-nothing", folder=str(args.data))
    args.data = args.data.absolute()
    if args.to is not None:
        args.to = args.to.absolute()
    if args.list:
        return _list(args)
    made = on_hub(args.data, partial(_running, args), partial(_stopped, args))
    say("cli-backup-done", file=made.name, kilobytes=-(-made.size // 1000))
    if made.detail is not None:
        raise HubError("backup-without-history", reason=made.detail)
    say("cli-backup-sealed" if made.encrypted else "cli-backup-open")
    return 0


async def _running(args: argparse.Namespace, hub: HubClient) -> Backup:
    to = None if args.to is None else str(args.to)
    state = await hub.start_backup(history=args.with_history or None, folder=to)
    while state["running"] is not None:
        await asyncio.sleep(ASK_AGAIN_S)
        state = (await hub.backups())["state"]
    last = state["last"]
    if last["name"] is None:
        raise HubError("cli-hub-refused", reason=last["detail"])
    folder = Path(to or state["folder"])
    items = await asyncio.to_thread(listed, FolderTarget(folder))
    item = next((item for item in items if item.name == last["name"]), None)
    if item is None:  # this user may not read what the hub's wrote
        raise HubError("backup-missing", file=str(folder / last["name"]))
    return msgspec.structs.replace(_view(item, folder), detail=last["detail"])


async def _stopped(args: argparse.Namespace, hub: StoppedHub) -> Backup:
    loaded, plugins = prepare(args.config, Bus(), Clock())
    configuration = loaded.configuration()
    settings = combined(configuration.backup, hub.settings)
    folder = args.to or folder_of(settings, args.data)
    settings.require_known(folder, args.data)
    history: list[Path] | None = None
    if args.with_history or settings.history:
        await plugins.start()
        try:
            store = plugins.history_store(configuration.history.store, args.data)
        finally:
            await plugins.stop()
        if not isinstance(store, FileStore):
            raise HubError("backup-history-elsewhere", store=configuration.history.store)
        history = [*store.files(), args.data / STATE_FILE, args.data / LOG_FILE]
    order = Order(args.data, __version__, Clock().now(), args.config, settings.keep)
    known = args.to is None and str(folder) in marked(hub.settings)
    target = FolderTarget(folder, marked=known)
    item = await asyncio.to_thread(make, order, target, Keys(settings.passphrase), history)
    return _view(item, folder)


def make(order: Order, target: FolderTarget, keys: Keys, history: Sequence[Path] | None) -> Item:
    """One archive of a hub that does not run. Blocking."""
    job = Job(order, target, keys, Pace())
    try:
        job.copy(history)
        return job.finish()
    finally:
        job.close()


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> str:
        return str((await hub.backups())["state"]["folder"])

    async def stopped(hub: StoppedHub) -> str:
        loaded, _ = prepare(args.config, Bus(), Clock())
        return str(folder_of(combined(loaded.configuration().backup, hub.settings), args.data))

    folder = args.to or Path(on_hub(args.data, running, stopped))
    target = FolderTarget(folder)
    items = listed(target) if folder.exists() else []
    if not items:
        say("cli-backup-none", folder=str(folder))
        return 0
    known = by_id(items)
    headings = [sentence(f"cli-backup-heading-{name}") for name in ("name", "made", "size", "holds")]
    print_table(headings, [_row(item, whole=item.head is None or not missing(item.head, known)) for item in items])
    return 0


def _row(item: Item, *, whole: bool) -> list[str]:
    head = item.head
    size = f"{item.size / 1e6:.1f} MB"
    if head is None:
        detail = HubError("backup-damaged", file=item.name) if item.problem is None else None
        message = detail.message if detail else item.problem
        return [item.name, "", size, sentence(message.id, **message.values) if message else ""]
    holds = "cli-backup-home"
    if head.history:
        holds = "cli-backup-history" if whole else "cli-backup-history-broken"
    sealed = sentence("cli-backup-sealed-short" if head.lock.encrypted else "cli-backup-open-short")
    return [item.name, local_time(head.created), size, f"{sentence(holds)}, {sealed}"]


def _view(item: Item, folder: Path) -> Backup:
    head = item.head
    if head is None:
        raise HubError("backup-damaged", file=item.name)
    return Backup(str(folder / item.name), item.size, head.created, head.lock.encrypted, head.history, True)
