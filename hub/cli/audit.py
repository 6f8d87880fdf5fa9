"""plughub audit: who did what, and who was refused."""

import argparse
import json
from datetime import UTC, datetime

import msgspec

from hub.auth.audit import PAGE, Asked
from hub.cli.numbers import count
from hub.cli.place import StoppedHub, add_place_options, on_hub, print_table
from hub.cli.speech import print_json, sentence
from hub.client import HubClient
from hub.client.client import JsonObject

LINES = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--actor", metavar="ID", help=sentence("cli-audit-actor"))
    parser.add_argument("--action", metavar="NAME", dest="what", help=sentence("cli-audit-action"))
    parser.add_argument("--object", metavar="ID", help=sentence("cli-audit-object"))
    parser.add_argument("--refused", action="store_true", help=sentence("cli-audit-refused"))
    parser.add_argument("--lines", type=count, default=LINES, metavar="N", help=sentence("cli-audit-lines"))
    parser.add_argument("--json", action="store_true", help=sentence("cli-json"))
    add_place_options(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    refused = True if args.refused else None
    most = args.lines

    async def running(hub: HubClient) -> list[JsonObject]:
        asked = {"actor": args.actor, "action": args.what, "object": args.object}
        return await hub.audit(refused=refused, most=most, **{k: v for k, v in asked.items() if v is not None})

    async def stopped(hub: StoppedHub) -> list[JsonObject]:
        asked = Asked(args.actor, args.what, args.object, refused=refused)
        lines: list[JsonObject] = []
        below: int | None = None
        while len(lines) < most:
            page = await hub.identity.audit.page(hub.principal, asked, below=below, limit=min(PAGE, most - len(lines)))
            if not page:
                break
            for entry in page:
                user = None if entry.actor is None else hub.people.user(entry.actor)
                lines.append({**msgspec.structs.asdict(entry), "name": None if user is None else user.name})
            below = page[-1].id
        return lines

    lines = on_hub(args.data, running, stopped, args.home)
    if args.json:
        print_json(lines)
        return 0
    headings = [sentence(f"cli-audit-heading-{name}") for name in ("time", "who", "where", "what", "on", "how")]
    print_table(headings, [row(line) for line in lines])
    return 0


def row(line: JsonObject) -> list[str]:
    """A line of the table."""
    at = datetime.fromtimestamp(line["at"] / 1000, UTC)
    how = line["refused"] or json.dumps(line["after"], ensure_ascii=False) if line["refused"] or line["after"] else ""
    times = f" ×{line['count']}" if line["count"] > 1 else ""
    who = line["name"] or line["actor"] or "?"
    return [f"{at:%Y-%m-%d %H:%M:%SZ}", who, line["origin"], line["action"], line["object"] or "", f"{how}{times}"]
