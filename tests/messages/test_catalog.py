"""The catalogue is complete in every language, and nothing for people bypasses it."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.messages import LANGUAGES
from hub.messages.pattern import names, parse
from tests.messages.sentence_finder import ID, given_values, sentences, used_ids

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("hub", "integrations") for path in (ROOT / folder).rglob("*.py") if "sentences" not in str(path)
)


def parts() -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """(file, EN, DE) of every catalogue of the hub and of the shipped plugins."""
    package = importlib.import_module("hub.messages.sentences")
    modules = [f"hub.messages.sentences.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    modules += [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "integrations").rglob("sentences.py"))
    ]
    for name in modules:
        module = importlib.import_module(name)
        yield name, module.EN, module.DE


PARTS = list(parts())
ENGLISH = {id: sentence for _, english, _ in PARTS for id, sentence in english.items()}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[0])
def test_languages_agree(part: tuple[str, dict[str, str], dict[str, str]]) -> None:
    _, english, german = part
    assert set(LANGUAGES) == {"en", "de"}
    assert set(english) == set(german)
    for id, sentence in english.items():
        assert ID.fullmatch(id), f"{id} is not kebab-case"
        assert set(names(parse(sentence))) == set(names(parse(german[id]))), f"{id}: other values in German"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[0])
def test_tone(part: tuple[str, dict[str, str], dict[str, str]]) -> None:
    _, english, german = part
    for id, sentence in english.items():
        assert not re.search(r"!(?=\s|$)|\b(please|successfully)\b", sentence, re.IGNORECASE), f"{id}: {sentence}"
    for id, sentence in german.items():
        assert not re.search(r"!(?=\s|$)|\b(bitte|erfolgreich)\b|(?<=[a-zäöüß,] )(Sie|Ihre?[nmrs]?)\b", sentence), (
            f"{id}: {sentence}"
        )


def test_no_id_is_in_two_parts() -> None:
    seen: dict[str, str] = {}
    for name, english, _ in PARTS:
        for id in english:
            assert id not in seen, f"{id} is in {seen[id]} and in {name}"
            seen[id] = name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_used_id_has_a_sentence_and_its_values(path: Path) -> None:
    tree = ast.parse(path.read_text())
    missing = [f"{path.name}:{line} {id}" for line, id in used_ids(tree) if id not in ENGLISH]
    assert not missing
    for (line, id), given in given_values(tree):
        needed = set(names(parse(ENGLISH[id])))
        assert needed <= given, f"{path.name}:{line}: {id} needs {sorted(needed - given)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_bypasses_the_catalogue(path: Path) -> None:
    found = [f"{path.name}:{line} {text}" for line, text in sentences(ast.parse(path.read_text()))]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        'print("The hub is ready.")',
        'print(f"ready at {url}")',
        'print("ready at %s" % url)',
        'print("Port {} in use".format(port))',
        'print(name, "was removed from here")',
        'sys.stdout.write("The hub is ready.\\n")',
        'sys.exit("no such file")',
        'parser.error("give a name")',
        'raise HubError("Port in use")',
        'raise HubError(f"port-{port}")',
        'raise web.HTTPBadRequest(text="This is not JSON")',
        'return web.json_response(text=f"unknown device {id}")',
        'Problem(title="x", status=4, code="a", detail="The device is unknown")',
        'parser.add_argument("--data", help="folder of the data")',
        'HubError("good-id" if x else "Bad sentence here")',
    ],
)
def test_finder_finds(code: str) -> None:
    assert list(sentences(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "print(render(message, language))",
        'print(say("hub-ready", url=url))',
        'print(f"{name:<20} {secret}")',
        'print(json.dumps({"a b c": 1}))',
        'raise HubError("port-in-use", port=port)',
        'raise HubError("unknown" if x else "port-in-use")',
        "raise HubError(message.id, **message.values)",
        'log.warning("the port %s is in use", port)',
        'file.write("some text here")',
        'parser.add_argument("--data", help=say("cli-data"))',
    ],
)
def test_finder_lets_pass(code: str) -> None:
    assert not list(sentences(ast.parse(code)))
