"""Message ids with values, and their rendering from the catalogues of each language."""

import importlib
import logging
import os
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from hub.messages.pattern import MissingValueError, Node, fill, parse

LANGUAGES = ("en", "de")

log = logging.getLogger("hub.messages")


class Message(msgspec.Struct, frozen=True):
    """A sentence that is not rendered yet: its id and its values. A value may be a Message or a list of values."""

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


class Catalog:
    """The sentences of every language by id, each parsed once, when it is first needed."""

    def __init__(self) -> None:
        self._sentences: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        self._parsed: dict[tuple[str, str], tuple[Node, ...]] = {}

    def add(self, sentences: Mapping[str, Mapping[str, str]]) -> None:
        """Take in `{"en": {id: sentence}, "de": {...}}`; an id that is there already keeps its sentence."""
        for language in LANGUAGES:
            for id, sentence in sentences.get(language, {}).items():
                self._sentences[language].setdefault(id, sentence)

    def ids(self) -> frozenset[str]:
        """Every id that has an English sentence."""
        return frozenset(self._sentences["en"])

    def render(self, message: Message, language: str = "en") -> str:
        """The sentence in that language; English where it has none; the id with its values where nobody has one."""
        if language not in LANGUAGES:
            language = "en"
        nodes = self._nodes(message.id, language)
        if nodes is None:
            log.error("no sentence for the message id %r", message.id)
            return _bare(message)
        values = {name: self._plain(value, language) for name, value in message.values.items()}
        try:
            return fill(nodes, values, language)
        except MissingValueError as error:
            log.error("message %r needs the value %r", message.id, error.name)
            return _bare(message)

    def _nodes(self, id: str, language: str) -> tuple[Node, ...] | None:
        known = self._parsed.get((language, id))
        if known is not None:
            return known
        sentence = self._sentences[language].get(id, self._sentences["en"].get(id))
        if sentence is None:
            return None
        try:
            nodes = parse(sentence)
        except ValueError as error:
            log.error("the sentence of message %r (%s) cannot be read: %s", id, language, error)
            nodes = (sentence,)
        return self._parsed.setdefault((language, id), nodes)

    def _plain(self, value: Any, language: str) -> Any:
        if isinstance(value, Message):
            return self.render(value, language)
        if isinstance(value, (list, tuple, set, frozenset)):
            return ", ".join(str(self._plain(item, language)) for item in value)
        return value


def _bare(message: Message) -> str:
    if not message.values:
        return message.id
    return f"{message.id} ({', '.join(f'{name}={value}' for name, value in message.values.items())})"


@cache
def catalog() -> Catalog:
    """The process's catalogue: what stands in hub/messages/sentences, to which plugins add their own."""
    sentences = importlib.import_module("hub.messages.sentences")
    loaded = Catalog()
    for module in pkgutil.iter_modules(sentences.__path__):
        part = importlib.import_module(f"hub.messages.sentences.{module.name}")
        loaded.add({"en": part.EN, "de": part.DE})
    return loaded


def render(message: Message, language: str = "en") -> str:
    """The sentence in that language (English where the language is not known). Never raises."""
    return catalog().render(message, language)


def environment_language(environment: Mapping[str, str] = os.environ) -> str:
    """The language of whoever typed a command, from LC_ALL, LC_MESSAGES or LANG: "en" or "de"."""
    return _first_known(environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))


def _first_known(locales: Iterable[str]) -> str:
    locale = next((locale for locale in locales if locale), "")
    return locale[:2].lower() if locale[:2].lower() in LANGUAGES else "en"
