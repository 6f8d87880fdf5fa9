"""plughub device pair, plughub device replace: wait on a running hub for a plug that knows the code on its label."""

import argparse
import asyncio

from hub.cli.outlets import plug_of
from hub.cli.place import add_place_options, on_running
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.messages import HubError

ASK_EVERY_S = 0.3
STEPS = ("waiting", "heard", "proved", "sealed", "done")


def configure(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The two actions and their options."""
    pair = actions.add_parser("pair", help=sentence("cli-device-pair"))
    _label(pair)
    pair.add_argument("--name", help=sentence("cli-device-name"))
    pair.add_argument("--room", help=sentence("cli-device-room"))
    replace = actions.add_parser("replace", help=sentence("cli-device-replace"))
    replace.add_argument("key", metavar="KEY", help=sentence("cli-device-key"))
    _label(replace)


def _label(parser: argparse.ArgumentParser) -> None:
    add_place_options(parser)
    parser.add_argument("--hardware-id", required=True, metavar="ID", help=sentence("cli-device-hardware-id"))
    parser.add_argument("--code", required=True, help=sentence("cli-pair-code"))


def pair(args: argparse.Namespace) -> int:
    """A new plug."""
    name = args.name or args.hardware_id

    async def running(hub: HubClient) -> JsonObject:
        return await _follow(hub, await hub.pair_device(args.hardware_id, name, args.code, room=args.room))

    return _end(on_running(args.data, running, args.home))


def replace(args: argparse.Namespace) -> int:
    """A new plug in the place of a dead one."""

    async def running(hub: HubClient) -> JsonObject:
        device = await plug_of(hub, args.key)
        return await _follow(hub, await hub.replace_device(device["id"], args.hardware_id, args.code))

    return _end(on_running(args.data, running, args.home))


async def _follow(hub: HubClient, window: JsonObject) -> JsonObject:
    """Say each step; whoever breaks off closes the window."""
    said, error = 0, None
    try:
        while True:
            if window["state"] in STEPS:
                reached = STEPS.index(window["state"]) + 1
                for step in STEPS[said:reached]:
                    say(f"cli-pair-{step}", hardware_id=window["hardware_id"], name=window["name"])
                said = max(said, reached)
            if window["state"] in ("done", "failed", "expired"):
                return window
            if window["error"] is not None and (window["error"], window["tries_left"]) != error:
                error = window["error"], window["tries_left"]
                say("cli-pair-wrong", reason=window["error"]["detail"], left=window["tries_left"])
            await asyncio.sleep(ASK_EVERY_S)
            window = await hub.pairing(window["id"])
    except asyncio.CancelledError:
        await hub.cancel_pairing(window["id"])
        raise


def _end(window: JsonObject) -> int:
    if window["state"] == "done":
        return 0
    raise HubError("cli-hub-refused", reason=window["error"]["detail"])
