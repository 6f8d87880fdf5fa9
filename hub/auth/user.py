"""User: a person as the hub knows them, and what the audit log may say of them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hub.auth.personal import Personal
from hub.database.rows import Id, Ms, Text


class User(msgspec.Struct):
    """A person. `email` is the login name, in lower case; `roles`: home -> admin, user or guest."""

    id: Id
    email: Annotated[str, Meta(min_length=3, max_length=254)]
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    language: Text
    created: Ms
    disabled: bool = False
    roles: dict[str, str] = {}


def shown(user: User) -> dict[str, Any]:
    """What the audit log may say of a person."""
    personal = {"name": Personal(user.id, user.name), "email": Personal(user.id, user.email)}
    return {**personal, "language": user.language, "disabled": user.disabled}
