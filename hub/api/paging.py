"""Pages of lists: `limit` entries, and an opaque `cursor` that holds where the page before ended."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import Meta

from hub.messages import HubError

MOST = 500
T = TypeVar("T")
Limit = Annotated[int, Meta(ge=1, le=MOST, description="of one page")]
Cursor = Annotated[str, Meta(max_length=1000, description="`next` of the page before")]


class Paged(Protocol):
    """A query that asks for a page."""

    limit: Limit
    cursor: Cursor | None


class PageQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of a list; the first one where `cursor` is not given."""

    limit: Limit = MOST
    cursor: Cursor | None = None


def page(
    items: Iterable[T], query: Paged, key: Callable[[T], tuple[Any, ...]], kind: Any = tuple[str, str]
) -> tuple[Sequence[T], str | None]:
    """The entries of the page that was asked for, and where the next one begins: None at the end.

    They are in the order of `key`, which is unique and of the type `kind`: what comes or goes while somebody pages on
    moves nothing else. Raises HubError("field-invalid") for a cursor that this list did not give.
    """
    items = sorted(items, key=key)
    start = 0 if query.cursor is None else bisect_right(items, read_cursor(query.cursor, kind), key=key)
    shown = items[start : start + query.limit]
    more = start + query.limit < len(items)
    return shown, write_cursor(key(shown[-1])) if more else None


def write_cursor(place: tuple[Any, ...]) -> str:
    """A place in a list as the API gives it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_cursor(text: str, kind: Any) -> Any:
    """The place that a cursor names. Raises HubError("field-invalid")."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, UnicodeError, msgspec.DecodeError, ValueError) as error:
        raise HubError("field-invalid", field="cursor", name="cursor") from error
