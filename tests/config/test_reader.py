"""YAML 1.2, places, tags, and every way in which a file can be broken."""

from pathlib import Path

import pytest

from hub.config import load_configuration
from hub.config.reader import ConfigurationReader
from tests.config.conftest import Load, lines, places


def read(folder: Path, text: str, environment: dict[str, str] | None = None) -> object:
    (folder / "configuration.yaml").write_text(text)
    reader = ConfigurationReader(folder, environment or {})
    value = reader.read("configuration.yaml").value
    assert reader.problems == []
    return value


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("False", False),
        ("on", "on"),
        ("No", "No"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("null", None),
        ("'true'", "true"),
        ('"7"', "7"),
        ("!!str 7", "7"),
        ("!!int '7'", 7),
    ],
)
def test_scalars_of_yaml_1_2(tmp_path: Path, scalar: str, value: object) -> None:
    read_value = read(tmp_path, f"a: {scalar}\n")
    assert read_value == {"a": value}
    assert type(read_value["a"]) is type(value)  # type: ignore[index]


def test_anchors_and_merges(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nuse:\n  <<: [*base, *more]\n  a: 9\nsame: *base\n"
    value = read(tmp_path, text)
    assert value["use"] == {"a": 9, "b": 2, "c": 4}  # type: ignore[index]
    assert value["same"] == {"a": 1, "b": 2}  # type: ignore[index]


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "configuration.yaml").write_bytes(b"\xef\xbb\xbfhome:\r\n  nme: x\r\n")
    assert places(load_configuration(tmp_path)) == [("configuration.yaml:2:3", "config-key-unknown")]


@pytest.mark.parametrize(
    ("text", "place", "id"),
    [
        ("home:\n\tname: x\n", "2:1", "yaml-tab"),
        ("home:\n  name: @x\n", "2:9", "yaml-character"),
        ("home:\n  name: a: b\n", "2:10", "yaml-colon"),
        ("home:\n  name\n  currency: EUR\n", "3:11", "yaml-colon"),
        ("home: {}\nnetwork\nhub: {}\n", "2:1", "yaml-colon-missing"),
        ("home: [\n", "2:1", "yaml-ends"),
        ("home: [a, , b]\n", "1:11", "yaml-value-missing"),
        ("home:\n  name: x\n currency: EUR\n", "3:2", "yaml-indentation"),
        ('home:\n  name: "x\n  currency: EUR\n', "2:9", "yaml-quote-open"),
        ("network:\n  trusted_proxies: [a, b\n", "2:20", "yaml-bracket-open"),
        ("home: {name: x\nnetwork: {}\n", "1:7", "yaml-bracket-open"),
        ("home: *nobody\n", "1:7", "yaml-alias"),
        ("home: {}\n---\nhome: {}\n", "2:1", "yaml-documents"),
        ('home:\n  name: "C:\\data"\n', "2:13", "yaml-escape"),
        ("home:\n  name: a\x07b\n", "2:10", "yaml-control-character"),
        ("home:\n  name: {{ name }}\n", "2:10", "yaml-key"),
        ("home:\n  name: x\n  name: y\n", "3:3", "yaml-key-twice"),
        ("? [a, b]\n: 1\n", "1:3", "yaml-key"),
        ("true: 1\n", "1:1", "yaml-key"),
        ("home: &a\n  name: *a\n", "1:7", "yaml-alias-of-itself"),
        ("home:\n  <<: 3\n", "2:7", "yaml-merge"),
        ("home:\n  name: !scret x\n", "2:9", "yaml-tag-unknown"),
        ("home:\n  name: !!python/name:os.system x\n", "2:9", "yaml-tag-unknown"),
        ("home:\n  name: !secret\n", "2:9", "yaml-tag-empty"),
        ("home:\n  name: !include [a]\n", "2:9", "yaml-tag-empty"),
        ("home:\n  name: !!int x\n", "2:9", "yaml-tag-value"),
        ("home:\n  name: !!bool yes\n", "2:9", "yaml-tag-value"),
    ],
)
def test_broken_yaml(load: Load, text: str, place: str, id: str) -> None:
    loaded = load(text)
    assert (f"configuration.yaml:{place}", id) in places(loaded)
    assert "yaml-syntax" not in [id for _, id in places(loaded)]


def test_second_key_names_the_line_of_the_first(load: Load) -> None:
    assert lines(load("home:\n  name: x\n\n  name: y\n")) == [
        "configuration.yaml:4:3: “name” is there twice; first in line 2."
    ]


def test_what_no_sentence_foresaw_is_said_in_yamls_words(load: Load) -> None:
    assert places(load("%YAML 9.1\n---\na: 1\n")) == [("configuration.yaml:1:1", "yaml-syntax")]


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "configuration.yaml").write_bytes("home:\n  name: Küche\n".encode("latin-1"))
    assert places(load_configuration(tmp_path)) == [("configuration.yaml:2:10", "config-file-not-utf8")]


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "configuration.yaml").mkdir()
    assert places(load_configuration(tmp_path)) == [("configuration.yaml:1:1", "config-file-unreadable")]


def test_too_large(load: Load) -> None:
    assert places(load("#" * 1_000_001)) == [("configuration.yaml:1:1", "config-file-large")]


def test_too_deep(load: Load) -> None:
    assert places(load("a: " + "[" * 5000 + "]" * 5000)) == [("configuration.yaml:1:1", "yaml-too-deep")]


