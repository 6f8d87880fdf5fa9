"""plughub restore: a hub as it was when the backup was made."""

import argparse
import os
import tempfile
from pathlib import Path

from hub.backup import Keys, check, find, lock_of, restore
from hub.cli.folders import add_config_option, add_data_option
from hub.cli.prompt import ask_secret
from hub.cli.speech import local_time, say, sentence
from hub.clock import Clock
from hub.database import DataLock
from hub.messages import HubError

VARIABLE = "PLUGHUB_PASSPHRASE"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help=sentence("cli-restore-archive"))
    add_data_option(parser)
    add_config_option(parser)
    parser.add_argument("--replace", action="store_true", help=sentence("cli-restore-replace"))
    parser.add_argument("--without-history", action="store_true", help=sentence("cli-restore-without-history"))
    parser.add_argument("--check", action="store_true", help=sentence("cli-restore-check"))
    add_passphrase_option(parser)


def add_passphrase_option(parser: argparse.ArgumentParser) -> None:
    """--passphrase-file"""
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help=sentence("cli-restore-passphrase-file"))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    os.umask(0o077)
    archive = find(args.archive.absolute(), Clock().now())
    keys = Keys(passphrase(args) if lock_of(archive).lock.encrypted else None)
    if args.check:
        with tempfile.TemporaryDirectory() as scratch:
            check(archive, keys, Path(scratch))
        say("cli-restore-checked", file=str(archive))
        return 0
    with DataLock(args.data):
        restored = restore(
            archive,
            args.data,
            keys,
            config=args.config,
            replace=args.replace,
            history=not args.without_history,
        )
    say("cli-restore-done", folder=str(args.data), files=restored.files, time=local_time(restored.head.created))
    if restored.before is not None:
        say("cli-restore-before", folder=str(restored.before))
    if restored.config is not None:
        own = restored.config == args.config
        say("cli-restore-config" if own else "cli-restore-config-beside", folder=str(restored.config))
    say("cli-restore-one-hub")
    return 0


def passphrase(args: argparse.Namespace) -> str:
    """From the file that the option names, the environment, or whoever sits there. Raises HubError."""
    if args.passphrase_file is not None:
        try:
            return str(args.passphrase_file.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            raise HubError(
                "backup-source-unreadable", file=str(args.passphrase_file), reason=getattr(error, "strerror", "UTF-8")
            ) from error
    given = os.environ.get(VARIABLE)
    if given:
        return given
    return ask_secret(sentence("cli-restore-passphrase"), HubError("cli-restore-passphrase-terminal", name=VARIABLE))
