"""plughub schedule: switch plugs on and off at times of chosen days, on the running hub."""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.cli.outlets import outlets_among, plug_among
from hub.cli.place import add_place_options, on_running, print_table
from hub.cli.speech import print_json, say, sentence
from hub.client import ApiError, HubClient
from hub.client.client import JsonObject
from hub.messages import HubError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = "daily"
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
COMMANDS = {"on": "relay_on", "off": "relay_off"}
UNKNOWN = "–"


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help=sentence("cli-schedule-list"))
    listing.add_argument("--device", metavar="KEY", help=sentence("cli-schedule-of"))
    listing.add_argument("--json", action="store_true", help=sentence("cli-json"))
    add = actions.add_parser("add", help=sentence("cli-schedule-add"))
    add.add_argument("device", metavar="KEY[:CHANNEL]", help=sentence("cli-outlet"))
    add.add_argument("--on", metavar="TIME", help=sentence("cli-schedule-on"))
    add.add_argument("--off", metavar="TIME", help=sentence("cli-schedule-off"))
    add.add_argument("--days", default=DAILY, help=sentence("cli-schedule-days"))
    add.add_argument("--name", help=sentence("cli-schedule-name"))
    change = actions.add_parser("change", help=sentence("cli-schedule-change"))
    change.add_argument("--time", metavar="TIME", help=sentence("cli-schedule-time"))
    change.add_argument("--days", help=sentence("cli-schedule-days"))
    change.add_argument("--command", dest="does", choices=list(COMMANDS), help=sentence("cli-schedule-command"))
    change.add_argument("--name", help=sentence("cli-schedule-name"))
    use = change.add_mutually_exclusive_group()
    use.add_argument("--enable", action="store_const", const=True, dest="enabled", help=sentence("cli-schedule-enable"))
    use.add_argument(
        "--disable", action="store_const", const=False, dest="enabled", help=sentence("cli-schedule-disable")
    )
    remove = actions.add_parser("remove", help=sentence("cli-schedule-remove"))
    for child in (change, remove):
        child.add_argument("id", metavar="ID", help=sentence("cli-schedule-id"))
    for child in actions.choices.values():
        add_place_options(child)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    return {"list": _list, "add": _add, "change": _change, "remove": _remove}[args.action](args)


def read_days(text: str) -> list[int]:
    """mon-fri, sat,sun, fri-mon, daily as numbers, 0 = Monday. Raises HubError("cli-schedule-days-wrong")."""
    if text.strip().casefold() == DAILY:
        return list(range(7))
    days: set[int] = set()
    for part in text.casefold().split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or any(day not in DAYS for day in ends):
            raise HubError("cli-schedule-days-wrong", text=text)
        begin, end = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return sorted(days)


def write_days(days: Sequence[int]) -> str:
    """The same the other way round."""
    if len(days) == len(DAYS):
        return DAILY
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ",".join(DAYS[day] for day in run) for run in runs
    )


def read_time(text: str | None) -> str | None:
    """HH:MM. Raises HubError("cli-schedule-time-wrong")."""
    if text is None:
        return None
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise HubError("cli-schedule-time-wrong", text=text)
    return f"{int(match[1]):02}:{match[2]}"


def following(days: Sequence[int], on: str, off: str) -> list[int]:
    """The days of the "off" that follows an "on": the next ones where it is not later in the day."""
    return sorted(days) if off > on else sorted((day + 1) % 7 for day in days)


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> tuple[list[JsonObject], list[JsonObject], ZoneInfo]:
        devices = await hub.devices()
        device = None if args.device is None else plug_among(devices, args.device)["id"]
        zone = ZoneInfo((await hub.me())["home"]["time_zone"])
        return await hub.schedules(device), devices, zone

    schedules, devices, zone = on_running(args.data, running, args.home)
    if args.json:
        print_json(schedules)
        return 0
    if not schedules:
        say("cli-schedule-none")
        return 0
    names = {device["id"]: device for device in devices}
    schedules.sort(key=lambda one: (names.get(one["device"], {}).get("key", ""), one["channel"], one["time"]))
    headings = ("id", "plug", "does", "at", "days", "next", "last", "name")
    print_table(
        [sentence(f"cli-schedule-heading-{heading}") for heading in headings],
        [_row(schedule, names, zone) for schedule in schedules],
    )
    return 0


def _row(schedule: JsonObject, devices: dict[str, JsonObject], zone: ZoneInfo) -> list[str]:
    device, last = devices.get(schedule["device"]), schedule["last"]
    key = schedule["device"] if device is None else device["key"]
    if device is not None and len(device["channels"]) > 1:
        key = f"{key}:{schedule['channel']}"
    due = UNKNOWN if schedule["next"] is None else _moment(schedule["next"], zone)
    went = UNKNOWN
    if last is not None:
        went = f"{_moment(last['at'], zone)} {last['detail'] or sentence('cli-schedule-switched')}"
    does = sentence("cli-schedule-does-on" if schedule["command"] == "relay_on" else "cli-schedule-does-off")
    return [
        *(schedule["id"], key, does, schedule["time"], write_days(schedule["days"])),
        *(due if schedule["enabled"] else sentence("cli-schedule-paused"), went, schedule["name"]),
    ]


def _moment(at: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at / 1000, zone):%Y-%m-%d %H:%M}"


def _add(args: argparse.Namespace) -> int:
    on, off, days = read_time(args.on), read_time(args.off), read_days(args.days)
    if on is None and off is None:
        raise HubError("cli-schedule-when")
    if on == off:
        raise HubError("cli-schedule-times-equal")
    # "Off" first: should the hub take only one of the two, nothing stays on.
    wanted: list[JsonObject] = []
    if off is not None:
        wanted.append({"command": "relay_off", "time": off, "days": days if on is None else following(days, on, off)})
    if on is not None:
        wanted.append({"command": "relay_on", "time": on, "days": days})

    async def running(hub: HubClient) -> None:
        device, channel = outlets_among(await hub.devices(), args.device)[0]
        name = args.name or device["name"]
        for number, fields in enumerate(wanted):
            try:
                added = await hub.add_schedule(device["id"], name, channel=channel, **fields)
            except ApiError as error:
                if number == 0:
                    raise
                raise HubError("cli-schedule-half", reason=error.detail) from error
            say("cli-schedule-added", id=added["id"], what=_said(added, device["name"]))

    on_running(args.data, running, args.home)
    return 0


def _change(args: argparse.Namespace) -> int:
    given = {
        "time": read_time(args.time),
        "days": None if args.days is None else read_days(args.days),
        "command": None if args.does is None else COMMANDS[args.does],
        "name": args.name,
        "enabled": args.enabled,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise HubError("cli-schedule-no-change")

    async def running(hub: HubClient) -> None:
        changed = await hub.change_schedule(args.id, **changes)
        names: dict[str, str] = {device["id"]: device["name"] for device in await hub.devices()}
        said = _said(changed, names.get(changed["device"], str(changed["device"])))
        say("cli-schedule-changed" if changed["enabled"] else "cli-schedule-changed-paused", what=said)

    on_running(args.data, running, args.home)
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        await hub.remove_schedule(args.id)

    on_running(args.data, running, args.home)
    say("cli-schedule-removed", id=args.id)
    return 0


def _said(schedule: JsonObject, name: str) -> str:
    id = "cli-schedule-said-on" if schedule["command"] == "relay_on" else "cli-schedule-said-off"
    return sentence(id, name=name, time=schedule["time"], days=write_days(schedule["days"]))
