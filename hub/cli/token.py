"""plughub token: API keys for programs, which act for a person."""

import argparse
import sys
import time

from hub.auth.principal import SCOPES
from hub.cli.members import running_member, stopped_member
from hub.cli.place import StoppedHub, add_place_options, on_hub, print_table
from hub.cli.speech import local_time, say, sentence
from hub.client import HubClient
from hub.config.validators import Duration, Wrong
from hub.messages import HubError

IDLE_SCOPES = {"guest": ("control", "manage", "admin"), "user": ("admin",)}
"""By role, what a scope adds nothing to: a key may no more than its person."""
LASTS = Duration("1 h", "10 y")


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=sentence("cli-token-add"))
    add.add_argument("--user", required=True, metavar="EMAIL", help=sentence("cli-token-user"))
    add.add_argument("--name", required=True, help=sentence("cli-token-name"))
    add.add_argument("--scope", required=True, action="append", choices=SCOPES, help=sentence("cli-token-scope"))
    add.add_argument("--expires", metavar="TIME", help=sentence("cli-token-expires"))
    listing = actions.add_parser("list", help=sentence("cli-token-list"))
    listing.add_argument("--user", required=True, metavar="EMAIL", help=sentence("cli-token-user"))
    remove = actions.add_parser("remove", help=sentence("cli-token-remove"))
    remove.add_argument("--user", required=True, metavar="EMAIL", help=sentence("cli-token-user"))
    remove.add_argument("id", metavar="ID", help=sentence("cli-token-id"))
    for child in actions.choices.values():
        add_place_options(child)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    return {"add": _add, "list": _list, "remove": _remove}[args.action](args)


def _add(args: argparse.Namespace) -> int:
    expires = None
    if args.expires is not None:
        try:
            expires = int(time.time() * 1000) + LASTS(args.expires)
        except Wrong as error:
            raise HubError("cli-token-time", text=args.expires) from error

    async def running(hub: HubClient) -> tuple[str, str]:
        user = await running_member(hub, args, args.user)
        made = await hub.add_key(args.name, args.scope, expires=expires, user=user["id"])
        return made["text"], user["role"]

    async def stopped(hub: StoppedHub) -> tuple[str, str]:
        user = stopped_member(hub, args, args.user)
        _, text = await hub.identity.keys.add(
            hub.principal, name=args.name, scopes=args.scope, expires=expires, user=user.id
        )
        return text, user.roles[hub.home]

    text, role = on_hub(args.data, running, stopped, args.home)
    if idle := [scope for scope in SCOPES if scope in args.scope and scope in IDLE_SCOPES.get(role, ())]:
        print(sentence("cli-token-lesser", email=args.user, role=role, scopes=idle), file=sys.stderr)
    print(sentence("cli-token-shown"), file=sys.stderr)
    print(text)
    return 0


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> list[list[str]]:
        keys = await hub.keys((await running_member(hub, args, args.user))["id"])
        return [_row(k["id"], k["hint"], k["name"], k["scopes"], (k["expires"], k["used"])) for k in keys]

    async def stopped(hub: StoppedHub) -> list[list[str]]:
        user = stopped_member(hub, args, args.user)
        keys = hub.identity.keys.list(hub.principal, user.id)
        return [_row(k.id, k.hint, k.name, k.scopes, (k.expires, k.used)) for k in keys]

    headings = [sentence(f"cli-token-heading-{name}") for name in ("id", "hint", "name", "scopes", "expires", "used")]
    print_table(headings, on_hub(args.data, running, stopped, args.home))
    return 0


def _row(id: str, hint: str, name: str, scopes: list[str], times: tuple[int | None, int | None]) -> list[str]:
    never = sentence("cli-token-never")
    return [id, f"{hint}…", name, ", ".join(scopes), *(never if at is None else local_time(at) for at in times)]


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        user = await running_member(hub, args, args.user)
        await hub.remove_key(args.id, user=user["id"])

    async def stopped(hub: StoppedHub) -> None:
        user = stopped_member(hub, args, args.user)
        await hub.identity.keys.remove(hub.principal, user.id, args.id)

    on_hub(args.data, running, stopped, args.home)
    say("cli-token-removed", id=args.id)
    return 0
