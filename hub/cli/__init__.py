"""The command line: one module a command, loaded only when it is called."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from hub import __version__
from hub.cli.speech import complain, sentence
from hub.messages import HubError

# The module of that name in this folder gives configure(parser) and run(args) -> exit code.
COMMANDS = (
    *("run", "demo", "check", "device", "room", "mqtt", "certificate", "user", "token", "audit", "schedule", "alert"),
    *("history", "export", "report", "backup", "restore", "update"),
)


class _Actions(argparse._SubParsersAction):  # type: ignore[type-arg] # it takes none when the program runs
    """What an action does stands in its own help, too."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().add_parser(name, **{"description": options.get("help"), **options})
        return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `plughub`. Exit codes: 0 done, 1 an error that was said, 2 wrong usage, 130 interrupted."""
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return 130


def parser_of(wanted: str | None) -> argparse.ArgumentParser:
    """All commands. Only the module of the one that is wanted is imported: `plughub check` needs no web server."""
    parser = argparse.ArgumentParser(prog="plughub", description=sentence("cli-about"))
    parser.add_argument("--version", action="version", version=f"plughub {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        text = sentence(f"cli-{name}")
        child = commands.add_parser(name, help=text, description=text)
        if name == wanted:
            module = importlib.import_module(f"hub.cli.{name}")
            child.register("action", "parsers", _Actions)
            module.configure(child)
            child.set_defaults(run=module.run)
    return parser


def _run(arguments: list[str]) -> int:
    args = parser_of(next((a for a in arguments if not a.startswith("-")), None)).parse_args(arguments)
    try:
        _require_text(args)
        return int(args.run(args))
    except HubError as error:
        complain(error)
        return 1


def _require_text(args: argparse.Namespace) -> None:
    """Names and ids are text; only a file's name may be bytes that are none. Raises HubError("cli-text-invalid")."""
    for value in vars(args).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise HubError("cli-text-invalid", text=repr(text))
