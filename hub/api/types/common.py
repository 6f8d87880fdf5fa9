"""What the types of several resources share."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Language = Literal["en", "de"]
HardwareId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{3,64}$")]
Icon = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
Channel = Annotated[int, Meta(ge=0, le=15)]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """Base of every request body: an unknown field is an error, so that a typing mistake does not pass silently."""

    def sent(self) -> dict[str, Any]:
        """The fields that came: where only those change."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in given.items() if value is not UNSET}


class Problem(msgspec.Struct):
    """RFC 9457: `code` is stable, `detail` is a sentence in the reader's language, `field` names the place."""

    title: str
    status: int
    code: str
    detail: str
    field: str | UnsetType = UNSET
    type: str = "about:blank"
