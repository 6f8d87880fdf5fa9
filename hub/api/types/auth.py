"""Set-up, signing in and out."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.api.types.common import Email, Language, Name, Request
from hub.api.types.people import Currency, Home, Price, User, WeekDay


class SetupRequest(Request):
    """Makes the home and its first admin. `price`: of a kWh, null = said later; `week_start`: 0 = Monday."""

    name: Name
    email: Email
    password: str
    home_name: Name
    time_zone: str
    currency: Currency
    price: Price | None = None
    week_start: WeekDay = 0
    language: Language = "en"
    code: str | None = None


class LoginRequest(Request):
    """`code`: of the authenticator app, or a recovery code, where the person has a second factor."""

    email: str
    password: str
    code: Annotated[str, Meta(max_length=40)] | None = None


class RefreshRequest(Request):
    """Browsers send nothing here: their refresh token is the cookie."""

    refresh_token: str | None = None


class Session(msgspec.Struct):
    """`expires_in` in seconds; `refresh_token` only for programs (X-Plughub-Client: program), browsers get a cookie."""

    access_token: str
    expires_in: int
    user: User
    home: Home
    refresh_token: str | None = None


class TokenKey(msgspec.Struct):
    """With what access tokens are checked: PEM of the public key with RS256; null with HS256, whose key is secret."""

    algorithm: str
    key: str | None


class Me(msgspec.Struct):
    """Who is signed in, and where."""

    user: User
    home: Home
