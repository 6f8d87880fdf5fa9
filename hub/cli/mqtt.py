"""plughub mqtt: logins for other MQTT programs, and what the broker has counted."""

import argparse

from hub.broker.interface import Login
from hub.cli.place import StoppedHub, add_place_options, on_hub, on_running, print_secret, print_table
from hub.cli.speech import print_json, say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=sentence("cli-mqtt-add"))
    add.add_argument("name", metavar="NAME", help=sentence("cli-mqtt-name"))
    for option in ("read", "write"):
        add.add_argument(
            f"--{option}", action="append", default=[], metavar="FILTER", help=sentence(f"cli-mqtt-{option}")
        )
    remove = actions.add_parser("remove", help=sentence("cli-mqtt-remove"))
    remove.add_argument("name", metavar="NAME", help=sentence("cli-mqtt-name"))
    stats = actions.add_parser("stats", help=sentence("cli-mqtt-stats"))
    stats.add_argument("--json", action="store_true", help=sentence("cli-json"))
    for action in (add, remove, stats, actions.add_parser("list", help=sentence("cli-mqtt-list"))):
        add_place_options(action)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    return {"add": _add, "list": _list, "remove": _remove, "stats": _stats}[args.action](args)


def _add(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> tuple[str, JsonObject | None]:
        answer = await hub.add_mqtt_client(args.name, args.read, args.write)
        return answer["secret"], answer["broker_lines"]

    async def stopped(hub: StoppedHub) -> tuple[str, JsonObject | None]:
        client, secret = await hub.mqtt.add(hub.principal, name=args.name, read=args.read, write=args.write)
        return secret, hub.broker_lines(Login("client", client.name, client.read, client.write), secret)

    secret, lines = on_hub(args.data, running, stopped, args.home)
    say("cli-mqtt-added", name=args.name)
    print_secret(secret, lines)
    return 0


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> list[list[str]]:
        return [[c["name"], ", ".join(c["read"]), ", ".join(c["write"])] for c in await hub.mqtt_clients()]

    async def stopped(hub: StoppedHub) -> list[list[str]]:
        return [[c.name, ", ".join(c.read), ", ".join(c.write)] for c in hub.mqtt.list(hub.principal)]

    rows = on_hub(args.data, running, stopped, args.home)
    if not rows:
        say("cli-mqtt-none")
        return 0
    print_table([sentence(f"cli-mqtt-heading-{heading}") for heading in ("name", "read", "write")], rows)
    return 0


def _stats(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> JsonObject:
        return await hub.broker_stats()

    found = on_running(args.data, running, args.home)
    if args.json:
        print_json(found)
        return 0
    say("cli-mqtt-there", connections=found["connections"], plugs=found["plugs"], clients=found["clients"] or 0)
    say("cli-mqtt-received", received=found["received"], throttled=found["throttled"])
    rows = [
        [sentence(f"cli-mqtt-{what}"), reason, str(count)]
        for what in ("refused", "dropped")
        for reason, count in found[what].items()
    ]
    if rows:
        print_table([sentence(f"cli-mqtt-heading-{heading}") for heading in ("what", "reason", "count")], rows)
    else:
        say("cli-mqtt-nothing")
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        await hub.remove_mqtt_client(args.name)

    async def stopped(hub: StoppedHub) -> None:
        await hub.mqtt.remove(hub.principal, args.name)

    on_hub(args.data, running, stopped, args.home)
    say("cli-mqtt-removed", name=args.name)
    return 0
