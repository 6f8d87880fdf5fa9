"""Rendering: values, plurals, choices, languages; and what happens where something is missing."""

import logging

import pytest

from hub.messages import HubError, Message, environment_language, render
from hub.messages.catalog import Catalog
from hub.messages.pattern import fill, parse

PLUGS = "{count, plural, =0 {no plug} one {# plug in {room}} other {# plugs in {room}}}"


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog()
    catalog.add(
        {
            "en": {"plugs": PLUGS, "kwh": "{energy} kWh", "list": "One of: {items}", "outer": "Here: {inner}."},
            "de": {"kwh": "{energy} kWh", "outer": "Hier: {inner}."},
        }
    )
    return catalog


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "no plug"), (1, "1 plug in Kitchen"), (2, "2 plugs in Kitchen"), (1.0, "1.0 plugs in Kitchen")],
)
def test_plural(catalog: Catalog, count: float, text: str) -> None:
    assert catalog.render(Message("plugs", {"count": count, "room": "Kitchen"})) == text


def test_select_falls_to_other() -> None:
    nodes = parse("{kind, select, will {gone} other {away}}")
    assert fill(nodes, {"kind": "will"}, "en") == "gone"
    assert fill(nodes, {"kind": "silence"}, "en") == "away"


def test_quoted_braces_and_apostrophes() -> None:
    assert fill(parse("the plug's '{\"a\":1}' and # here"), {}, "en") == 'the plug\'s {"a":1} and # here'


@pytest.mark.parametrize(
    "sentence",
    [
        "{",
        "a }",
        "{name",
        "{a b}",
        "{n, plural, one {x}}",
        "{n, plural, one {x} one {y} other {z}}",
        "{n, date, x}",
        "{n, plural, other {x}",
        "{n, plural, {x} other {y}}",
        "'{ open",
    ],
)
def test_broken_sentences_are_refused(sentence: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(sentence)


def test_decimal_comma(catalog: Catalog) -> None:
    assert catalog.render(Message("kwh", {"energy": 0.64}), "en") == "0.64 kWh"
    assert catalog.render(Message("kwh", {"energy": 0.64}), "de") == "0,64 kWh"


def test_values_may_be_lists_and_messages(catalog: Catalog) -> None:
    assert catalog.render(Message("list", {"items": ["a", Message("kwh", {"energy": 2})]})) == "One of: a, 2 kWh"
    assert catalog.render(Message("outer", {"inner": Message("kwh", {"energy": 0.5})}), "de") == "Hier: 0,5 kWh."


def test_values_are_not_read_as_patterns(catalog: Catalog) -> None:
    assert catalog.render(Message("outer", {"inner": "{energy} # '{'"})) == "Here: {energy} # '{'."


def test_english_where_a_language_is_missing(catalog: Catalog) -> None:
    assert catalog.render(Message("list", {"items": []}), "de") == "One of: "
    assert catalog.render(Message("list", {"items": []}), "fr") == "One of: "


def test_missing_id_and_value_show_the_id_and_are_logged(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "hub.messages"):
        assert catalog.render(Message("nobody-wrote-this", {"port": 1})) == "nobody-wrote-this (port=1)"
        assert catalog.render(Message("kwh", {})) == "kwh"
    assert len(caplog.records) == 2


def test_a_later_part_cannot_change_a_sentence(catalog: Catalog) -> None:
    catalog.add({"en": {"kwh": "taken over"}, "de": {}})
    assert catalog.render(Message("kwh", {"energy": 1})) == "1 kWh"


def test_hub_error_reads_as_its_sentence() -> None:
    error = HubError("config-plugin-unknown", field="integrations", name="foo")
    assert error.id == "config-plugin-unknown"
    assert error.field == "integrations"
    assert "foo" in str(error)
    assert render(error.message, "de") != str(error)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "de_DE", "LC_ALL": "en_GB"}, "en"),
        ({"LC_MESSAGES": "de_CH", "LANG": "C"}, "de"),
        ({"LANG": "fr_FR"}, "en"),
    ],
)
def test_environment_language(environment: dict[str, str], language: str) -> None:
    assert environment_language(environment) == language
