"""Principal: who asks, in which home, with what right, from where. Every service call takes one; unknown means no."""

import msgspec

from hub.messages import HubError

ROLES = ("guest", "user", "admin")
RIGHTS = ("none", "view", "control", "manage")
SCOPES = ("read", "control", "manage", "admin")
"""What an API key may be given: look, switch, change plugs and what belongs to them, look after the home."""
SCOPE_RIGHTS = {"read": "view", "control": "control", "manage": "manage"}


class Principal(msgspec.Struct, frozen=True):
    """user: opaque id, or "system" (rules, the hub itself); home: opaque id; role: admin, user, guest or system.

    operator: an admin of the hub's first home, who looks after what all homes share (the machine, its backups,
    certificates and plugins). scopes: of an API key; None = all that the role may. origin: the address that asks, or a
    word for it; via: the session or key, both for the audit log.
    """

    user: str
    home: str
    role: str
    operator: bool = False
    scopes: frozenset[str] | None = None
    origin: str = ""
    via: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role in ("admin", "system") and self.has_scope("admin")

    @property
    def is_operator(self) -> bool:
        """Looks after the hub itself, from a home in which they are an admin."""
        return self.operator and self.is_admin

    @property
    def session(self) -> str:
        """The session that asks; empty for a key, and for the hub itself."""
        kind, _, id = self.via.partition(" ")
        return id if kind == "session" else ""

    @property
    def most(self) -> str:
        """The right on a device that the scopes end at."""
        if self.scopes is None:
            return "manage"
        return max((SCOPE_RIGHTS.get(scope, "none") for scope in self.scopes), key=RIGHTS.index, default="none")

    def has_scope(self, scope: str) -> bool:
        """May this key do that? People and the hub itself may do all that their role allows."""
        return self.scopes is None or scope in self.scopes

    def require_admin(self) -> None:
        """Raises HubError("forbidden")."""
        if not self.is_admin:
            raise HubError("forbidden")

    def require_operator(self) -> None:
        """Raises HubError("forbidden")."""
        if not self.is_operator:
            raise HubError("forbidden")


def system(home: str, origin: str = "hub") -> Principal:
    """The hub itself, acting in one home."""
    return Principal("system", home, "system", operator=True, origin=origin)
