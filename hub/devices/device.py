"""Device: one plug as the hub knows it, with its outlets; names as they may be, and the key made from the first."""

import re
import unicodedata
from collections.abc import Container

import msgspec

from hub.messages import HubError

HARDWARE_ID = re.compile(r"[A-Za-z0-9_-]{3,64}")
COLORS = range(1, 7)
OTHER_COLOR = 0
KEY_LENGTH = 40
LONGEST_NAME = 60
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"})


class Channel(msgspec.Struct):
    """One outlet. max_power_w: the plug itself cuts above it; idle_below_w: under it "on, nothing flows"."""

    name: str | None = None
    max_power_w: int | None = None
    idle_below_w: float = 1.0


class Device(msgspec.Struct):
    """A plug in the registry. Read it freely; only the registry changes it.

    `id` is opaque and for ever, `hardware_id` is whichever plug stands for it now, `key` is for YAML and URLs and
    outlives renaming. `color` 1-6 is its own in every chart, 0 = others. `created` is Unix ms. `keep_...`: days for
    which its history is kept as samples, minutes, hours and days; None = as long as the home's.
    """

    id: str
    home: str
    hardware_id: str
    key: str
    name: str
    driver: str
    created: int
    room: str | None = None
    icon: str = "plug"
    color: int = OTHER_COLOR
    model: str | None = None
    firmware: str | None = None
    interval_ms: int = 1000
    always_on: bool = False
    private: bool = False
    keep_raw: int | None = None
    keep_minutes: int | None = None
    keep_hours: int | None = None
    keep_days: int | None = None
    channels: dict[int, Channel] = {}


def make_key(name: str, taken: Container[str]) -> str:
    """A key `[a-z0-9-]` that reads like the name and is not taken."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(UMLAUTS)).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", plain)[:KEY_LENGTH].strip("-") or "plug"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}-{number}", number + 1
    return key


def free_color(used: Container[int]) -> int:
    """The first color that no device of the home has; 0 when all six are taken."""
    return next((color for color in COLORS if color not in used), OTHER_COLOR)


def clean_name(name: str, field: str) -> str:
    """Of a device or room: without control characters and outer blanks. Raises HubError("name-invalid")."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 1 <= len(plain) <= LONGEST_NAME:
        raise HubError("name-invalid", field=field, most=LONGEST_NAME)
    return plain


def clean_room(room: str | None) -> str | None:
    """No room is None, never an empty word."""
    return clean_name(room, "room") if room and room.strip() else None
