"""Problems: every kind of refused value names its field, and every code has a sentence in both languages."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hub.accept import reader_language
from hub.api.errors import STATUS, broken, problem
from hub.api.openapi import IDENTIFIER, document
from hub.api.rest import ROUTES
from hub.api.types.devices import AddDeviceRequest, ChangeDeviceRequest, CommandRequest
from hub.api.types.mqtt import AddMqttClientRequest
from hub.api.types.people import AddUserRequest
from hub.messages import HubError, catalog, invalid
from hub.messages.validation import FORMS, KINDS


@pytest.mark.parametrize(
    ("kind", "body", "code", "field"),
    [
        (AddDeviceRequest, b'{"hardware_id":"plug-5"}', "field-missing", "name"),
        (CommandRequest, b'{"comand":"toggle"}', "field-unknown", "comand"),
        (AddDeviceRequest, b'{"hardware_id":5}', "field-type", "hardware_id"),
        (AddDeviceRequest, b'{"hardware_id":"a b"}', "field-format", "hardware_id"),
        (AddDeviceRequest, b'{"hardware_id":"abc","name":""}', "field-too-short", "name"),
        (AddDeviceRequest, b'{"hardware_id":"abc","name":"' + b"x" * 61 + b'"}', "field-too-long", "name"),
        (AddDeviceRequest, b'{"hardware_id":"abc","name":"x","channels":0}', "field-too-small", "channels"),
        (ChangeDeviceRequest, b'{"max_power_w":25001}', "field-too-large", "max_power_w"),
        (CommandRequest, b'{"command":"explode"}', "field-choice", "command"),
        (CommandRequest, b'{"command":"toggle","channel":1e400}', "field-invalid", "channel"),
        (AddMqttClientRequest, b'{"name":"node-red","read":["a",7]}', "field-type", "read[1]"),
        (CommandRequest, b"[]", "body-wrong", None),
    ],
)
def test_a_refused_value_names_its_field(kind: type, body: bytes, code: str, field: str | None) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=kind)
    error = invalid(caught.value)
    assert (error.id, error.field) == (code, field)
    for language in ("en", "de"):
        detail = problem(error, language).detail
        assert detail.endswith(".")
        assert field is None or field in detail
        assert not re.search(r"[\^$\\`|]|\b(str|int|float|bool|array|regex|NoneType)\b", detail)


def test_every_pattern_and_type_of_the_api_has_words() -> None:
    def walk(node: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(node, dict):
            yield from ((key, value) for key, value in node.items() if isinstance(value, str))
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                yield from walk(part)

    patterns = {value for key, value in walk(document(ROUTES, "1.0.0")) if key == "pattern"} - {IDENTIFIER}
    assert patterns
    assert patterns <= set(FORMS)
    assert {*FORMS.values(), *KINDS.values()} <= catalog().ids()


@pytest.mark.parametrize(
    ("body", "english", "german"),
    [
        (
            b'{"name":"B","email":"bad"}',
            "email does not have the form that is needed: an e-mail address, such as ada@example.org.",
            "email hat nicht die nötige Form: eine E-Mail-Adresse, etwa ada@example.org.",
        ),
        (b'{"name":5}', "name must be text, not a whole number.", "name muss Text sein, nicht eine ganze Zahl."),
        (
            b'{"name":"B","email":"b@c","password":[]}',
            "password must be text, not a list.",
            "password muss Text sein, nicht eine Liste.",
        ),
        (b"[]", "The request must be an object, not a list.", "Die Anfrage muss ein Objekt sein, nicht eine Liste."),
    ],
)
def test_words_for_a_wrong_value(body: bytes, english: str, german: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=AddUserRequest)
    error = invalid(caught.value)
    assert [problem(error, language).detail for language in ("en", "de")] == [english, german]


def test_broken_json_has_line_and_column() -> None:
    body = b'{"name": "x",\n  "room" "y"}'
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(body)
    error = broken(caught.value, body)
    assert error.id == "json-broken"
    assert problem(error, "en").detail == "The request is not valid JSON: line 2, column 10."


def test_every_code_with_a_status_has_a_sentence() -> None:
    assert not set(STATUS) - catalog().ids()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.5,de;q=0.7", "de"),
        ("en;q=0.1,de;q=x", "en"),
        ("*", "en"),
        (";q=;,,", "en"),
    ],
)
def test_reader_language(header: str | None, language: str) -> None:
    assert reader_language(header) == language


def test_a_problem_carries_status_title_and_sentence() -> None:
    answer = problem(HubError("path-unknown"), "de")
    assert (answer.status, answer.title, answer.code) == (404, "Not Found", "path-unknown")
    assert answer.detail == "Unter dieser Adresse gibt es nichts."
    told = msgspec.json.decode(msgspec.json.encode(answer))
    assert told.pop("type") == "about:blank"
    assert told == {"title": "Not Found", "status": 404, "code": "path-unknown", "detail": answer.detail}
    assert msgspec.to_builtins(problem(HubError("name-invalid", field="name", most=60), "en"))["field"] == "name"
