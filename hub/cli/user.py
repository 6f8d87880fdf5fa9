"""plughub user: people of the home, on a running hub or, to get back in, on a stopped one."""

import argparse
import sys
from urllib.parse import urlsplit

from hub.auth.principal import ROLES
from hub.cli.members import is_known, running_member, stopped_member
from hub.cli.place import StoppedHub, add_place_options, on_hub, on_running, print_table
from hub.cli.prompt import ask_secret
from hub.cli.speech import local_time, say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.loopback import is_loopback
from hub.messages import HubError, environment_language

Row = list[str]


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=sentence("cli-user-add"))
    add.add_argument("--email", required=True, help=sentence("cli-user-email"))
    add.add_argument("--name", required=True, help=sentence("cli-user-name"))
    add.add_argument("--role", choices=ROLES, default="user", help=sentence("cli-user-role"))
    add.add_argument("--password-stdin", action="store_true", help=sentence("cli-user-password-stdin"))
    role = actions.add_parser("role", help=sentence("cli-user-set-role"))
    role.add_argument("email", metavar="EMAIL", help=sentence("cli-user-email"))
    role.add_argument("role", choices=ROLES, help=sentence("cli-user-role"))
    reset = actions.add_parser("reset-password", help=sentence("cli-user-reset"))
    reset.add_argument("email", metavar="EMAIL", help=sentence("cli-user-email"))
    reset.add_argument("--password-stdin", action="store_true", help=sentence("cli-user-password-stdin"))
    reset.add_argument("--without-second-factor", action="store_true", help=sentence("cli-user-without-factor"))
    invite = actions.add_parser("invite", help=sentence("cli-user-invite"))
    invite.add_argument("--role", choices=ROLES, default="user", help=sentence("cli-user-role"))
    for action in ("disable", "enable", "remove"):
        child = actions.add_parser(action, help=sentence(f"cli-user-{action}"))
        child.add_argument("email", metavar="EMAIL", help=sentence("cli-user-email"))
    actions.add_parser("list", help=sentence("cli-user-list"))
    for child in actions.choices.values():
        add_place_options(child)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
    work = {
        "add": _add,
        "list": _list,
        "role": _role,
        "reset-password": _reset,
        "invite": _invite,
        "disable": _disable,
        "enable": _disable,
        "remove": _remove,
    }
    return work[args.action](args)


def _add(args: argparse.Namespace) -> int:
    password = read_password(args.password_stdin)

    async def running(hub: HubClient) -> None:
        await hub.add_user(args.name, args.email, args.role, password)

    async def stopped(hub: StoppedHub) -> None:
        await hub.people.add(
            hub.principal,
            email=args.email,
            name=args.name,
            role=args.role,
            password=password,
            language=environment_language(),
        )

    on_hub(args.data, running, stopped, args.home)
    say("cli-user-added", name=args.name, email=args.email, role=args.role)
    return 0


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> tuple[list[Row], list[str]]:
        rows = [_row(u["email"], u["name"], u["role"], u["disabled"], u["second_factor"]) for u in await hub.users()]
        return rows, [one["home"]["name"] for one in await hub.homes()]

    async def stopped(hub: StoppedHub) -> tuple[list[Row], list[str]]:
        home, factors = hub.home, hub.identity.factors
        rows = [
            _row(user.email, user.name, user.roles[home], user.disabled, factors.enabled(user.id))
            for user in hub.people.list(hub.principal)
        ]
        return rows, [one.name for one in hub.identity.homes.all()]

    headings = [sentence(f"cli-user-heading-{name}") for name in ("email", "name", "role", "state")]
    rows, homes = on_hub(args.data, running, stopped, args.home)
    print_table(headings, rows)
    if args.home is None and len(homes) > 1:
        print(sentence("cli-user-more-homes", home=homes[0], others=homes[1:]), file=sys.stderr)
    return 0


def _row(email: str, name: str, role: str, disabled: bool, factor: bool) -> Row:
    states = [sentence("cli-user-locked")] * disabled + [sentence("cli-user-factor")] * factor
    return [email, name, role, ", ".join(states)]


def _role(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        user = await running_member(hub, args, args.email)
        await hub.change_user(user["id"], role=args.role)

    async def stopped(hub: StoppedHub) -> None:
        user = stopped_member(hub, args, args.email)
        await hub.people.change(hub.principal, user.id, role=args.role)

    on_hub(args.data, running, stopped, args.home)
    say("cli-user-has-role", email=args.email, role=args.role)
    return 0


def _disable(args: argparse.Namespace) -> int:
    disabled = args.action == "disable"

    async def running(hub: HubClient) -> None:
        user = await running_member(hub, args, args.email, whole=True)
        await hub.change_user(user["id"], disabled=disabled)

    async def stopped(hub: StoppedHub) -> None:
        user = stopped_member(hub, args, args.email, whole=True)
        await hub.people.change(hub.principal, user.id, disabled=disabled)

    on_hub(args.data, running, stopped, args.home)
    say("cli-user-disabled" if disabled else "cli-user-enabled", email=args.email)
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> bool:
        user = await running_member(hub, args, args.email)
        await hub.remove_user(user["id"])
        return not await is_known(hub, args.email)

    async def stopped(hub: StoppedHub) -> bool:
        user = stopped_member(hub, args, args.email)
        await hub.people.remove(hub.principal, user.id)
        return hub.people.user(user.id) is None

    deleted = on_hub(args.data, running, stopped, args.home)
    say("cli-user-deleted" if deleted else "cli-user-removed", email=args.email)
    return 0


def _reset(args: argparse.Namespace) -> int:
    password = read_password(args.password_stdin)

    async def running(hub: HubClient) -> bool:
        user = await running_member(hub, args, args.email, whole=True)
        await hub.set_password(user["id"], password, keep_second_factor=not args.without_second_factor)
        return bool(user["disabled"])

    async def stopped(hub: StoppedHub) -> bool:
        user = stopped_member(hub, args, args.email, whole=True)
        await hub.identity.logins.set_password(hub.principal, user.id, password)
        if args.without_second_factor and hub.identity.factors.enabled(user.id):
            await hub.identity.factors.remove(hub.principal, user.id)
        return user.disabled

    disabled = on_hub(args.data, running, stopped, args.home)
    say("cli-user-reset-locked" if disabled else "cli-user-was-reset", email=args.email)
    return 0


def _invite(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> JsonObject:
        return await hub.invite(args.role)

    made = on_running(args.data, running, args.home)
    say("cli-user-invited", role=args.role, expires=local_time(made["invitation"]["expires"]))
    print(made["link"])
    if is_loopback(urlsplit(made["link"]).hostname or ""):
        print(sentence("cli-user-invite-here"), file=sys.stderr)
    return 0


def read_password(from_stdin: bool) -> str:
    """From standard input, or asked for twice. Raises HubError when there is none or the two differ."""
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise HubError("cli-user-password-missing")
        return line
    missing = HubError("cli-user-password-terminal")
    password = ask_secret(sentence("cli-user-password"), missing)
    if ask_secret(sentence("cli-user-password-again"), missing) != password:
        raise HubError("cli-user-passwords-differ")
    return password
