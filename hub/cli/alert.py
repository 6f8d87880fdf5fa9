"""plughub alert: list, add, change and remove alerts on a running hub, and see whether messages arrive."""

import argparse
import sys
from typing import Any

from hub.alerts.notice import duration, plain
from hub.cli.numbers import number
from hub.cli.outlets import outlets_among, plug_among
from hub.cli.place import add_place_options, on_running, print_table
from hub.cli.speech import local_time, say, sentence
from hub.client import ApiError, HubClient
from hub.client.client import JsonObject
from hub.config.validators import Duration, Wrong
from hub.messages import HubError

HOLD = Duration("0 s", "24 h")
HEADINGS = ("id", "name", "plug", "when", "state", "since")


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help=sentence("cli-alert-list"))
    listing.add_argument("--device", metavar="KEY", help=sentence("cli-alert-of"))
    listing.add_argument("--firing", action="store_true", help=sentence("cli-alert-firing"))
    add = actions.add_parser("add", help=sentence("cli-alert-add"))
    add.add_argument("device", metavar="KEY[:CHANNEL]", help=sentence("cli-outlet"))
    kind = add.add_mutually_exclusive_group(required=True)
    kind.add_argument("--above", type=number, metavar="W", help=sentence("cli-alert-above"))
    kind.add_argument("--below", type=number, metavar="W", help=sentence("cli-alert-below"))
    kind.add_argument("--offline", action="store_true", help=sentence("cli-alert-offline"))
    add.add_argument("--name", required=True, help=sentence("cli-alert-name"))
    change = actions.add_parser("change", help=sentence("cli-alert-change"))
    change.add_argument("id", metavar="ID", help=sentence("cli-alert-id"))
    change.add_argument("--name", help=sentence("cli-alert-name"))
    change.add_argument("--threshold", type=number, metavar="W", help=sentence("cli-alert-threshold"))
    switch = change.add_mutually_exclusive_group()
    switch.add_argument("--enable", action="store_const", const=True, dest="enabled", help=sentence("cli-alert-enable"))
    switch.add_argument(
        "--disable", action="store_const", const=False, dest="enabled", help=sentence("cli-alert-disable")
    )
    for child in (add, change):
        child.add_argument("--for", dest="hold", metavar="TIME", help=sentence("cli-alert-for"))
    remove = actions.add_parser("remove", help=sentence("cli-alert-remove"))
    remove.add_argument("id", metavar="ID", help=sentence("cli-alert-id"))
    test = actions.add_parser("test", help=sentence("cli-alert-test"))
    test.add_argument("notifier", nargs="?", metavar="NOTIFIER", help=sentence("cli-alert-notifier"))
    for child in actions.choices.values():
        add_place_options(child)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 1 where a test message did not arrive. Everything else that goes wrong is a HubError."""
    actions = {"list": _list, "add": _add, "change": _change, "remove": _remove, "test": _test}
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    async def ask(hub: HubClient) -> list[list[str]]:
        devices = await hub.devices()
        alerts = await hub.alerts(None if args.device is None else plug_among(devices, args.device)["id"])
        if args.firing:
            alerts = [alert for alert in alerts if alert["state"] == "firing"]
        return [_row(alert, {device["id"]: device for device in devices}) for alert in alerts]

    print_table([sentence(f"cli-alert-heading-{name}") for name in HEADINGS], on_running(args.data, ask, args.home))
    return 0


def _row(alert: JsonObject, devices: dict[str, JsonObject]) -> list[str]:
    key = devices[alert["device"]]["key"] if alert["device"] in devices else "?"
    plug = f"{key}:{alert['channel']}" if alert["channel"] else key
    hold = sentence("cli-alert-hold", duration=duration(alert["hold_s"])) if alert["hold_s"] else ""
    threshold = plain(alert["threshold"] or 0.0)
    when = sentence(f"cli-alert-when-{alert['kind'].removeprefix('power_')}", threshold=threshold)
    state = sentence(f"cli-alert-state-{alert['state']}" if alert["enabled"] else "cli-alert-state-off")
    since = "" if alert["since"] is None else local_time(alert["since"])
    return [alert["id"], alert["name"], plug, f"{when} {hold}".strip(), state, since]


def _add(args: argparse.Namespace) -> int:
    kind = "offline" if args.offline else "power_above" if args.above is not None else "power_below"
    fields: dict[str, Any] = {} if args.offline else {"threshold": args.below if args.above is None else args.above}
    if args.hold is not None:
        fields["hold_s"] = _hold(args.hold)

    async def ask(hub: HubClient) -> JsonObject:
        device, channel = outlets_among(await hub.devices(), args.device)[0]
        return await hub.add_alert(device["id"], args.name, kind, channel=channel, **fields)

    say("cli-alert-added", name=args.name, id=on_running(args.data, ask, args.home)["id"])
    return 0


def _change(args: argparse.Namespace) -> int:
    asked = {"name": args.name, "threshold": args.threshold, "enabled": args.enabled}
    changes = {field: value for field, value in asked.items() if value is not None}
    if args.hold is not None:
        changes["hold_s"] = _hold(args.hold)
    if not changes:
        raise HubError("cli-alert-nothing")

    async def ask(hub: HubClient) -> JsonObject:
        return await hub.change_alert(args.id, **changes)

    say("cli-alert-changed", name=on_running(args.data, ask, args.home)["name"])
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def ask(hub: HubClient) -> None:
        await hub.remove_alert(args.id)

    on_running(args.data, ask, args.home)
    say("cli-alert-removed", id=args.id)
    return 0


def _test(args: argparse.Namespace) -> int:
    async def ask(hub: HubClient) -> list[tuple[str, str | None]]:
        """Each notifier, and why the message did not arrive by it."""
        names = [one["name"] for one in await hub.notifiers()] if args.notifier is None else [args.notifier]
        found: list[tuple[str, str | None]] = []
        for name in names:
            try:
                await hub.test_notifier(name)
            except ApiError as error:
                if error.code != "notifier-failed":
                    raise
                found.append((name, error.detail))
            else:
                found.append((name, None))
        return found

    results = on_running(args.data, ask, args.home)
    if not results:
        raise HubError("cli-alert-no-notifier")
    for name, reason in results:
        if reason is None:
            say("cli-alert-arrived", name=name)
        else:
            print(f"{name}: {reason}", file=sys.stderr)
    return 1 if any(reason is not None for _, reason in results) else 0


def _hold(text: str) -> int:
    """Seconds. Raises HubError("cli-alert-time")."""
    try:
        return int(HOLD(text)) // 1000
    except Wrong as error:
        raise HubError("cli-alert-time", text=text) from error
