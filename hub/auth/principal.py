"""Principal: who asks, in which home, with what right. Every service call takes one; unknown means no."""

import msgspec

from hub.messages import HubError

ROLES = ("guest", "user", "admin")
RIGHTS = ("none", "view", "control", "manage")


class Principal(msgspec.Struct, frozen=True):
    """user: opaque id, or "system" (rules, the hub itself); home: opaque id; role: admin, user, guest or system."""

    user: str
    home: str
    role: str

    @property
    def is_admin(self) -> bool:
        return self.role in ("admin", "system")

    def require_admin(self) -> None:
        """Raises HubError("forbidden")."""
        if not self.is_admin:
            raise HubError("forbidden")


def system(home: str) -> Principal:
    """The hub itself, acting in one home."""
    return Principal("system", home, "system")
