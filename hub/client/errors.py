"""What calls of a hub raise, and what of a call is looked at before anything is asked."""

from collections.abc import Sequence
from urllib.parse import quote

from yarl import URL

UNREADABLE = "answer-unreadable"
"""The code where what answers speaks no API of a hub: a proxy's page, another program, a wrong address."""


class ApiError(Exception):
    """The hub refused. code: stable id, detail: a sentence in the language asked for, field: the place if any.

    The code "answer-unreadable" is the client's own: something else than a hub answered.
    """

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field


class HubUnreachable(Exception):
    """Nothing answers at this address, or the answer was cut off."""


class AddressInvalid(HubUnreachable):
    """No address of a hub: nothing was asked."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address!r} is no address of a hub: it needs the form http://HOST:PORT or https://HOST:PORT")
        self.address = address


class KeyInvalid(ValueError):
    """No key that a hub gives: it has characters that stand in none. Nothing was asked."""


class IdInvalid(ValueError):
    """No id or name that the hub gives: it would make another address of the call, or none. Nothing was asked."""

    def __init__(self, id: str) -> None:
        super().__init__(f"{id!r} is no id")
        self.id = id


def require_address(address: str) -> str:
    """The address without a slash at its end. Raises AddressInvalid."""
    try:
        url = URL(address)
        whole = url.scheme in ("http", "https") and bool(url.host) and not (url.query_string or url.fragment)
    except ValueError as error:
        raise AddressInvalid(address) from error
    if not whole:
        raise AddressInvalid(address)
    return address.rstrip("/")


def require_key(key: str) -> str:
    """The key without blanks and line ends around it, which a file has. Raises KeyInvalid."""
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise KeyInvalid("the key has characters that no key has")
    return key


def path_of(*parts: str) -> str:
    """The path of these parts below /api/v1, each quoted, so that none leads to another resource.

    Raises IdInvalid for an empty part, "." and "..", which no quoting keeps a URL from resolving, and for what is no
    text in UTF-8.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise IdInvalid(part)
        require_text(part)
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def require_query(query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same query. Raises IdInvalid for a value that is no text in UTF-8."""
    for _, value in query:
        require_text(value)
    return list(query)


def require_text(text: str) -> None:
    """Raises IdInvalid for half a character, as a command line makes of bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise IdInvalid(text) from error
