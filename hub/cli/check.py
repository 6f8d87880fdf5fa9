"""`plughub check`: what a start would say about the configuration and the plugins, without starting."""

import argparse
import logging
from pathlib import Path
from typing import Any

from hub.bus import Bus
from hub.cli.folders import add_config_option
from hub.cli.own_certificates import check_certificates
from hub.cli.speech import print_json, sentence
from hub.clock import Clock
from hub.config import FILE, LoadedConfiguration
from hub.messages import HubError, Message, environment_language, render
from hub.plugins import PluginInfo, prepare


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help=sentence("cli-json"))
    parser.add_argument("--safe-mode", action="store_true", help=sentence("check-safe-mode"))


def run(args: argparse.Namespace) -> int:
    """Print every mistake, or that all is fine. Exit code 1 where there is one."""
    folder: Path = args.config
    if not folder.is_dir():
        raise HubError("config-folder-missing", folder=str(folder))
    log = logging.getLogger("hub.plugins")
    log.disabled = True  # what is logged of a failed plugin is printed below
    try:
        loaded, manager = prepare(folder, Bus(), Clock(), safe_mode=args.safe_mode)
    finally:
        log.disabled = False
    for problem in check_certificates(loaded):
        loaded.add(problem)
    failed = [info for info in manager.plugins() if info.state == "failed"]
    if args.json:
        print_json(_report(loaded, failed))
    else:
        _print(loaded, failed)
    return 1 if loaded.problems or failed else 0


def _print(loaded: LoadedConfiguration, failed: list[PluginInfo]) -> None:
    for line in loaded.lines(environment_language()):
        print(line)
    named = {problem.plugin for problem in loaded.problems}
    for info in failed:
        # That its section has mistakes was said line by line.
        if info.name not in named and info.reason is not None:
            print(sentence("check-plugin", plugin=info.name, reason=info.reason))
    if loaded.problems:
        print(sentence("config-wrong", count=len(loaded.problems)))
    elif not failed:
        absent = not (loaded.folder / FILE).exists()
        id = "config-absent" if absent else "config-fine"
        print(sentence(id, folder=str(loaded.folder), file=FILE))


def _report(loaded: LoadedConfiguration, failed: list[PluginInfo]) -> dict[str, Any]:

    def said(message: Message | None) -> str | None:
        return render(message, environment_language()) if message is not None else None

    return {
        "fine": not loaded.problems and not failed,
        "problems": [
            {
                "file": problem.place.file,
                "line": problem.place.line,
                "column": problem.place.column,
                "code": problem.message.id,
                "message": said(problem.message),
                "expected": said(problem.expected),
                "hint": said(problem.hint),
                "plugin": problem.plugin,
            }
            for problem in loaded.problems
        ],
        "plugins": [{"name": info.name, "origin": info.origin, "reason": said(info.reason)} for info in failed],
    }
