"""Every route that changes something writes a line of the audit log, or stands here with the reason why not."""

from pathlib import Path

import hub
from hub.api.rest import ROUTES

LINES = {
    "POST /system/history/check": "history.check",
    "POST /system/time/confirm": "time.confirm",
    "PATCH /system/updates": "updates.change",
    "POST /setup": "setup",
    "POST /auth/login": "login",
    "POST /auth/logout": "logout",
    "POST /devices": "device.add",
    "PATCH /devices/{device}": "device.change",
    "DELETE /devices/{device}": "device.remove",
    "POST /devices/{device}/secret": "device.secret",
    "POST /devices/{device}/command": "device.switch",
    "PUT /devices/{device}/shares/{user}": "device.share",
    "DELETE /devices/{device}/shares/{user}": "device.share",
    "DELETE /pairings/{pairing}": "pairing.cancel",
    "POST /devices/{device}/replace": "pairing.open",
    "POST /rooms": "room.add",
    "PATCH /rooms/{room}": "room.change",
    "DELETE /rooms/{room}": "room.remove",
    "POST /schedules": "schedule.add",
    "PATCH /schedules/{schedule}": "schedule.change",
    "DELETE /schedules/{schedule}": "schedule.remove",
    "POST /alerts": "alert.add",
    "PATCH /alerts/{alert}": "alert.change",
    "DELETE /alerts/{alert}": "alert.remove",
    "POST /notifiers/{notifier}/test": "notifier.test",
    "POST /mqtt-clients": "mqtt-client.add",
    "DELETE /mqtt-clients/{name}": "mqtt-client.remove",
    "POST /users": "user.add",
    "PATCH /users/{user}": "user.change",
    "DELETE /users/{user}": "user.remove",
    "POST /users/{user}/password-link": "password.link",
    "DELETE /users/{user}/second-factor": "second-factor.remove",
    "DELETE /users/{user}/sessions": "session.end",
    "POST /users/{user}/keys": "key.add",
    "DELETE /users/{user}/keys/{key}": "key.remove",
    "POST /invitations": "invitation.add",
    "DELETE /invitations/{invitation}": "invitation.remove",
    "POST /auth/join": "user.join",
    "POST /auth/password": "password.reset",
    "PATCH /account": "profile.change",
    "POST /account/password": "password.change",
    "POST /account/delete": "user.remove",
    "POST /account/second-factor/confirm": "second-factor.add",
    "POST /account/second-factor/codes": "second-factor.codes",
    "POST /account/second-factor/remove": "second-factor.remove",
    "DELETE /account/sessions/{session}": "session.end",
    "POST /account/sessions/end-others": "session.end",
    "POST /account/keys": "key.add",
    "DELETE /account/keys/{key}": "key.remove",
    "POST /auth/passkey": "login",
    "POST /account/passkeys": "passkey.add",
    "PATCH /account/passkeys/{passkey}": "passkey.rename",
    "POST /account/passkeys/{passkey}/remove": "passkey.remove",
    "POST /homes": "home.add",
    "PATCH /homes/current": "home.change",
    "DELETE /homes/{home}": "home.remove",
    "POST /backups": "backup.start",
    "PATCH /backups/settings": "backup.change",
    "POST /certificates/renew": "certificates.renew",
}
REASONS = {
    "POST /system/updates/check": "asks what there is",
    "POST /auth/refresh": "each half hour, of everybody who is signed in; one that comes back is session.reused",
    "POST /auth/link": "shows what a link is for",
    "POST /auth/passkey/options": "a question to answer",
    "POST /account/passkeys/options": "a question to answer",
    "POST /account/confirm": "shows the password once more; a wrong one is a refusal",
    "POST /account/home": "looks at another home of one's own",
    "POST /account/second-factor": "offers a secret; nothing holds before it is confirmed",
}


def test_every_changing_route_has_a_line_or_a_reason() -> None:
    changing = {f"{route.method} {route.path}" for route in ROUTES if route.method != "GET"}
    assert changing == LINES.keys() | REASONS.keys()
    assert not LINES.keys() & REASONS.keys()


def test_the_hub_writes_each_of_these_lines() -> None:
    folder = Path(hub.__file__).parent
    source = "".join(file.read_text(encoding="utf-8") for name in FOLDERS for file in (folder / name).rglob("*.py"))
    missing = [action for action in LINES.values() if f'"{action}"' not in source]
    assert missing == []


FOLDERS = ("alerts", "api/rest", "auth", "automation", "devices")
