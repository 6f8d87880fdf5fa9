"""Rights: who may do what to whose account. Nothing is kept here: People keeps people, and asks."""

from collections.abc import Iterable

from hub.auth.homes import Homes
from hub.auth.principal import Principal
from hub.auth.user import User
from hub.messages import HubError


def is_operator(user: User, first: str) -> bool:
    """An admin of the hub's first home looks after what all homes share."""
    return user.roles.get(first) == "admin"


def acting(user: User | None, home: str, first: str) -> Principal | None:
    """A person in a home with the role that they have now; None when they are no member, or disabled."""
    if user is None or user.disabled or home not in user.roles:
        return None
    return Principal(user.id, home, user.roles[home], operator=is_operator(user, first))


def require_member(principal: Principal, user: User | None, asked: str) -> User:
    """A member of the asker's home: oneself, or for admins anybody. asked: the id by which they were asked for.

    Raises HubError("user-unknown"), of those of other homes, too: whether they exist is not the asker's to know.
    """
    if user is None or principal.home not in user.roles or not (principal.is_admin or principal.user == user.id):
        raise HubError("user-unknown", user=asked)
    return user


def require_manageable(principal: Principal, user: User | None, asked: str) -> User:
    """A member whose account the asker may reach into; for admins. Raises HubError("user-unknown", "user-elsewhere",
    "forbidden")."""
    principal.require_admin()
    member = require_member(principal, user, asked)
    require_own(principal, member)
    return member


def require_openable(principal: Principal, user: User | None, asked: str) -> User:
    """Somebody who has lost the password or second factor. Not oneself: an open browser, or a key, would do what
    otherwise asks for the password. Raises HubError("user-unknown", "user-elsewhere", "forbidden")."""
    member = require_manageable(principal, user, asked)
    if member.id == principal.user:
        raise HubError("forbidden")
    return member


def require_own(principal: Principal, user: User) -> None:
    """An account that is a member of other homes, too, is not this home's admin's to lock.

    Raises HubError("user-elsewhere").
    """
    if not principal.operator and set(user.roles) != {principal.home}:
        raise HubError("user-elsewhere")


def is_other_admin(principal: Principal, user: User) -> bool:
    """Does it take from another admin? Whoever is no admin anywhere is none, nor who asks for themselves."""
    return user.id != principal.user and "admin" in user.roles.values()


def is_promoted(user: User, home: str, role: str | None) -> bool:
    """Would this role (None = the present one) make them an admin of the home?"""
    return role == "admin" and user.roles[home] != "admin"


def is_demoted(user: User, home: str, role: str | None) -> bool:
    """Would this role (None = the present one) take the home's administration from them?"""
    return role not in (None, "admin") and user.roles[home] == "admin"


def is_grave(principal: Principal, user: User, role: str | None, disabled: bool | None) -> bool:
    """Does another role in the asker's home, or a lock (None = as it is), take from another admin or make somebody one
    who can sign in? Then the asker confirms it."""
    locked = user.disabled if disabled is None else disabled
    takes = role not in (None, user.roles[principal.home]) or (locked and not user.disabled)
    if takes and is_other_admin(principal, user):
        return True
    roles = {**user.roles, principal.home: role or user.roles[principal.home]}
    unlocked = user.disabled and "admin" in roles.values()
    return not locked and (unlocked or is_promoted(user, principal.home, role))


def require_other_admin(user: User, left: Iterable[str], able: Iterable[User], homes: Homes) -> None:
    """Each of these homes that somebody leaves has another admin among those who are able to sign in, or loses none.

    Raises HubError("last-admin").
    """
    able = list(able)
    for home in left:
        if [other for other in able if other.roles.get(home) == "admin"] == [user]:
            known = homes.get(home)
            raise HubError("last-admin", home=home if known is None else known.name, name=user.name)
