"""plughub device: add, pair, list, change, switch, share and remove plugs, and say how long their history is kept."""

import argparse

from hub.broker.interface import Login
from hub.cli import pair, plug
from hub.cli.numbers import whole
from hub.cli.outlets import plug_of, stopped_plug
from hub.cli.place import StoppedHub, add_place_options, on_hub, print_secret, print_table
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.config.validators import DAY, Duration, Wrong
from hub.messages import HubError

Added = tuple[str, str, str, JsonObject | None]
"""name, key, secret, lines for the broker's files"""
TIERS = ("raw", "minutes", "hours", "days")
DEFAULT = "default"
KEPT = Duration("1 d", "100 y")
Kept = dict[str, int | None]
"""days by tier; None = as long as the home's"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=sentence("cli-device-add"))
    add_place_options(add)
    add.add_argument("--hardware-id", required=True, metavar="ID", help=sentence("cli-device-hardware-id"))
    add.add_argument("--name", help=sentence("cli-device-name"))
    add.add_argument("--room", help=sentence("cli-device-room"))
    add.add_argument("--driver", default="smartplug", help=sentence("cli-device-driver"))
    add.add_argument("--channels", type=whole, default=1, metavar="N", help=sentence("cli-device-channels"))
    pair.configure(actions)
    plug.configure(actions)
    renew = actions.add_parser("secret", help=sentence("cli-device-secret"))
    add_place_options(renew)
    renew.add_argument("key", metavar="KEY", help=sentence("cli-device-key"))
    retention = actions.add_parser("retention", help=sentence("cli-device-retention"))
    add_place_options(retention)
    retention.add_argument("key", metavar="KEY", help=sentence("cli-device-key"))
    for tier in TIERS:
        retention.add_argument(f"--{tier}", metavar="TIME", help=sentence(f"cli-retention-{tier}"))
    add_place_options(actions.add_parser("list", help=sentence("cli-device-list")))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    actions = {
        "add": _add,
        "pair": pair.pair,
        "replace": pair.replace,
        "found": plug.found,
        "list": _list,
        "change": plug.change,
        "switch": plug.switch,
        "identify": plug.identify,
        "restart": plug.restart,
        "share": plug.share,
        "shares": plug.shares,
        "secret": _renew,
        "retention": _retention,
        "remove": plug.remove,
    }
    return actions[args.action](args)


def _add(args: argparse.Namespace) -> int:
    fields = {"room": args.room, "driver": args.driver, "channels": args.channels}
    name = args.name or args.hardware_id

    async def running(hub: HubClient) -> Added:
        answer = await hub.add_device(args.hardware_id, name, **fields)
        return answer["device"]["name"], answer["device"]["key"], answer["secret"], answer["broker_lines"]

    async def stopped(hub: StoppedHub) -> Added:
        device, secret = await hub.registry.add(hub.principal, hardware_id=args.hardware_id, name=name, **fields)
        return device.name, device.key, secret, hub.broker_lines(Login("plug", device.hardware_id), secret)

    name, key, secret, lines = on_hub(args.data, running, stopped, args.home)
    say("cli-device-added", name=name, key=key)
    print_secret(secret, lines)
    return 0


def _renew(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> tuple[str, JsonObject | None]:
        answer = await hub.renew_secret((await plug_of(hub, args.key))["id"])
        return answer["secret"], answer["broker_lines"]

    async def stopped(hub: StoppedHub) -> tuple[str, JsonObject | None]:
        device = stopped_plug(hub, args.key)
        secret = await hub.registry.new_secret(hub.principal, device.id)
        return secret, hub.broker_lines(Login("plug", device.hardware_id), secret)

    print_secret(*on_hub(args.data, running, stopped, args.home))
    return 0


def _retention(args: argparse.Namespace) -> int:
    changes = {tier: _days(value) for tier in TIERS if (value := getattr(args, tier)) is not None}

    async def running(hub: HubClient) -> Kept:
        device = await plug_of(hub, args.key)
        if changes:
            device = await hub.change_device(device["id"], retention={**(device["retention"] or {}), **changes})
        return device["retention"] or {}

    async def stopped(hub: StoppedHub) -> Kept:
        device = stopped_plug(hub, args.key)
        await hub.registry.change(hub.principal, device.id, **{f"keep_{tier}": days for tier, days in changes.items()})
        return {tier: getattr(device, f"keep_{tier}") for tier in TIERS}

    kept = on_hub(args.data, running, stopped, args.home)
    for tier in TIERS:
        days = kept.get(tier)
        word = sentence(f"cli-retention-{tier}")
        print(sentence("cli-retention-home" if days is None else "cli-retention-own", what=word, days=days))
    return 0


def _days(text: str) -> int | None:
    """Whole days. HubError("cli-retention-wrong")."""
    if text == DEFAULT:
        return None
    try:
        days: int = -(-KEPT(text) // DAY)
        return days
    except Wrong as error:
        raise HubError("cli-retention-wrong", value=text) from error


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> list[list[str]]:
        return [
            [d["key"], d["name"], d["room"] or "", d["hardware_id"], sentence("cli-yes" if d["online"] else "cli-no")]
            for d in await hub.devices()
        ]

    async def stopped(hub: StoppedHub) -> list[list[str]]:
        return [[d.key, d.name, d.room or "", d.hardware_id, "–"] for d in hub.registry.list(hub.principal)]

    rows = on_hub(args.data, running, stopped, args.home)
    if not rows:
        say("cli-device-none")
        return 0
    headings = ("key", "name", "room", "hardware", "online")
    print_table([sentence(f"cli-device-heading-{heading}") for heading in headings], rows)
    return 0
