"""Message ids with values, and their rendering from the catalogues of each language."""

from typing import Any

import msgspec

LANGUAGES = ("en", "de")


class Message(msgspec.Struct, frozen=True):
    """A sentence that is not rendered yet: its id and its values."""

    id: str
    values: dict[str, Any] = {}


class HubError(Exception):
    """An error that people see. `id` is both the message id and the API's problem code."""

    def __init__(self, id: str, /, field: str | None = None, **values: Any) -> None:
        self.message = Message(id, values)
        self.field = field
        super().__init__(id)

    @property
    def id(self) -> str:
        return self.message.id

    def __str__(self) -> str:
        return render(self.message)


def render(message: Message, language: str = "en") -> str:
    """The sentence in that language (English where the language is not known)."""
    raise NotImplementedError
