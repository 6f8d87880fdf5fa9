"""Where a passkey can be: it belongs to a name of the hub over HTTPS. For an address no browser makes one."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from hub.auth.certificates.names import LABEL, LOCALHOST
from hub.messages import HubError


class Place(msgspec.Struct, frozen=True):
    """origin: what a browser calls the page's, "https://plughub.local:8443"; name: its host, WebAuthn's rp id."""

    origin: str
    name: str


def place_of(origin: str, known: Iterable[str]) -> Place:
    """The place that a page of this origin is at. known: the hub's own names, "*.example.org" for any below.

    Raises HubError("passkey-needs-name", "passkey-needs-https", "passkey-name-unknown").
    """
    try:
        parts = urlsplit(origin)
        name = (parts.hostname or "").lower()
    except ValueError:  # half an IPv6 address
        raise HubError("passkey-needs-name") from None
    if not is_name(name):
        raise HubError("passkey-needs-name")
    if parts.scheme != "https" and name != LOCALHOST:
        raise HubError("passkey-needs-https")  # of localhost browsers do not ask it: it does not leave the machine
    above = "*." + name.partition(".")[2]
    if not any(own in (name, above) for own in known):
        raise HubError("passkey-name-unknown", name=name)
    return Place(origin, name)


def is_name(host: str) -> bool:
    """One that browsers make passkeys for: with a point in it, and no address."""
    labels = host.split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return False
    return len(labels) > 1 or host == LOCALHOST
