"""The signed notice: what is believed, and what is not."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.messages import HubError
from hub.updates import opened, sealed
from hub.versions import is_newer
from tests.updates.parts import notice, public

KEY, NEXT, FOREIGN = (Ed25519PrivateKey.generate() for _ in range(3))


def refusal(document: bytes, *keys: Ed25519PrivateKey) -> str:
    with pytest.raises(HubError) as raised:
        opened(document, [public(key) for key in keys or (KEY,)])
    assert str(raised.value) != raised.value.id, "it has a sentence"
    return raised.value.id


def signed(text: str | bytes, purpose: bytes = b"plughub release notice 1\n") -> bytes:
    """A document with a right signature over whatever it is."""
    text = text.encode() if isinstance(text, str) else text
    signature = base64.b64encode(KEY.sign(purpose + text)).decode()
    return json.dumps({"notice": text.decode(), "signatures": [signature]}).encode()


def test_what_was_sealed_is_opened() -> None:
    said = notice(secure_from="1.3.2")
    assert opened(sealed(said, [KEY]), [public(KEY)]) == said
    assert opened(sealed(notice(), [KEY]), [public(KEY)]).secure_from is None


def test_while_keys_change_either_will_do() -> None:
    document = sealed(notice(), [KEY, NEXT])
    for known in ([KEY], [NEXT], [FOREIGN, NEXT]):
        assert opened(document, [public(key) for key in known]) == notice()
    assert refusal(document, FOREIGN) == "updates-signature-wrong"


def test_who_changes_a_letter_is_not_believed() -> None:
    document = sealed(notice(), [KEY])
    assert refusal(document.replace(b"1.4.0", b"1.3.0")) == "updates-signature-wrong"
    body: dict[str, Any] = json.loads(document)
    for signature in ("", "AAAA", "not base64!", body["signatures"][0][:-4] + "AAA="):
        assert refusal(json.dumps(body | {"signatures": [signature]}).encode()) == "updates-signature-wrong"
    assert refusal(signed(body["notice"], purpose=b"")) == "updates-signature-wrong"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>Wi-Fi of the hotel</html>",
        b"[]",
        b'{"notice":"{}","signatures":[]}',
        b'{"notice":1,"signatures":["AA=="]}',
        b'{"notice":"\xff","signatures":["AA=="]}',
        b'{"notice":"{}","signatures":' + b"[" * 5000,
        b'{"notice":"{}","signatures":["' + b'","'.join([b"A"] * 9) + b'"]}',
    ],
    ids=lambda document: str(document[:20]),
)
def test_garbage(document: bytes) -> None:
    assert refusal(document) == "updates-unreadable"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "1.4"),
        ("version", "1.4.0-rc.1"),
        ("version", "9999999.0.0"),
        ("secure_from", "all"),
        ("notes", "http://releases.example/"),
        ("notes", "javascript:alert(1)"),
        ("notes", "https://" + "a" * 500),
        ("issued", "2026-11-30T12:00:00"),
        ("issued", 1764504000),
        ("expires", None),
    ],
)
def test_signed_but_not_what_it_should_be(field: str, value: Any) -> None:
    body = json.loads(json.loads(sealed(notice(), [KEY]))["notice"])
    assert opened(signed(json.dumps(body)), [public(KEY)]) == notice()
    assert refusal(signed(json.dumps(body | {field: value}))) == "updates-unreadable"


def test_another_product_by_the_same_hands() -> None:
    assert refusal(sealed(notice(product="smartplug-app"), [KEY])) == "updates-other-product"


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [
        ("1.10.0", "1.9.9", True),
        ("1.9.9", "1.10.0", False),
        ("1.4.0", "1.4.0", False),
        ("1.4.0", "1.4.0-rc.1", True),
        ("1.4.0", "1.4.0.dev3", True),
        ("1.4.0-rc.1", "1.4.0", False),
        ("1.4", "1.3.9", True),
        ("unknown", "1.0.0", False),
        ("1.0.0", "", False),
        ("१.0.0", "0.1.0", False),
    ],
)
def test_versions(version: str, than: str, newer: bool) -> None:
    assert is_newer(version, than) is newer
