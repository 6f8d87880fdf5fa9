"""plughub device found, change, switch, identify, restart, share, shares, remove: what the web app does with a plug."""

import argparse
import sys
from typing import Any

from hub.cli.numbers import whole
from hub.cli.outlets import plug_of
from hub.cli.place import add_place_options, confirm, on_running, print_table
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.messages import HubError

COMMANDS = {"on": "relay_on", "off": "relay_off", "toggle": "toggle"}
NOTHING = "none"
RIGHTS = ("view", "control", "manage", NOTHING)
FLAGS = ("private", "always-on")
UNCHANGED = object()
"""In place of None, which takes a room or a limit away."""


def configure(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The actions and their options."""
    found = actions.add_parser("found", help=sentence("cli-device-found"))
    add_place_options(found)
    change = _of_plug(actions, "change")
    change.add_argument("--name", help=sentence("cli-device-new-name"))
    room = change.add_mutually_exclusive_group()
    room.add_argument("--room", help=sentence("cli-device-room"))
    room.add_argument("--no-room", action="store_const", const=None, dest="room", help=sentence("cli-device-no-room"))
    change.add_argument("--icon", help=sentence("cli-device-icon"))
    for flag in FLAGS:
        change.add_argument(f"--{flag}", action=argparse.BooleanOptionalAction, help=sentence(f"cli-device-{flag}"))
    change.add_argument(
        "--interval", type=whole, metavar="MS", dest="interval_ms", help=sentence("cli-device-interval")
    )
    power = change.add_mutually_exclusive_group()
    power.add_argument(
        "--max-power", type=whole, metavar="W", dest="max_power_w", help=sentence("cli-device-max-power")
    )
    power.add_argument(
        "--no-max-power", action="store_const", const=None, dest="max_power_w", help=sentence("cli-device-no-max-power")
    )
    change.set_defaults(room=UNCHANGED, max_power_w=UNCHANGED)
    change.add_argument("--channel", type=whole, metavar="N", help=sentence("cli-device-channel"))
    switch = _of_plug(actions, "switch")
    switch.add_argument("to", choices=tuple(COMMANDS), help=sentence("cli-device-to"))
    switch.add_argument("--channel", type=whole, default=0, metavar="N", help=sentence("cli-device-channel"))
    for action in ("identify", "restart", "shares"):
        _of_plug(actions, action)
    share = _of_plug(actions, "share")
    share.add_argument("email", metavar="EMAIL", help=sentence("cli-user-email"))
    share.add_argument("right", choices=RIGHTS, help=sentence("cli-device-right"))
    remove = _of_plug(actions, "remove")
    remove.add_argument("--yes", action="store_true", help=sentence("cli-yes-option"))


def _of_plug(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=sentence(f"cli-device-{name}"))
    add_place_options(parser)
    parser.add_argument("key", metavar="KEY", help=sentence("cli-device-key"))
    return parser


def found(args: argparse.Namespace) -> int:
    """What announces itself and is not added yet."""

    async def ask(hub: HubClient) -> list[list[str]]:
        return [[plug["hardware_id"], plug["name"], plug["model"], plug["address"]] for plug in await hub.found()]

    rows = on_running(args.data, ask, args.home)
    if not rows:
        say("cli-device-found-none")
        return 0
    headings = ("hardware", "name", "model", "address")
    print_table([sentence(f"cli-device-heading-{heading}") for heading in headings], rows)
    return 0


def change(args: argparse.Namespace) -> int:
    """Name, room, icon, limits, who sees it."""
    asked = {name: getattr(args, name) for name in ("name", "icon", "private", "always_on", "interval_ms")}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    changes |= {name: value for name in ("room", "max_power_w") if (value := getattr(args, name)) is not UNCHANGED}
    if not changes:
        raise HubError("cli-device-nothing")
    if args.channel is not None:
        changes["channel"] = args.channel

    async def ask(hub: HubClient) -> tuple[JsonObject, bool]:
        device = await hub.change_device((await plug_of(hub, args.key))["id"], **changes)
        # A person who makes a plug private keeps it; the command line is nobody who could.
        seen = not device["private"] or any(one["share"] for one in await hub.shares(device["id"]))
        return device, seen

    device, seen = on_running(args.data, ask, args.home)
    say("cli-device-changed", name=device["name"])
    if not seen:
        print(sentence("cli-device-unseen", name=device["name"], key=device["key"]), file=sys.stderr)
    return 0


def switch(args: argparse.Namespace) -> int:
    """On, off or the other way round; returns when the plug has done it."""
    name, result = _command(args, COMMANDS[args.to], args.channel)
    say("cli-device-is-on" if result["on"] else "cli-device-is-off", name=name)
    return 0


def identify(args: argparse.Namespace) -> int:
    """Its light blinks."""
    say("cli-device-identified", name=_command(args, "identify")[0])
    return 0


def restart(args: argparse.Namespace) -> int:
    """The plug starts anew."""
    say("cli-device-restarted", name=_command(args, "reboot")[0])
    return 0


def share(args: argparse.Namespace) -> int:
    """Give somebody a right on a plug, or take it back."""
    right = None if args.right == NOTHING else args.right

    async def ask(hub: HubClient) -> str:
        device = await plug_of(hub, args.key)
        members = {member["user"] for member in await hub.shares(device["id"])}
        wanted = args.email.strip().casefold()
        user = next((u for u in await hub.users() if u["email"] == wanted and u["id"] in members), None)
        if user is None:
            raise HubError("cli-user-none", email=args.email)
        await hub.share(device["id"], user["id"], right)
        return str(device["name"])

    name = on_running(args.data, ask, args.home)
    say("cli-device-shared" if right else "cli-device-unshared", email=args.email, name=name, right=right)
    return 0


def shares(args: argparse.Namespace) -> int:
    """Who may what with a plug."""

    async def ask(hub: HubClient) -> list[list[str]]:
        emails = {user["id"]: user["email"] for user in await hub.users()}
        given = await hub.shares((await plug_of(hub, args.key))["id"])
        return [
            [emails.get(one["user"], "?"), one["name"], one["role"], one["share"] or "–", one["right"]] for one in given
        ]

    headings = [sentence(f"cli-user-heading-{name}") for name in ("email", "name", "role", "share", "right")]
    print_table(headings, on_running(args.data, ask, args.home))
    return 0


def remove(args: argparse.Namespace) -> int:
    """Out of the hub, with all that it measured."""

    async def look(hub: HubClient) -> JsonObject:
        return await plug_of(hub, args.key)

    async def ask(hub: HubClient) -> None:
        await hub.remove_device(device["id"])

    device = on_running(args.data, look, args.home)
    confirm(args, sentence("cli-device-remove-question", name=device["name"]))
    on_running(args.data, ask, args.home)
    say("cli-device-removed", name=device["name"])
    return 0


def _command(args: argparse.Namespace, command: str, channel: int = 0) -> tuple[str, JsonObject]:
    """The plug's name and its answer. Raises HubError("cli-device-refused") where the plug itself does not want to."""

    async def ask(hub: HubClient) -> tuple[str, JsonObject]:
        device = await plug_of(hub, args.key)
        return device["name"], await hub.command(device["id"], command, channel)

    name, result = on_running(args.data, ask, args.home)
    if result["state"] == "refused":
        raise HubError("cli-device-refused", name=name, reason=result["error"])
    return name, result
