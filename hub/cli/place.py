"""How a command reaches a hub: through its API, or its database when it is stopped."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from hub.auth.access import MqttAccess
from hub.auth.identity import Identity
from hub.auth.keys import COMMAND_LINE_FILE
from hub.auth.principal import Principal, system
from hub.broker.interface import Login
from hub.bus import Bus
from hub.cli.folders import add_data_option
from hub.cli.speech import sentence
from hub.client import ApiError, HubClient, HubUnreachable, IdInvalid, KeyInvalid
from hub.client.client import JsonObject
from hub.client.errors import UNREADABLE
from hub.clock import Clock
from hub.database import Database, DataLock, SettingsTable
from hub.database.engine import FILE_NAME
from hub.database.settings import LOGINS_BY_HAND
from hub.devices.registry import Registry
from hub.messages import HubError, environment_language

T = TypeVar("T")


class StoppedHub:
    """The parts of a hub that is not running, opened on its database, for one command. `home`: the id of the one that
    the command is about, once it is opened."""

    home: str

    def __init__(self, data_dir: Path) -> None:
        clock = Clock()
        self.database = Database(data_dir)
        self.identity = Identity(self.database, clock, data_dir)
        self.people = self.identity.people
        self.registry = Registry(self.database, Bus(), clock, self.identity.audit)
        self.mqtt = MqttAccess(self.registry, self.database, clock, audit=self.identity.audit)
        self.settings = SettingsTable(self.database)

    @property
    def principal(self) -> Principal:
        """Whoever may write to the data folder is the hub's owner."""
        return system(self.home, "command line")

    def broker_lines(self, login: Login, secret: str) -> JsonObject | None:
        """As in the API's answer; None where the hub tells the broker of its logins itself."""
        if not self.settings.get(LOGINS_BY_HAND):
            return None
        from hub.wiring import broker_lines

        lines: JsonObject = msgspec.to_builtins(broker_lines(login, secret))
        return lines

    @asynccontextmanager
    async def opened(self) -> "AsyncIterator[StoppedHub]":
        """Everything loaded; closed at the end."""
        try:
            await self.database.open()
            if (mended := self.database.mended) is not None:
                lost = "database-lost" if mended.copy is None else "database-restored"
                print(sentence(lost, file=mended.aside, copy=mended.copy), file=sys.stderr)
            await self.identity.load()
            self.home = self.identity.homes.first.id
            await self.registry.load()
            await self.mqtt.load()
            await self.settings.load()
            yield self
        finally:
            await self.identity.stop()
            await self.database.close()


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """--data and --home: which hub, and which of its homes."""
    add_data_option(parser)
    parser.add_argument("--home", metavar="NAME|ID", help=sentence("cli-home"))


def on_hub(
    data_dir: Path,
    running: Callable[[HubClient], Awaitable[T]],
    stopped: Callable[[StoppedHub], Awaitable[T]],
    home: str | None = None,
) -> T:
    """Do it on the hub of this data folder, whichever way it can be reached. home: name or id of the one that it is
    about; None = the first.

    The lock is held while the database is written, so that no hub starts meanwhile. A folder without a hub becomes
    one: a machine can be prepared before its first start. Raises HubError("cli-hub-starting", "cli-hub-unreachable",
    "cli-hub-refused", "cli-key-refused", "cli-answer-unreadable", "cli-id-invalid", "cli-home-none", "cli-home-twice")
    and what the hub's parts raise.
    """
    lock = DataLock(data_dir)
    try:
        lock.acquire()
    except HubError:
        return asyncio.run(_on_running(data_dir, running, home))
    try:
        if not (data_dir / FILE_NAME).exists():
            print(sentence("cli-hub-new", folder=str(data_dir)), file=sys.stderr)
        return asyncio.run(_on_stopped(data_dir, stopped, home))
    finally:
        lock.release()


def on_running(data_dir: Path, running: Callable[[HubClient], Awaitable[T]], home: str | None = None) -> T:
    """Do what only a running hub can. Raises HubError("cli-hub-stopped") and what `on_hub` raises."""
    lock = DataLock(data_dir)
    try:
        lock.acquire()
    except HubError:
        return asyncio.run(_on_running(data_dir, running, home))
    lock.release()
    raise HubError("cli-hub-stopped")


