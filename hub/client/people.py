"""Calls about people: members, links, sessions, keys, homes, oneself, and the audit log."""

from collections.abc import Sequence
from typing import Any

from hub.client.calls import Calls, JsonObject
from hub.client.errors import ApiError, path_of


class PeopleCalls(Calls):
    """Each is for those whose role allows it."""

    async def users(self) -> list[JsonObject]:
        """The people of the home."""
        return await self.items("/users")

    async def add_user(self, name: str, email: str, role: str = "user", password: str | None = None) -> JsonObject:
        """A person; `password` in the answer where the hub made it."""
        body = {"name": name, "email": email, "role": role, "password": password}
        return await self.call("POST", "/users", body)

    async def user(self, id: str) -> JsonObject:
        """One member."""
        return await self.call("GET", path_of("users", id))

    async def change_user(self, id: str, **fields: Any) -> JsonObject:
        """Another `role`, or `disabled`."""
        return await self.call("PATCH", path_of("users", id), fields)

    async def remove_user(self, id: str) -> None:
        """Take somebody out of the home."""
        await self.call("DELETE", path_of("users", id))

    async def set_password(self, id: str, password: str, *, keep_second_factor: bool = True) -> None:
        """Somebody's password anew, by a link that is used at once."""
        made = await self.call("POST", path_of("users", id, "password-link"))
        token = self._part(made, "link").partition("#")[2]
        try:
            await self.call("POST", "/auth/password", {"token": token, "password": password})
        except ApiError:
            await self.remove_invitation(made["invitation"]["id"])  # nobody else is to use it
            raise
        if not keep_second_factor:
            await self.call("DELETE", path_of("users", id, "second-factor"))

    async def invite(self, role: str = "user") -> JsonObject:
        """`link` with which somebody joins the home, and its `invitation`."""
        return await self.call("POST", "/invitations", {"role": role})

    async def invitations(self) -> list[JsonObject]:
        """Links that hold."""
        return await self.items("/invitations")

    async def remove_invitation(self, id: str) -> None:
        """Take a link back."""
        await self.call("DELETE", path_of("invitations", id))

    async def link(self, token: str) -> JsonObject:
        """What a link is for; `token` is what stands in it behind the #."""
        return await self.call("POST", "/auth/link", {"token": token})

    async def join(self, token: str, **fields: Any) -> JsonObject:
        """Become a member by a link (name, email and password, or existing=True), and be signed in."""
        return self.signed_in(await self.call("POST", "/auth/join", {"token": token, **fields}))

    async def sessions(self, user: str | None = None) -> list[JsonObject]:
        """Where you, or (for admins) somebody, are signed in."""
        return await self.items("/account/sessions" if user is None else path_of("users", user, "sessions"))

    async def end_session(self, id: str) -> None:
        """Sign out one of your sessions."""
        await self.call("DELETE", path_of("account", "sessions", id))

    async def end_sessions(self, user: str | None = None) -> None:
        """Sign out all your other sessions, or (for admins) somebody everywhere."""
        if user is None:
            await self.call("POST", "/account/sessions/end-others")
        else:
            await self.call("DELETE", path_of("users", user, "sessions"))

    async def keys(self, user: str | None = None) -> list[JsonObject]:
        """Your API keys, or (for admins) somebody's."""
        return await self.items("/account/keys" if user is None else path_of("users", user, "keys"))

    async def add_key(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        expires: int | None = None,
        user: str | None = None,
        password: str | None = None,
    ) -> JsonObject:
        """A key for yourself (with your password), or (from the machine's command line) for somebody; `text` is shown
        once."""
        path = "/account/keys" if user is None else path_of("users", user, "keys")
        body: dict[str, object] = {"name": name, "scopes": list(scopes), "expires": expires}
        return await self.call("POST", path, body if password is None else {**body, "password": password})

    async def remove_key(self, id: str, *, user: str | None = None) -> None:
        """End a key."""
        await self.call(
            "DELETE", path_of("account", "keys", id) if user is None else path_of("users", user, "keys", id)
        )

    async def passkeys(self) -> list[JsonObject]:
        """Your passkeys. To make one, or to sign in with one, takes a browser."""
        return await self.items("/account/passkeys")

    async def rename_passkey(self, id: str, name: str) -> JsonObject:
        """Call it differently."""
        return await self.call("PATCH", path_of("account", "passkeys", id), {"name": name})

    async def remove_passkey(self, id: str, password: str) -> None:
        """Nobody signs in with it any more; takes your password."""
        await self.call("POST", path_of("account", "passkeys", id, "remove"), {"password": password})

    async def audit(self, *, refused: bool | None = None, most: int = 1000, **asked: str) -> list[JsonObject]:
        """Lines of the audit log, the newest first; asked: actor, action, object."""
        query = [*asked.items(), *([] if refused is None else [("refused", str(refused).lower())])]
        lines: list[JsonObject] = []
        cursor: str | None = None
        while len(lines) < most:
            more = [] if cursor is None else [("cursor", cursor)]
            limit = ("limit", str(min(500, most - len(lines))))
            page = await self.call("GET", "/audit", query=[*query, limit, *more])
            lines += self._part(page, "items")
            cursor = page.get("next")
            if cursor is None:
                break
        return lines

    async def audit_file(self) -> bytes:
        """The whole log as a CSV file."""
        return await self.file("/audit/export")

    async def homes(self) -> list[JsonObject]:
        """The homes that you are a member of, each with your `role`."""
        return await self.items("/homes")

    async def home(self) -> JsonObject:
        """The home that you are signed in to."""
        return await self.call("GET", "/homes/current")

    async def change_home(self, **fields: Any) -> JsonObject:
        """Another name, time_zone, currency, price or week_start."""
        return await self.call("PATCH", "/homes/current", fields)

    async def add_home(self, name: str, time_zone: str, currency: str, **fields: Any) -> JsonObject:
        """Another home on the same hub."""
        return await self.call("POST", "/homes", {"name": name, "time_zone": time_zone, "currency": currency, **fields})

    async def remove_home(self, id: str) -> None:
        """Take a home away with all that is in it."""
        await self.call("DELETE", path_of("homes", id))

    async def switch_home(self, id: str) -> JsonObject:
        """Look at another of your homes from now on; the user and the home."""
        return self.signed_in(await self.call("POST", "/account/home", {"home": id}))

    async def change_profile(self, **fields: Any) -> JsonObject:
        """Your name, language, or (with the password) email."""
        return await self.call("PATCH", "/account", fields)

    async def confirm(self, password: str) -> None:
        """Show that it is you, where a call answers `confirmation-needed`; holds for ten minutes."""
        await self.call("POST", "/account/confirm", {"password": password})

    async def change_password(self, current: str, password: str, *, end_keys: bool = False) -> None:
        """Your password; all your other sessions end, and by choice your API keys."""
        body = {"current": current, "password": password, "end_keys": end_keys}
        await self.call("POST", "/account/password", body)
