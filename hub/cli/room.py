"""plughub room: list, add, rename and remove rooms. `plughub device change KEY --room NAME` puts a plug into one."""

import argparse
from collections.abc import Sequence

from hub.cli.place import StoppedHub, add_place_options, on_hub, print_table
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.messages import HubError


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help=sentence("cli-room-list"))
    add = actions.add_parser("add", help=sentence("cli-room-add"))
    add.add_argument("name", metavar="NAME", help=sentence("cli-room-name"))
    for action in ("rename", "remove"):
        child = actions.add_parser(action, help=sentence(f"cli-room-{action}"))
        child.add_argument("room", metavar="ROOM", help=sentence("cli-room-which"))
    actions.choices["rename"].add_argument("name", metavar="NEW_NAME", help=sentence("cli-room-new-name"))
    for child in actions.choices.values():
        add_place_options(child)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    return {"list": _list, "add": _add, "rename": _rename, "remove": _remove}[args.action](args)


def the_room(wanted: str, rooms: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The room that somebody means by its name or id, of these (id, name). Raises HubError("cli-room-none")."""
    found = [room for room in rooms if wanted in room]
    found = found or [room for room in rooms if room[1].casefold() == wanted.strip().casefold()]
    if len(found) != 1:
        raise HubError("cli-room-none", room=wanted, rooms=[name for _, name in rooms] or ["–"])
    return found[0]


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> list[list[str]]:
        names = {device["id"]: device["name"] for device in await hub.devices()}
        return [
            [room["name"], ", ".join(names[id] for id in room["devices"] if id in names)] for room in await hub.rooms()
        ]

    async def stopped(hub: StoppedHub) -> list[list[str]]:
        devices = hub.registry.list(hub.principal)
        return [
            [room.name, ", ".join(device.name for device in devices if device.room == room.name)]
            for room in hub.registry.rooms.list(hub.principal)
        ]

    rows = on_hub(args.data, running, stopped, args.home)
    if not rows:
        say("cli-room-empty")
        return 0
    print_table([sentence("cli-room-heading-room"), sentence("cli-room-heading-plugs")], rows)
    return 0


def _add(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> str:
        return str((await hub.add_room(args.name))["name"])

    async def stopped(hub: StoppedHub) -> str:
        return (await hub.registry.rooms.add(hub.principal, args.name)).name

    say("cli-room-added", name=on_hub(args.data, running, stopped, args.home))
    return 0


def _rename(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> tuple[str, str]:
        id, name = await _of_running(hub, args.room)
        return name, (await hub.change_room(id, name=args.name))["name"]

    async def stopped(hub: StoppedHub) -> tuple[str, str]:
        id, name = _of_stopped(hub, args.room)
        return name, (await hub.registry.rooms.change(hub.principal, id, name=args.name)).name

    before, name = on_hub(args.data, running, stopped, args.home)
    say("cli-room-renamed", before=before, name=name)
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> str:
        id, name = await _of_running(hub, args.room)
        await hub.remove_room(id)
        return name

    async def stopped(hub: StoppedHub) -> str:
        id, name = _of_stopped(hub, args.room)
        await hub.registry.rooms.remove(hub.principal, id)
        return name

    say("cli-room-removed", name=on_hub(args.data, running, stopped, args.home))
    return 0


async def _of_running(hub: HubClient, wanted: str) -> tuple[str, str]:
    return the_room(wanted, [(room["id"], room["name"]) for room in await hub.rooms()])


def _of_stopped(hub: StoppedHub, wanted: str) -> tuple[str, str]:
    return the_room(wanted, [(room.id, room.name) for room in hub.registry.rooms.list(hub.principal)])
