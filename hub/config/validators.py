"""Validators whose mistakes are messages with what was expected; plugins have them as hub.plugins.validators."""

import base64
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import voluptuous as vol

from hub.messages import Message
from hub.zones import time_zones

DAY = 86_400_000
UNITS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
SIZES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class Wrong(vol.Invalid):
    """A value that cannot be used: the id of the sentence that says what was expected; `near` for "did you mean"."""

    def __init__(self, id: str, /, *, near: Iterable[str] = (), **values: Any) -> None:
        super().__init__(id)
        self.expected = Message(id, values)
        self.near = tuple(near)


class Validator:
    """Base: calls `check`, and raises Wrong with `expected` for what check refuses by ValueError or TypeError."""

    expected: Message
    choices: tuple[str, ...] = ()

    def __call__(self, value: Any) -> Any:
        try:
            return self.check(value)
        except (ValueError, TypeError):
            raise Wrong(self.expected.id, near=self.choices, **self.expected.values) from None

    def check(self, value: Any) -> Any:
        """The value as it is used from now on, or ValueError."""
        raise NotImplementedError


class Section(Validator):
    """A mapping checked by a schema of its own; nothing below the key is an empty section."""

    def __init__(self, schema: Mapping[Any, Any]) -> None:
        self.expected = Message("config-expected-section")
        self.schema = vol.Schema(schema)

    def check(self, value: Any) -> Any:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise TypeError
        return self.schema(value)


class Together(Section):
    """A section in which the keys of `together` stand all or none."""

    def __init__(self, together: Sequence[str], schema: Mapping[Any, Any]) -> None:
        super().__init__(schema)
        self._together = together

    def check(self, value: Any) -> Any:
        checked = super().check(value)
        missing = [key for key in self._together if key not in checked]
        if 0 < len(missing) < len(self._together):
            raise vol.MultipleInvalid([vol.RequiredFieldInvalid("missing", [key]) for key in missing])
        return checked


class ListOf(Validator):
    """A list whose every item passes; one item alone, or nothing, is a list too."""

    def __init__(self, item: Any) -> None:
        self.expected = Message("config-expected-list")
        self.schema = vol.Schema([item])

    def check(self, value: Any) -> Any:
        if value is None:
            return []
        return self.schema(value if isinstance(value, list) else [value])


class Text(Validator):
    """Text of one line that is not empty."""

    def __init__(self, longest: int = 200) -> None:
        self.expected = Message("config-expected-text")
        self._longest = longest

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > self._longest or "\n" in value.strip():
            raise ValueError
        return value.strip()


class Passphrase(Validator):
    """Text of at least `shortest` letters, taken as it stands."""

    def __init__(self, shortest: int) -> None:
        self.expected = Message("config-expected-passphrase", {"least": shortest})
        self._shortest = shortest

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not self._shortest <= len(value) <= 1000:
            raise ValueError
        return value


class TimeOfDay(Validator):
    """HH:MM."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-time-of-day")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError
        return value


class Flag(Validator):
    """true or false, nothing else."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-flag")

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value


class Whole(Validator):
    """A whole number from `least` to `most`."""

    def __init__(self, least: int, most: int) -> None:
        self.expected = Message("config-expected-number", {"least": least, "most": most})
        self._range = range(least, most + 1)

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in self._range:
            raise ValueError
        return value


class OneOf(Validator):
    """One of some names."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices
        self.expected = Message("config-expected-choice", {"choices": choices})

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError
        return value


class Duration(Validator):
    """`7 d`, `12 h`, `90 min`: milliseconds. A bare number counts in `bare` where that is given; `auto`, where it is
    allowed, is None: the hub chooses."""

    def __init__(self, least: str, most: str, bare: str | None = None, *, auto: bool = False) -> None:
        self.expected = Message("config-expected-duration", {"least": least, "most": most, "units": tuple(UNITS)})
        self._least, self._most, self._bare = _quantity(least, UNITS), _quantity(most, UNITS), bare
        self._auto = auto

    def check(self, value: Any) -> int | None:
        if self._auto and value == "auto":
            return None
        if self._bare and isinstance(value, int) and not isinstance(value, bool):
            value = f"{value} {self._bare}"
        milliseconds = _quantity(value, UNITS)
        if not self._least <= milliseconds <= self._most:
            raise ValueError
        return milliseconds


class Size(Validator):
    """`500 MB`, `1 GB`: bytes."""

    def __init__(self, least: str, most: str) -> None:
        self.expected = Message("config-expected-size", {"least": least, "most": most, "units": tuple(SIZES)})
        self._least, self._most = _quantity(least, SIZES), _quantity(most, SIZES)

    def check(self, value: Any) -> int:
        size = _quantity(value, SIZES)
        if not self._least <= size <= self._most:
            raise ValueError
        return size


class TimeZone(Validator):
    """An IANA name, as in Europe/Berlin."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-time-zone")

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if value not in time_zones():
            raise Wrong("config-expected-time-zone", near=time_zones())
        return value


class Currency(Validator):
    """ISO 4217: three capital letters."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-currency")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
            raise ValueError
        return value


class Address(Validator):
    """An IPv4 or IPv6 address to listen on."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-address")

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        return value if value == "localhost" else str(ipaddress.ip_address(value))


class Network(Validator):
    """An address or a network, as in 192.168.1.10 or 10.0.0.0/8."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-network")

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        return str(ipaddress.ip_network(value))


class FullPath(Validator):
    """A file with its whole path. Whether it can be read, its user says: it may come later."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-path")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
            raise ValueError
        return value


class HostName(Validator):
    """A name of DNS or an address, without a port."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-host")

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            labels = value.lower().split(".")
            wrong = len(value) > 253 or labels[-1].isdigit()
            if wrong or not all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels):
                raise
            return value.lower()


class Web(Validator):
    """An address of the web that starts with http:// or https://, without the last slash."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-web")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError
        return value.rstrip("/")


class SecureWeb(Validator):
    """An address of the web that starts with https://, as it stands."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-https")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"https://[^\s/?#@]+(/[^\s#]*)?", value):
            raise ValueError
        return value


class SigningKey(Validator):
    """A public Ed25519 key: 32 bytes as base64."""

    def __init__(self) -> None:
        self.expected = Message("config-expected-signing-key")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(base64.b64decode(value, validate=True)) != 32:
            raise ValueError
        return value


def _quantity(text: Any, units: Mapping[str, int]) -> int:
    """Raises ValueError or TypeError."""
    said = re.fullmatch(r"\s*(\d{1,12})\s*([A-Za-z]+)\s*", text)
    if said is None:
        raise ValueError
    unit = next((unit for unit in units if unit.casefold() == said[2].casefold()), None)
    if unit is None:
        raise ValueError
    return int(said[1]) * units[unit]


def choices_of(validator: Any) -> Sequence[str]:
    """What may stand there, where that is a list of names."""
    if isinstance(validator, Validator):
        return validator.choices
    if isinstance(validator, vol.In):
        return [str(choice) for choice in validator.container] if isinstance(validator.container, Iterable) else []
    if isinstance(validator, vol.Any) and all(isinstance(choice, str) for choice in validator.validators):
        return list(validator.validators)
    if isinstance(validator, vol.All):
        return next((choices for part in validator.validators if (choices := choices_of(part))), ())
    return ()
