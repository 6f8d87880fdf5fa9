"""plughub update: which version is the newest, and may the hub ask for it once a day."""

import argparse

from hub import __version__
from hub.bus import Bus
from hub.cli.folders import add_config_option, add_data_option
from hub.cli.place import StoppedHub, on_hub
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.clock import Clock
from hub.config import load_configuration
from hub.updates import Updates


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("action", choices=("check", "on", "off"), help=sentence("cli-update-action"))
    add_data_option(parser)
    add_config_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    allow = None if args.action == "check" else args.action == "on"

    async def running(hub: HubClient) -> JsonObject:
        return await (hub.ask_for_updates() if allow is None else hub.allow_updates(allow))

    async def stopped(hub: StoppedHub) -> JsonObject:
        declared = load_configuration(args.config).configuration().updates
        updates = Updates(declared, version=__version__, settings=hub.settings, bus=Bus(), clock=Clock())
        await updates.load()
        if allow is None:
            await updates.ask()
        else:
            before = updates.check
            await updates.allow(allow)
            if allow != before:
                await hub.identity.audit.record(
                    hub.principal, "updates.change", before={"check": before}, after={"check": allow}
                )
        await updates.stop()
        newest = None if updates.newest is None else updates.newest._asdict()
        return {"check": updates.check, "source": updates.source, "version": updates.version, "newest": newest}

    state = on_hub(args.data, running, stopped)
    if allow is not None:
        say("cli-update-on" if state["check"] else "cli-update-off", host=state["source"])
    elif state["newest"] is None:
        say("cli-update-newest", version=state["version"])
    else:
        newest = state["newest"]
        id = "updates-urgent" if newest["security"] else "updates-available"
        say(id, version=newest["version"], now=state["version"])
        say("cli-update-notes", notes=newest["notes"])
    return 0
