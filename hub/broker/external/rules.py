"""Topic rules of a login at an external broker: for the dynamic security plugin, and as lines for Mosquitto's files."""

import base64
import hashlib
import secrets
from typing import Any

from hub.broker.interface import ROOT, Login

PUBLISHES = ("telemetry", "telemetry/#", "status")
RECEIVES = ("control", "config", "ack")
ROUNDS = 101  # Mosquitto's own; the secrets have 256 random bits


def topics_of(login: Login) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(may write, may read), as topic filters."""
    if login.kind != "plug":
        return login.write, login.read
    root = f"{ROOT}{login.name}/"
    return tuple(root + suffix for suffix in PUBLISHES), tuple(root + suffix for suffix in RECEIVES)


def rules_of(login: Login) -> list[dict[str, Any]]:
    """Access rules of the dynamic security plugin."""
    write, read = topics_of(login)
    return _rules(write, read)


def password_line(name: str, secret: str) -> str:
    """A line for Mosquitto's `password_file`; it holds a salted hash, not the secret."""
    salt = secrets.token_bytes(12)
    hashed = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, ROUNDS)
    return f"{name}:$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}"


def rule_lines(login: Login) -> list[str]:
    """Lines for Mosquitto's `acl_file`."""
    write, read = topics_of(login)
    both = [topic for topic in write if topic in read]
    return [
        f"user {login.name}",
        *(f"topic readwrite {topic}" for topic in both),
        *(f"topic write {topic}" for topic in write if topic not in both),
        *(f"topic read {topic}" for topic in read if topic not in both),
    ]


def _rules(write: tuple[str, ...], read: tuple[str, ...]) -> list[dict[str, Any]]:
    kinds = [("publishClientSend", topic) for topic in write]
    for topic in read:
        kinds += [("subscribePattern", topic), ("publishClientReceive", topic)]
    return [{"acltype": kind, "topic": topic, "allow": True} for kind, topic in kinds]


HUB = _rules((f"{ROOT}#",), (f"{ROOT}#",))
"""The hub's own rules."""