def the_home(wanted: str, homes: Sequence[tuple[str, str]]) -> str:
    """The id of the home that somebody means, of these (id, name). Raises HubError("cli-home-none",
    "cli-home-twice")."""
    named = [id for id, name in homes if name.casefold() == wanted.strip().casefold()]
    found = [id for id, _ in homes if id == wanted] or named
    if not found:
        raise HubError("cli-home-none", home=wanted, homes=[name for _, name in homes])
    if len(found) > 1:
        raise HubError("cli-home-twice", home=wanted, ids=found)
    return found[0]


async def _on_stopped(data_dir: Path, stopped: Callable[[StoppedHub], Awaitable[T]], home: str | None) -> T:
    async with StoppedHub(data_dir).opened() as hub:
        if home is not None:
            hub.home = the_home(home, [(one.id, one.name) for one in hub.identity.homes.all()])
        return await stopped(hub)


async def _on_running(data_dir: Path, running: Callable[[HubClient], Awaitable[T]], home: str | None) -> T:
    url, key = _access(data_dir)
    try:
        async with HubClient(url, key=key, language=environment_language()) as hub:
            if home is not None:
                hub.in_home(the_home(home, [(one["home"]["id"], one["home"]["name"]) for one in await hub.homes()]))
            return await running(hub)
    except IdInvalid as error:
        raise HubError("cli-id-invalid", id=error.id) from error
    except ApiError as error:
        if error.code == UNREADABLE:
            raise HubError("cli-answer-unreadable", url=url, status=error.status) from error
        if error.status == 401:
            raise HubError("cli-key-refused", file=str(data_dir / COMMAND_LINE_FILE)) from error
        raise HubError("cli-hub-refused", reason=error.detail) from error
    except KeyInvalid as error:
        raise HubError("cli-key-refused", file=str(data_dir / COMMAND_LINE_FILE)) from error
    except HubUnreachable as error:
        raise HubError("cli-hub-unreachable", folder=str(data_dir), reason=str(error)) from error


def _access(data_dir: Path) -> tuple[str, str]:
    """Where the running hub answers, and the key for it, which it writes once it does. Raises
    HubError("cli-hub-starting", "cli-hub-unreachable")."""
    try:
        access = msgspec.json.decode((data_dir / COMMAND_LINE_FILE).read_bytes(), type=dict[str, str])
        return access["url"], access["key"]
    except FileNotFoundError as error:
        raise HubError("cli-hub-starting", folder=str(data_dir)) from error
    except (OSError, msgspec.DecodeError, KeyError) as error:
        raise HubError("cli-hub-unreachable", folder=str(data_dir), reason=str(error)) from error


def confirm(args: argparse.Namespace, question: str) -> None:
    """Ask before what cannot be undone, unless --yes stands there. Raises HubError("cli-not-confirmed")."""
    if args.yes:
        return
    print(question, file=sys.stderr, end=" ", flush=True)
    if not sys.stdin.isatty() or sys.stdin.readline().strip().casefold() not in ("y", "yes", "j", "ja"):
        print(file=sys.stderr)
        raise HubError("cli-not-confirmed")


def print_secret(secret: str, lines: JsonObject | None) -> None:
    """The secret alone on standard output; beside it what it is, and what to add to the files of one's own broker."""
    print(sentence("cli-secret"), file=sys.stderr)
    print(secret)
    if lines is not None:
        print(sentence("cli-lines-passwords"), file=sys.stderr)
        print(lines["password"], file=sys.stderr)
        print(sentence("cli-lines-rules"), file=sys.stderr)
        for line in lines["rules"]:
            print(line, file=sys.stderr)
        print(sentence("cli-lines-reload"), file=sys.stderr)


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as their widest cell. What plugs and strangers call themselves paints no terminal."""
    rows = [["".join(c if c.isprintable() else "\ufffd" for c in cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in [headings, *rows]) for n in range(len(headings))]
    for row in [headings, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
