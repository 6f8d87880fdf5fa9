"""plughub user: people of the home, on a running hub or, to get back in, on a stopped one."""

import argparse
import getpass
import sys
from datetime import datetime

from hub.auth.people import User
from hub.auth.principal import ROLES
from hub.cli.folders import add_data_option
from hub.cli.place import StoppedHub, on_hub, print_table
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.client.client import JsonObject
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
        add_data_option(child)


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

    on_hub(args.data, running, stopped)
    say("cli-user-added", name=args.name, email=args.email, role=args.role)
    return 0


def _list(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> list[Row]:
        return [_row(u["email"], u["name"], u["role"], u["disabled"], u["second_factor"]) for u in await hub.users()]

    async def stopped(hub: StoppedHub) -> list[Row]:
        home, factors = hub.principal.home, hub.identity.factors
        return [
            _row(user.email, user.name, user.roles[home], user.disabled, factors.enabled(user.id))
            for user in hub.people.list(hub.principal)
        ]

    headings = [sentence(f"cli-user-heading-{name}") for name in ("email", "name", "role", "state")]
    print_table(headings, on_hub(args.data, running, stopped))
    return 0


def _row(email: str, name: str, role: str, disabled: bool, factor: bool) -> Row:
    states = [sentence("cli-user-locked")] * disabled + [sentence("cli-user-factor")] * factor
    return [email, name, role, ", ".join(states)]


def _role(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        await hub.change_user(await member_id(hub, args.email), role=args.role)

    async def stopped(hub: StoppedHub) -> None:
        await hub.people.change(hub.principal, stopped_member(hub, args.email).id, role=args.role)

    on_hub(args.data, running, stopped)
    say("cli-user-has-role", email=args.email, role=args.role)
    return 0


def _disable(args: argparse.Namespace) -> int:
    disabled = args.action == "disable"

    async def running(hub: HubClient) -> None:
        await hub.change_user(await member_id(hub, args.email), disabled=disabled)

    async def stopped(hub: StoppedHub) -> None:
        await hub.people.change(hub.principal, stopped_member(hub, args.email).id, disabled=disabled)

    on_hub(args.data, running, stopped)
    say("cli-user-disabled" if disabled else "cli-user-enabled", email=args.email)
    return 0


def _remove(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> None:
        await hub.remove_user(await member_id(hub, args.email))

    async def stopped(hub: StoppedHub) -> None:
        await hub.people.remove(hub.principal, stopped_member(hub, args.email).id)

    on_hub(args.data, running, stopped)
    say("cli-user-removed", email=args.email)
    return 0


def _reset(args: argparse.Namespace) -> int:
    password = read_password(args.password_stdin)

    async def running(hub: HubClient) -> None:
        await hub.set_password(
            await member_id(hub, args.email), password, keep_second_factor=not args.without_second_factor
        )

    async def stopped(hub: StoppedHub) -> None:
        user = stopped_member(hub, args.email)
        await hub.identity.logins.set_password(hub.principal, user.id, password)
        if args.without_second_factor and hub.identity.factors.enabled(user.id):
            await hub.identity.factors.remove(hub.principal, user.id)

    on_hub(args.data, running, stopped)
    say("cli-user-was-reset", email=args.email)
    return 0


def _invite(args: argparse.Namespace) -> int:
    async def running(hub: HubClient) -> JsonObject:
        return await hub.invite(args.role)

    async def stopped(hub: StoppedHub) -> JsonObject:
        raise HubError("cli-user-invite-stopped")

    made = on_hub(args.data, running, stopped)
    expires = datetime.fromtimestamp(made["invitation"]["expires"] / 1000).astimezone()
    say("cli-user-invited", role=args.role, expires=f"{expires:%Y-%m-%d %H:%M}")
    print(made["link"])
    return 0


async def member_id(hub: HubClient, email: str) -> str:
    """Whose address this is. Raises HubError("cli-user-none")."""
    found = next((user["id"] for user in await hub.users() if user["email"] == email.strip().casefold()), None)
    if found is None:
        raise HubError("cli-user-none", email=email)
    return str(found)


def stopped_member(hub: StoppedHub, email: str) -> User:
    """The same on a stopped hub."""
    user = hub.people.by_email(email)
    if user is None or hub.principal.home not in user.roles:
        raise HubError("cli-user-none", email=email)
    return user


def read_password(from_stdin: bool) -> str:
    """From standard input, or asked for twice. Raises HubError when there is none or the two differ."""
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise HubError("cli-user-password-missing")
        return line
    password = getpass.getpass(sentence("cli-user-password"))
    if getpass.getpass(sentence("cli-user-password-again")) != password:
        raise HubError("cli-user-passwords-differ")
    return password
