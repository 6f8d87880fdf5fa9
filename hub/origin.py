"""Whether a request comes from the hub's own pages or a program, or from a browser that another website misuses."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_own_origin(headers: Mapping[str, str], host: str) -> bool:
    """Browsers name the origin in each POST and in each WebSocket handshake; programs that send none have no cookies
    that somebody else could use. `headers`: of any case; host: as what the hub was asked, or its proxy."""
    origin = headers.get("Origin")
    try:
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return False
    return not foreign and headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
