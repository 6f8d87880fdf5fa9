"""Device: one plug as the hub knows it, with its outlets; names as they may be, and the key made from the first."""

import re
import unicodedata
from collections.abc import Container
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.database.rows import Id, Ms, Text
from hub.messages import HubError

HARDWARE_ID = re.compile(r"[A-Za-z0-9_-]{3,64}")
COLORS = range(1, 7)
OTHER_COLOR = 0
KEY_LENGTH = 40
LONGEST_NAME = 60
Days = Annotated[int, Meta(ge=1, le=36_500)]
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l"})


class Channel(msgspec.Struct):
    """One outlet. max_power_w: the plug itself cuts above it; idle_below_w: under it "on, nothing flows"."""

    name: Text | None = None
    max_power_w: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    idle_below_w: Annotated[float, Meta(ge=0, le=1e6)] = 1.0


class Device(msgspec.Struct):
    """A plug in the registry. Read it freely; only the registry changes it.

    `id` is opaque and for ever, `hardware_id` is whichever plug stands for it now, `key` is for YAML and URLs and
    outlives renaming. `color` 1-6 is its own in every chart, 0 = others. `created` is Unix ms. `keep_...`: days for
    which its history is kept as samples, minutes, hours and days; None = as long as the home's.
    """

    id: Id
    home: Id
    hardware_id: Annotated[str, Meta(pattern=rf"^{HARDWARE_ID.pattern}\Z")]
    key: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,48}\Z")]
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    driver: Annotated[str, Meta(min_length=1, max_length=40)]
    created: Ms
    room: Text | None = None
    icon: Text = "plug"
    color: Annotated[int, Meta(ge=OTHER_COLOR, le=COLORS[-1])] = OTHER_COLOR
    model: Text | None = None
    firmware: Text | None = None
    interval_ms: Annotated[int, Meta(ge=1, le=86_400_000)] = 1000
    always_on: bool = False
    private: bool = False
    keep_raw: Days | None = None
    keep_minutes: Days | None = None
    keep_hours: Days | None = None
    keep_days: Days | None = None
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
