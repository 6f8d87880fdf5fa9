"""Tokens: short access tokens (JWT), refresh tokens that change at every use, and the key for the command line."""

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.auth.people import Home, People, User
from hub.auth.principal import Principal, system
from hub.auth.secret_file import write_secret
from hub.clock import Clock
from hub.database import Database
from hub.database.engine import UNWRITABLE_ID
from hub.database.tables import refresh_tokens
from hub.messages import HubError

ALGORITHM = "HS256"
AUDIENCE = "plughub"
ACCESS_S = 30 * 60
REFRESH_MS = 7 * 24 * 3600 * 1000
FAMILY_MS = 90 * 24 * 3600 * 1000  # after that one logs in again, however often one was there
GRACE_MS = 30_000
KEY_FILE = "token.key"
API_KEY_FILE = "api.key"
API_KEY_PREFIX = "plughub_"
log = logging.getLogger("hub.auth")


class Access(msgspec.Struct, frozen=True):
    """Who a valid access token belongs to; `expires` is Unix ms."""

    principal: Principal
    expires: int


class Grant(msgspec.Struct, frozen=True):
    """What a login or a refresh gives; expires_in in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str


class Tokens:
    """Signs with a key of 256 bits in the data folder. A refresh token is kept only as SHA-256; its successor is
    derived from it with the key, so that whoever asks twice within 30 s (two tabs, a lost answer) gets the same one.
    One that comes back later was stolen or copied: its whole family ends.
    """

    def __init__(self, database: Database, people: People, clock: Clock, data_dir: Path) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._dir = data_dir
        self._key = b""
        self._api_key = b""  # SHA-256; empty until it is written

    async def load(self) -> None:
        """Read the key, or make it at the first start."""
        path = self._dir / KEY_FILE
        if not path.exists():
            write_secret(path, secrets.token_hex(32))
        self._key = bytes.fromhex(path.read_text(encoding="utf-8"))

    def write_api_key(self, url: str) -> None:
        """A new key for the command line on this machine; `url` is where the API answers. At each start."""
        key = API_KEY_PREFIX + secrets.token_urlsafe(32)
        write_secret(self._dir / API_KEY_FILE, json.dumps({"url": url, "key": key}))
        self._api_key = digest(key)

    def remove_api_key(self) -> None:
        """At the hub's stop."""
        self._api_key = b""
        (self._dir / API_KEY_FILE).unlink(missing_ok=True)

    def access(self, token: str) -> Access:
        """Who this token (or the command line's key) belongs to, with the role of this moment.

        Raises HubError("token-wrong", "token-expired").
        """
        if token.startswith(API_KEY_PREFIX):
            return self._api_access(token)
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                # Times are compared with the hub's own clock below.
                options={"require": ["exp", "iat", "sub", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise HubError("token-wrong") from error
        home, expires = claims.get("home"), claims["exp"]
        if claims.get("typ") != "access" or not isinstance(home, str) or not isinstance(expires, int):
            raise HubError("token-wrong")
        expires *= 1000
        if self._clock.now() >= expires:
            raise HubError("token-expired")
        principal = self._people.principal(claims["sub"], home)
        if principal is None:
            raise HubError("token-wrong")
        return Access(principal, expires)

    async def issue(self, user: User, home: Home) -> Grant:
        """Tokens of a new session. On a full disk it ends with its access token: whoever looks after the hub has to
        get in to see that."""
        refresh = secrets.token_urlsafe(32)
        now = self._clock.now()
        try:
            async with self._database.transaction() as connection:
                await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires < now))
                session = {"user": user.id, "home": home.id, "family": secrets.token_hex(8), "family_began": now}
                await self._keep(connection, refresh, session)
        except HubError as error:
            if error.id != UNWRITABLE_ID:
                raise
            log.warning("a session of user %s cannot be stored: %s", user.id, error)
        return self._grant(user, home, refresh)

    async def refresh(self, token: str) -> tuple[Grant, User, Home]:
        """New tokens for a refresh token, which is used up by it.

        Raises HubError("session-ended"): unknown, expired, used again, or its person may not log in any more.
        """
        successor = self._successor(token)
        async with self._database.transaction() as connection:
            owner = await self._use_up(connection, token, successor)
        if owner is None:
            raise HubError("session-ended")
        user, home = owner
        return self._grant(user, home, successor), user, home

    async def _use_up(self, connection: AsyncConnection, token: str, successor: str) -> tuple[User, Home] | None:
        """Mark as used and store the successor; None (not an exception: the end of a family must be stored) refuses."""
        now, this = self._clock.now(), refresh_tokens.c.hash == digest(token)
        found = (await connection.execute(select(refresh_tokens).where(this))).mappings().one_or_none()
        if found is None or now >= found["expires"]:
            return None
        user, home = self._people.user(found["user"]), self._people.home(found["home"])
        if user is None or home is None or self._people.principal(user.id, home.id) is None:
            return None
        if found["used"] is None:
            await connection.execute(update(refresh_tokens).where(this).values(used=now))
            await self._keep(connection, successor, dict(found))
        elif now - found["used"] > GRACE_MS:
            await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.family == found["family"]))
            log.warning("a used refresh token of user %s came back: the session is ended", user.id)
            return None
        return user, home

    async def revoke(self, token: str) -> None:
        """End the session of this refresh token (logout); one that is unknown has ended already."""
        async with self._database.transaction() as connection:
            family = (
                await connection.execute(select(refresh_tokens.c.family).where(refresh_tokens.c.hash == digest(token)))
            ).scalar_one_or_none()
            if family is not None:
                await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.family == family))

    async def _keep(self, connection: AsyncConnection, token: str, session: Mapping[str, Any]) -> None:
        """Store a token of a session: user, home, family, family_began."""
        row = {name: session[name] for name in ("user", "home", "family", "family_began")}
        expires = min(self._clock.now() + REFRESH_MS, session["family_began"] + FAMILY_MS)
        await connection.execute(insert(refresh_tokens).values(**row, hash=digest(token), expires=expires, used=None))

    def _grant(self, user: User, home: Home, refresh: str) -> Grant:
        now = self._clock.now() // 1000
        claims: dict[str, Any] = {
            "aud": AUDIENCE,
            "typ": "access",
            "iat": now,
            "exp": now + ACCESS_S,
            "sub": user.id,
            "home": home.id,
            "role": user.roles[home.id],
        }
        return Grant(jwt.encode(claims, self._key, ALGORITHM), ACCESS_S, refresh)

    def _successor(self, token: str) -> str:
        raw = hmac.digest(self._key, b"refresh\0" + token.encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def _api_access(self, token: str) -> Access:
        if not self._api_key or not hmac.compare_digest(digest(token), self._api_key):
            raise HubError("token-wrong")
        return Access(system(self._people.first_home.id), self._clock.now() + ACCESS_S * 1000)


def digest(token: str) -> bytes:
    """SHA-256 of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
