"""A stored thing as the API shows it: what both call the same, and what only the answer has."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def as_shown(stored: msgspec.Struct, kind: type[T], **more: Any) -> T:
    """The answer of this kind; a field that stands in `more` is taken from there."""
    same = {name: getattr(stored, name) for name in kind.__struct_fields__ if hasattr(stored, name)}
    return msgspec.convert({**same, **more}, kind)
