"""People as read at a start. Whoever cannot be read can do less than before: no role, no password, no entry."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.principal import ROLES
from hub.auth.user import User
from hub.database import Database
from hub.database.rows import Blob, Id, read
from hub.database.tables import home_users, users
from hub.messages import LANGUAGES

BCRYPT = re.compile(rb"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
STAND_INS = {
    "email": lambda row: f"? {row['id']}",  # nobody has it
    "name": "?",
    "language": LANGUAGES[0],
    "created": 0,
    "disabled": True,
}


class Password(msgspec.Struct):
    """Somebody's, as bcrypt; None = cannot sign in with one."""

    id: Id
    password_hash: Blob | None


class Member(msgspec.Struct):
    """A row of the table `home_users`."""

    home: Id
    user: Id
    role: Annotated[str, Meta(pattern=rf"^({'|'.join(ROLES)})\Z")]


async def read_people(database: Database, connection: AsyncConnection) -> list[tuple[User, bytes | None]]:
    """Everybody with their roles, and the password as bcrypt."""
    people = await read(database, connection, users, User, stand_ins=STAND_INS, check=_wrong_language)
    none = {"password_hash": None}
    passwords = await read(database, connection, users, Password, stand_ins=none, check=_wrong_password)
    hashes = {row.value.id: row.value.password_hash for row in passwords}
    known = {row.value.id: row.value for row in people}
    for member in await read(database, connection, home_users, Member):
        if member.value.user in known:
            known[member.value.user].roles[member.value.home] = member.value.role
    return [(user, hashes.get(id)) for id, user in known.items()]


def _wrong_password(stored: Password) -> str | None:
    """Is it no bcrypt?"""
    return None if stored.password_hash is None or BCRYPT.fullmatch(stored.password_hash) else "password_hash"


def _wrong_language(user: User) -> str | None:
    """Is it none that the hub speaks?"""
    return None if user.language in LANGUAGES else "language"
