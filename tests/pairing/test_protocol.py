"""The arithmetic: the vectors of docs/pairing.md, framing, codes and labels."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.devices.pairing import new_code, read_label, shown_code
from hub.devices.pairing import protocol as p

DOC = Path(__file__).parents[2] / "docs" / "pairing.md"
VECTORS: list[dict[str, Any]] = json.loads(DOC.read_text().rpartition("```json\n")[2].partition("```")[0])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    ca = bytes.fromhex(vector["ca"]) if vector["ca"] else None
    hello = p.read(vector["message_1"].encode())
    assert hello == p.Hello(vector["nonce_p"], vector["model"], vector["firmware"], vector["channels"])
    nonces = bytes.fromhex(vector["nonce_p"]), bytes.fromhex(vector["nonce_h"])
    exchange = p.Exchange(vector["code"], vector["hardware_id"], *nonces, p.ca_digest(ca))
    assert p.challenge(exchange).decode() == vector["message_2"]
    proof = p.read(vector["message_3"].encode())
    assert isinstance(proof, p.Proof) and p.proves(exchange, proof)
    assert [key.hex() for key in p.seal_keys(exchange)] == [vector["aes_key"], vector["hmac_key"]]
    grant = p.Grant(vector["secret"], vector["hub"], vector["tls_port"])
    assert msgspec.json.encode(grant).decode() == vector["sealed_text"]
    assert p.sealed(exchange, grant, ca).decode() == vector["message_4"]


def test_every_field_counts_and_none_can_slide_into_its_neighbour() -> None:
    base = p.Exchange("0" * 16, "plug", bytes(16), bytes(16), bytes(32))
    others = [
        msgspec.structs.replace(base, **change)
        for change in (
            {"code": "0" * 17},
            {"hardware_id": "plug2"},
            {"nonce_p": bytes(15) + b"\1"},
            {"nonce_h": bytes(15) + b"\1"},
            {"ca_sha256": bytes(31) + b"\1"},
            {"hardware_id": "plug\0", "nonce_p": bytes(15)},
            {"nonce_p": bytes(17), "nonce_h": bytes(15)},
        )
    ]
    proofs = {p.proof(exchange, role) for exchange in (base, *others) for role in (p.HUB, p.PLUG)}
    assert len(proofs) == 2 * (1 + len(others))
    assert len({p.seal_keys(exchange) for exchange in (base, *others[:6])}) == 7


def test_codes() -> None:
    codes = [new_code() for _ in range(500)]
    assert len(set(codes)) == 500
    assert {len(code) for code in codes} == {16} and set("".join(codes)) == set(p.ALPHABET)
    code = "K7QM2XPA9D4THV3N"
    assert shown_code(code) == "K7QM-2XPA-9D4T-HV3N"
    for text in ("k7qm-2xpa-9d4t-hv3n", " K7QM 2XPA 9D4T HV3N ", code):
        assert read_label(text) == p.Label(code)
    assert read_label("PLUGHUB:1:Plug_a-1:k7qm-2xpa-9d4t-hv3n") == p.Label(code, "Plug_a-1")
    assert read_label("oooo-iiii-LLLL-0000").code == "0000111111110000"
