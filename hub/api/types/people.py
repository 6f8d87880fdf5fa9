"""Homes and their members."""

from typing import Literal

import msgspec

from hub.api.types.common import Email, Language, Name, Request


class Home(msgspec.Struct):
    id: str
    name: str
    time_zone: str
    currency: str


class User(msgspec.Struct):
    id: str
    name: str
    email: str
    language: Language
    role: Literal["admin", "user", "guest"]


class UserList(msgspec.Struct):
    items: list[User]
    next: str | None = None


class AddUserRequest(Request):
    """Without a password nobody can sign in yet."""

    name: Name
    email: Email
    role: Literal["admin", "user", "guest"] = "user"
    password: str | None = None
    language: Language = "en"
