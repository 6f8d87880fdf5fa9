"""Reads configuration files into plain values with places; `!secret`, `!include` and `!env`; collects every mistake."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec
import yaml

from hub.config.place import Document, Path, Place, Problem
from hub.config.syntax import TAG, Composing, resolve, scalar, syntax_problem
from hub.messages import Message

BROKEN: Any = type("Broken", (), {"__repr__": lambda _: "BROKEN"})()
"""Stands where a value could not be read."""

LARGEST_FILE = 1_000_000  # bytes
MOST_VALUES = 50_000  # in all files together, so that aliases of aliases cannot fill the memory
SECRETS_FILE = "secrets.yaml"
SECRET_KEYS = frozenset({"password", "token", "secret", "api_key", "access_token", "private_key"})
TAGS = ("!secret", "!include", "!env")
KNOWN_TAGS = frozenset(TAG + kind for kind in ("str", "null", "bool", "int", "float", "map", "seq"))


class ConfigurationReader:
    """Reads one configuration folder. `problems` grows with every mistake found."""

    def __init__(self, folder: FilePath, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._folder = folder
        self._environment = environment
        self._document = Document(None, {}, {}, set(), set(), set())
        self._files: list[str] = []  # being read, outermost first
        self._active: set[int] = set()  # nodes being built, to see an alias inside its own anchor
        self._count = 0
        self._secrets: dict[str, yaml.Node] | None = None
        self._secrets_broken = False

    def read(self, name: str) -> Document:
        """The document in this file and all that it includes; an empty file is an empty section."""
        self._document.values[()] = Place(name, 1, 1)
        value = self._file(name, ())
        self._document.value = {} if value is None else value
        return self._document

    def _file(self, name: str, path: Path) -> Any:
        node = self._compose(name, path)
        if node is BROKEN or node is None:
            return node
        self._files.append(name)
        try:
            return self._build(node, path)
        finally:
            self._files.pop()

    def _compose(self, name: str, path: Path) -> Any:
        """The root node; None for an empty file, BROKEN when it cannot be read."""
        text = self._text(name, path)
        if text is BROKEN:
            return BROKEN
        try:
            return Composing(text).get_single_node()
        except yaml.YAMLError as error:
            return self._broken(path, syntax_problem(error, name, text))
        except RecursionError:
            return self._broken(path, Problem(Place(name, 1, 1), Message("yaml-too-deep")))

    def _text(self, name: str, path: Path) -> Any:
        place = Place(name, 1, 1)
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
        except OSError as error:
            detail = error.strerror or type(error).__name__
            return self._broken(path, Problem(place, Message("config-file-unreadable", {"detail": detail})))
        if len(data) > LARGEST_FILE:
            return self._broken(path, Problem(place, Message("config-file-large", {"limit": LARGEST_FILE})))
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            place = Place(name, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
            return self._broken(path, Problem(place, Message("config-file-not-utf8")))

    def _build(self, node: yaml.Node, path: Path) -> Any:
        place = self._place(node)
        self._document.values[path] = place
        self._count += 1
        if self._count > MOST_VALUES:
            if self._count == MOST_VALUES + 1:
                self._report(path, place, "config-too-many-values", limit=MOST_VALUES)
            return self._broken(path)
        if id(node) in self._active:
            return self._broken(path, Problem(place, Message("yaml-alias-of-itself")))
        self._active.add(id(node))
        try:
            return self._value(node, path, place)
        except RecursionError:
            return self._broken(path, Problem(place, Message("yaml-too-deep")))
        finally:
            self._active.discard(id(node))

    def _value(self, node: yaml.Node, path: Path, place: Place) -> Any:
        if node.tag in KNOWN_TAGS:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self._build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path, place)
        if node.tag not in TAGS:
            hint = did_you_mean(node.tag, TAGS)
            problem = Problem(
                place,
                Message("yaml-tag-unknown", {"tag": node.tag}),
                Message("config-expected-choice", {"choices": TAGS}),
                hint,
            )
            return self._broken(path, problem)
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            return self._broken(path, Problem(place, Message("yaml-tag-empty", {"tag": node.tag})))
        text = node.value.strip()
        if node.tag == "!secret":
            return self._secret(text, path, place)
        if node.tag == "!env":
            return self._env(text, path, place)
        return self._include(text, path, place)

    def _scalar(self, node: yaml.Node, path: Path, place: Place) -> Any:
        try:
            value = scalar(node.tag, node.value)
        except (ValueError, KeyError):
            problem = Problem(place, Message("yaml-tag-value", {"tag": "!!" + node.tag.removeprefix(TAG)}))
            return self._broken(path, problem)
        if path and path[-1] in SECRET_KEYS:
            self._hide(value, path)
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Any:
        section: dict[str | int, Any] = {}
        merged: list[yaml.Node] = []
        first: dict[str | int, Place] = {}
        for key_node, value_node in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.value == "<<" and key_node.style is None:
                merged.append(value_node)
                continue
            place = self._place(key_node)
            key = scalar(key_node.tag, key_node.value) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                self._report(path, place, "yaml-key")
                continue
            if key in first:
                self._report((*path, key), place, "yaml-key-twice", key=key, line=first[key].line)
                continue
            first[key] = place
            self._document.keys[(*path, key)] = place
            section[key] = self._build(value_node, (*path, key))
        for value_node in merged:
            self._merge(value_node, path, section)
        return section

    def _merge(self, node: yaml.Node, path: Path, section: dict[str | int, Any]) -> None:
        """`<<: *anchor`: what the section does not say itself. A list of anchors: the first that says it."""
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._merge(item, path, section)
            return
        if not isinstance(node, yaml.MappingNode):
            self._report(path, self._place(node), "yaml-merge")
            return
        if id(node) in self._active:
            self._report(path, self._place(node), "yaml-alias-of-itself")
            return
        self._active.add(id(node))
        own = {str(key) for key in section}
        pairs = [pair for pair in node.value if str(pair[0].value) not in own]
        section.update(self._mapping(yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark), path))
        self._active.discard(id(node))

    def _secret(self, name: str, path: Path, place: Place) -> Any:
        if self._secrets is None:
            self._secrets = self._read_secrets()
        if self._secrets_broken:
            return self._broken(path)
        node = self._secrets.get(name)
        if node is None:
            message = Message("config-secret-unknown", {"name": name, "file": SECRETS_FILE})
            return self._broken(path, Problem(place, message, hint=did_you_mean(name, self._secrets)))
        if not isinstance(node, yaml.ScalarNode) or node.tag not in KNOWN_TAGS:
            message = Message("config-secret-not-plain", {"name": name, "file": SECRETS_FILE})
            return self._broken(path, Problem(place, message))
        value = scalar(node.tag, node.value)
        self._hide(value, path)
        return value

    def _read_secrets(self) -> dict[str, yaml.Node]:
        if not (self._folder / SECRETS_FILE).exists():
            return {}
        root = self._compose(SECRETS_FILE, ("", SECRETS_FILE))  # no section of the configuration has that path
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode):
            self._secrets_broken = True
            if root is not BROKEN:
                self._report((), Place(SECRETS_FILE, 1, 1), "config-secrets-not-section", file=SECRETS_FILE)
            return {}
        secrets: dict[str, yaml.Node] = {}
        for key, value in root.value:
            if not isinstance(key, yaml.ScalarNode):
                place = Place(SECRETS_FILE, key.start_mark.line + 1, key.start_mark.column + 1)
                self._report((), place, "yaml-key")
                continue
            if key.value in secrets:
                place = Place(SECRETS_FILE, key.start_mark.line + 1, key.start_mark.column + 1)
                line = secrets[key.value].start_mark.line + 1
                self._report((), place, "yaml-key-twice", key=key.value, line=line)
                continue
            secrets[key.value] = value
        return secrets

    def _env(self, text: str, path: Path, place: Place) -> Any:
        name, *default = text.split(maxsplit=1)
        if name in self._environment:
            value = resolve(self._environment[name])
        elif default:
            value = resolve(default[0])
        else:
            return self._broken(path, Problem(place, Message("config-env-missing", {"name": name})))
        if path and path[-1] in SECRET_KEYS:
            self._hide(value, path)
        return value

    def _include(self, text: str, path: Path, place: Place) -> Any:
        root = self._folder.resolve()
        target = (self._folder / FilePath(self._files[-1]).parent / text).resolve()
        if not target.is_relative_to(root) or FilePath(text).is_absolute():
            return self._broken(path, Problem(place, Message("config-include-outside", {"file": text})))
        name = target.relative_to(root).as_posix()
        if name in self._files:
            chain = " → ".join([*self._files[self._files.index(name) :], name])
            return self._broken(path, Problem(place, Message("config-include-circle", {"chain": chain})))
        if not target.is_file():
            near = (other.name for other in target.parent.glob("*.yaml"))
            hint = did_you_mean(target.name, near)
            return self._broken(path, Problem(place, Message("config-include-missing", {"file": name}), hint=hint))
        return self._file(name, path)

    def _hide(self, value: Any, path: Path) -> None:
        self._document.hidden.add(path)
        if value is not None and not isinstance(value, bool):
            self._document.secrets.add(str(value))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._files[-1], node.start_mark.line + 1, node.start_mark.column + 1)

    def _report(self, path: Path, place: Place, id: str, **values: Any) -> None:
        self._add(path, Problem(place, Message(id, values)))

    def _broken(self, path: Path, problem: Problem | None = None) -> Any:
        self._document.broken.add(path)
        if problem is not None:
            self._add(path, problem)
        return BROKEN

    def _add(self, path: Path, problem: Problem) -> None:
        plugin = str(path[1]) if len(path) > 1 and path[0] == "integrations" else None
        self.problems.append(msgspec.structs.replace(problem, plugin=plugin))


def did_you_mean(name: str, known: Iterable[str]) -> Message | None:
    """The hint with the nearest known name, if one is near."""
    near = {other.casefold(): other for other in known}
    found = difflib.get_close_matches(name.casefold(), near, n=1, cutoff=0.6)
    return Message("config-did-you-mean", {"name": near[found[0]]}) if found else None
