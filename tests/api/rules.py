"""Who may call what: a line for each route, written by hand and not read from the hub, and what follows from it."""

from typing import NamedTuple

ROLES = ("guest", "user", "admin", "operator", "machine")
RIGHTS = ("none", "view", "control", "manage")
CAP = {"guest": "view", "user": "manage", "admin": "manage", "operator": "manage", "machine": "manage"}
WITHOUT_SHARE = {"guest": "none", "user": "control", "admin": "manage", "operator": "manage", "machine": "manage"}
SCOPES = {"read": "view", "control": "control", "manage": "manage", "admin": "none"}  # and the right that they end at


class Rule(NamedTuple):
    """role: the least that may call; "open" = anyone, "machine" = the command line of the hub's own machine alone.

    scope: what an API key needs, "" = no key will do. right: on the device in the path or in the query. refusal: what
    somebody who may is told all the same, because the example cannot be for real.
    """

    role: str
    scope: str = ""
    right: str = ""
    refusal: str = ""


RULES = {
    "GET /system/info": Rule("open"),
    "GET /system/problems": Rule("operator", "admin"),
    "GET /system/rejects": Rule("operator", "admin"),
    "GET /system/broker": Rule("operator", "admin"),
    "GET /system/history": Rule("operator", "admin"),
    "POST /system/history/check": Rule("operator", "admin"),
    "POST /system/time/confirm": Rule("operator", "admin"),
    "GET /system/updates": Rule("operator", "admin"),
    "PATCH /system/updates": Rule("operator", "admin", refusal="updates-no-source"),
    "POST /system/updates/check": Rule("operator", "admin", refusal="updates-no-source"),
    "GET /plugins": Rule("operator", "admin"),
    "POST /setup": Rule("open"),
    "POST /auth/login": Rule("open"),
    "POST /auth/passkey/options": Rule("open"),
    "POST /auth/passkey": Rule("open"),
    "POST /auth/refresh": Rule("open"),
    "POST /auth/logout": Rule("open"),
    "GET /auth/key": Rule("open"),
    "POST /auth/link": Rule("open"),
    "POST /auth/join": Rule("open"),
    "POST /auth/password": Rule("open"),
    "GET /auth/me": Rule("guest", "read"),
    "GET /devices": Rule("guest", "read"),
    "POST /devices": Rule("user", "manage"),
    "GET /devices/found": Rule("user", "read"),
    "GET /devices/{device}": Rule("guest", "read", "view"),
    "PATCH /devices/{device}": Rule("user", "manage", "manage"),
    "DELETE /devices/{device}": Rule("user", "manage", "manage"),
    "POST /devices/{device}/secret": Rule("user", "manage", "manage"),
    "POST /devices/{device}/command": Rule("guest", "control", "control", "device-offline"),
    "GET /shares": Rule("user", "manage"),
    "GET /devices/{device}/shares": Rule("user", "manage", "manage"),
    "PUT /devices/{device}/shares/{user}": Rule("user", "manage", "manage"),
    "DELETE /devices/{device}/shares/{user}": Rule("user", "manage", "manage"),
    "POST /devices/{device}/replace": Rule("user", "manage", "manage", "pairing-too-many"),
    "GET /pairings": Rule("user", "read"),
    "GET /pairings/{pairing}": Rule("user", "read"),
    "DELETE /pairings/{pairing}": Rule("user", "manage"),
    "GET /rooms": Rule("guest", "read"),
    "POST /rooms": Rule("user", "manage"),
    "PATCH /rooms/{room}": Rule("admin", "admin"),
    "DELETE /rooms/{room}": Rule("admin", "admin"),
    "GET /schedules": Rule("guest", "read"),
    "POST /schedules": Rule("user", "manage", refusal="device-unknown"),
    "PATCH /schedules/{schedule}": Rule("user", "manage"),
    "DELETE /schedules/{schedule}": Rule("user", "manage"),
    "GET /alerts": Rule("guest", "read"),
    "GET /alerts/ended": Rule("guest", "read"),
    "POST /alerts": Rule("user", "manage", refusal="device-unknown"),
    "PATCH /alerts/{alert}": Rule("user", "manage"),
    "DELETE /alerts/{alert}": Rule("user", "manage"),
    "GET /notifiers": Rule("operator", "admin"),
    "POST /notifiers/{notifier}/test": Rule("operator", "admin"),
    "GET /telemetry": Rule("guest", "read", "view"),
    "GET /telemetry/sum": Rule("guest", "read", "view"),
    "GET /telemetry/live": Rule("guest", "read", "view"),
    "GET /telemetry/export": Rule("guest", "read", "view"),
    "GET /gaps": Rule("guest", "read", "view"),
    "GET /reports/energy": Rule("guest", "read"),
    "GET /reports/energy.csv": Rule("guest", "read"),
    "GET /reports/energy.pdf": Rule("guest", "read"),
    "GET /mqtt-clients": Rule("operator", "admin"),
    "POST /mqtt-clients": Rule("operator", "admin"),
    "DELETE /mqtt-clients/{name}": Rule("operator", "admin"),
    "GET /users": Rule("admin", "admin"),
    "POST /users": Rule("admin", "admin"),
    "GET /users/{user}": Rule("admin", "admin"),
    "PATCH /users/{user}": Rule("admin", "admin"),
    "DELETE /users/{user}": Rule("admin", "admin"),
    "POST /users/{user}/password-link": Rule("admin", "admin"),
    "DELETE /users/{user}/second-factor": Rule("admin", "admin"),
    "GET /users/{user}/sessions": Rule("admin", "admin"),
    "DELETE /users/{user}/sessions": Rule("admin", "admin"),
    "GET /users/{user}/keys": Rule("admin", "admin"),
    "POST /users/{user}/keys": Rule("machine"),
    "DELETE /users/{user}/keys/{key}": Rule("admin", "admin"),
    "GET /invitations": Rule("admin", "admin"),
    "POST /invitations": Rule("admin", "admin"),
    "DELETE /invitations/{invitation}": Rule("admin", "admin"),
    "PATCH /account": Rule("guest"),
    "POST /account/password": Rule("guest", refusal="password-wrong"),
    "POST /account/delete": Rule("guest", refusal="password-wrong"),
    "POST /account/confirm": Rule("guest", refusal="password-wrong"),
    "POST /account/home": Rule("guest"),
    "GET /account/second-factor": Rule("guest"),
    "POST /account/second-factor": Rule("guest", refusal="password-wrong"),
    "POST /account/second-factor/confirm": Rule("guest", refusal="enrolment-over"),
    "POST /account/second-factor/codes": Rule("guest", refusal="password-wrong"),
    "POST /account/second-factor/remove": Rule("guest", refusal="password-wrong"),
    "GET /account/sessions": Rule("guest"),
    "DELETE /account/sessions/{session}": Rule("guest"),
    "POST /account/sessions/end-others": Rule("guest"),
    "GET /account/keys": Rule("guest"),
    "POST /account/keys": Rule("guest", refusal="password-wrong"),
    "DELETE /account/keys/{key}": Rule("guest"),
    "GET /account/passkeys": Rule("guest"),
    "POST /account/passkeys/options": Rule("guest", refusal="passkey-needs-name"),
    "POST /account/passkeys": Rule("guest", refusal="passkey-needs-name"),
    "PATCH /account/passkeys/{passkey}": Rule("guest"),
    "POST /account/passkeys/{passkey}/remove": Rule("guest", refusal="password-wrong"),
    "GET /audit": Rule("admin", "admin"),
    "GET /audit/export": Rule("admin", "admin"),
    "GET /homes": Rule("guest", "read"),
    "POST /homes": Rule("operator", "admin"),
    "GET /homes/current": Rule("guest", "read"),
    "PATCH /homes/current": Rule("admin", "admin"),
    "DELETE /homes/{home}": Rule("operator", "admin"),
    "GET /backups": Rule("operator", "admin"),
    "POST /backups": Rule("operator", "admin", refusal="backup-running"),
    "PATCH /backups/settings": Rule("operator", "admin"),
    "GET /certificates/ca": Rule("open"),
    "GET /certificates/ca.mobileconfig": Rule("open"),
    "GET /certificates/access": Rule("open"),
    "GET /certificates/qr": Rule("open"),
    "GET /certificates/trusted": Rule("open"),
    "GET /certificates": Rule("operator", "admin"),
    "POST /certificates/renew": Rule("operator", "admin"),
}


