"""Whom a command means: people by their e-mail address, which is one on the whole hub, in the home that it is about."""

import argparse

from hub.auth.user import User
from hub.cli.place import StoppedHub
from hub.client import HubClient
from hub.client.client import JsonObject
from hub.messages import HubError


async def running_member(hub: HubClient, args: argparse.Namespace, email: str, *, whole: bool = False) -> JsonObject:
    """The person as the API shows them; from now on the client is in their home.

    With --home they are looked for there only. Without, a person of one home is in that one. whole: it is about the
    account itself, for which any home of theirs will do. Raises HubError("cli-user-none", "cli-user-several").
    """
    if args.home is not None:
        found = {"": await _in_this_home(hub, email)}
    else:
        homes = {one["home"]["id"]: one["home"]["name"] for one in await hub.homes()}
        found = {}
        for home in homes:
            hub.in_home(home)
            found[home] = await _in_this_home(hub, email)
    members = {home: user for home, user in found.items() if user is not None}
    if len(members) > 1 and not whole:
        raise HubError("cli-user-several", email=email, homes=[homes[home] for home in members])
    for home, user in members.items():
        if home:
            hub.in_home(home)
        return user
    raise HubError("cli-user-none", email=email)


def stopped_member(hub: StoppedHub, args: argparse.Namespace, email: str, *, whole: bool = False) -> User:
    """The same on a stopped hub."""
    user = hub.people.by_email(email)
    if user is None or (args.home is not None and hub.home not in user.roles):
        raise HubError("cli-user-none", email=email)
    if args.home is None:
        theirs = [home for home in hub.identity.homes.all() if home.id in user.roles]
        if len(theirs) > 1 and not whole:
            raise HubError("cli-user-several", email=email, homes=[home.name for home in theirs])
        if not theirs:
            raise HubError("cli-user-none", email=email)
        hub.home = theirs[0].id
    return user


async def is_known(hub: HubClient, email: str) -> bool:
    """Is there such a person in any home? From now on the client is in the last one looked at."""
    for one in await hub.homes():
        hub.in_home(one["home"]["id"])
        if await _in_this_home(hub, email) is not None:
            return True
    return False


async def _in_this_home(hub: HubClient, email: str) -> JsonObject | None:
    wanted = email.strip().casefold()
    return next((user for user in await hub.users() if user["email"] == wanted), None)
