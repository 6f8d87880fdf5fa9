"""plughub user: add people."""

import argparse
import getpass
import sys

from hub.auth.principal import ROLES
from hub.cli.folders import add_data_option
from hub.cli.place import StoppedHub, on_hub
from hub.cli.speech import say, sentence
from hub.client import HubClient
from hub.messages import HubError, environment_language


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=sentence("cli-user-add"))
    add_data_option(add)
    add.add_argument("--email", required=True, help=sentence("cli-user-email"))
    add.add_argument("--name", required=True, help=sentence("cli-user-name"))
    add.add_argument("--role", choices=ROLES, default="user", help=sentence("cli-user-role"))
    add.add_argument("--password-stdin", action="store_true", help=sentence("cli-user-password-stdin"))


def run(args: argparse.Namespace) -> int:
    """Exit code 0; everything that goes wrong is a HubError."""
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