class Standing(NamedTuple):
    """What somebody is. role: in their home, "operator" = admin of the first one; scopes: of their key, None = none."""

    role: str
    scopes: frozenset[str] | None = None


DEVICES = ("added", "view", "control", "manage", "unshared", "private", "private-view", "foreign", "unknown")
"""How a device stands to the asker: added by them, shared with them, neither, and the same where it is private."""


def held(standing: Standing, device: str) -> str:
    """The right that somebody has on such a device."""
    if device in ("foreign", "unknown"):
        return "none"
    if standing.role == "machine":
        return "manage"
    share = {"added": "manage", "unshared": WITHOUT_SHARE[standing.role], "private": "none", "private-view": "view"}
    right = lesser(share.get(device, device), CAP[standing.role])
    if standing.scopes is not None:
        right = lesser(right, max((SCOPES[scope] for scope in standing.scopes), key=RIGHTS.index))
    return right


def lesser(one: str, other: str) -> str:
    return min(one, other, key=RIGHTS.index)


def verdict(rule: Rule, standing: Standing | None, right: str = "manage") -> str:
    """The problem code that somebody gets, "" = they may."""
    if rule.role == "open":
        return ""
    if standing is None:
        return "token-missing"
    if ROLES.index(standing.role) < ROLES.index(rule.role):
        return "forbidden"
    if rule.scope == "" and (standing.scopes is not None or (standing.role == "machine") != (rule.role == "machine")):
        return "forbidden"
    if standing.scopes is not None and rule.scope not in standing.scopes:
        return "forbidden"
    if rule.right and right == "none":
        return "device-unknown"
    if rule.right and RIGHTS.index(right) < RIGHTS.index(rule.right):
        return "forbidden"
    return ""