def test_aliases_cannot_fill_the_memory(load: Load) -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n"
    assert [id for _, id in places(load(text))].count("config-too-many-values") == 1


# !secret


def test_secret(load: Load) -> None:
    loaded = load("home:\n  name: !secret who\n", files={"secrets.yaml": "who: Elm Street\nunused: 1\n"})
    assert loaded.configuration().home.name == "Elm Street"
    assert loaded.secrets == {"Elm Street"}


def test_secret_unknown_is_the_only_mistake(load: Load) -> None:
    loaded = load("home:\n  name: !secret wo\n", files={"secrets.yaml": "who: x\n"})
    assert lines(loaded) == ["configuration.yaml:2:9: There is no “wo” in secrets.yaml. Did you mean “who”?"]


def test_secrets_file_missing(load: Load) -> None:
    assert places(load("home:\n  name: !secret who\n")) == [("configuration.yaml:2:9", "config-secret-unknown")]


@pytest.mark.parametrize(
    ("secrets", "place", "id"),
    [
        ("who: [\n", "secrets.yaml:2:1", "yaml-ends"),
        ("- who\n", "secrets.yaml:1:1", "config-secrets-not-section"),
        ("who: x\nwho: y\n", "secrets.yaml:2:1", "yaml-key-twice"),
        ("who: {a: 1}\n", "configuration.yaml:2:9", "config-secret-not-plain"),
        ("who: x\n[a]: y\n", "secrets.yaml:2:1", "yaml-key"),
    ],
)
def test_broken_secrets_are_said_once(load: Load, secrets: str, place: str, id: str) -> None:
    text = "home:\n  name: !secret who\n"
    assert places(load(text, files={"secrets.yaml": secrets})) == [(place, id)]


def test_the_value_of_a_secret_is_not_shown(load: Load) -> None:
    loaded = load("network:\n  http_port: !secret port\n", files={"secrets.yaml": "port: hunter2hunter2\n"})
    assert places(loaded) == [("configuration.yaml:2:14", "config-value-wrong-hidden")]
    assert "hunter2" not in "".join(lines(loaded))


def test_hints_do_not_show_it_either(load: Load) -> None:
    loaded = load("home:\n  name: !secret pin\n", files={"secrets.yaml": "pin: 271828\n"})
    assert lines(loaded) == [
        "configuration.yaml:2:9: The value of “name” is not possible. It takes text. Put it in quotes to make it text."
    ]


# !env


def test_env(load: Load) -> None:
    loaded = load(
        "network: {http_port: !env WEB 8080, mqtt: {port: !env MQTT 1883}}\nhome:\n  name: !env NAME Elm Street\n",
        environment={"WEB": "9090"},
    )
    configuration = loaded.configuration()
    assert configuration.network.http_port == 9090
    assert configuration.network.mqtt.port == 1883
    assert configuration.home.name == "Elm Street"


def test_env_missing(load: Load) -> None:
    assert places(load("home:\n  name: !env NOBODY\n")) == [("configuration.yaml:2:9", "config-env-missing")]


# !include


def test_include_keeps_the_places_of_its_own_file(load: Load) -> None:
    files = {"parts/network.yaml": "# first line\nmqtt: !include mqtt.yaml\n", "parts/mqtt.yaml": "port: 1\nhst: x\n"}
    loaded = load("network: !include parts/network.yaml\n", files=files)
    assert places(loaded) == [("parts/mqtt.yaml:2:1", "config-key-unknown")]


def test_include_of_an_empty_file_is_an_empty_section(load: Load) -> None:
    loaded = load("network: !include n.yaml\n", files={"n.yaml": "# none\n"})
    assert loaded.configuration().network.http_port == 8080


def test_every_broken_include_is_said(load: Load) -> None:
    files = {"a.yaml": "name: [x\n", "b.yaml": "mdns: 'x\n"}
    loaded = load("home: !include a.yaml\nnetwork: !include b.yaml\nhub: {nam: x}\n", files=files)
    assert places(loaded) == [
        ("a.yaml:1:7", "yaml-bracket-open"),
        ("b.yaml:1:7", "yaml-quote-open"),
        ("configuration.yaml:3:7", "config-key-unknown"),
    ]


def test_include_in_a_circle(load: Load) -> None:
    files = {"a.yaml": "name: !include b.yaml\n", "b.yaml": "!include a.yaml\n"}
    assert lines(load("home: !include a.yaml\n", files=files)) == [
        "b.yaml:1:1: These files include one another: a.yaml → b.yaml → a.yaml."
    ]


@pytest.mark.parametrize("target", ["../outside.yaml", "/etc/hostname", "link.yaml", "parts/../../outside.yaml"])
def test_include_does_not_leave_the_folder(load: Load, tmp_path: Path, target: str) -> None:
    (tmp_path.parent / "outside.yaml").write_text("name: x\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path.parent / "outside.yaml")
    assert places(load(f"home: !include {target}\n")) == [("configuration.yaml:1:7", "config-include-outside")]


def test_include_missing(load: Load) -> None:
    loaded = load("home: !include homes.yaml\n", files={"home.yaml": "name: x\n"})
    assert lines(loaded) == ["configuration.yaml:1:7: There is no file homes.yaml. Did you mean “home.yaml”?"]
