"""Pairing on the plug: the vectors of docs/pairing.md byte for byte, and what a false hub can not do."""

import asyncio
import binascii
import json
import os

from harness import equal, main
from parts import settings

from firmware.boards.simulated import SimulatedBoard
from firmware.plug import pair
from firmware.plug.app import Plug


def vectors() -> list:
    with open("../../../docs/pairing.md") as file:  # noqa: PTH123
        text = file.read()
    return json.loads(text.split("```json\n")[-1].split("```")[0])


def unhex(text: str) -> bytes:
    return binascii.unhexlify(text)


def exchange_of(vector: dict):
    ca_sha256 = pair.sha256(unhex(vector["ca"]) if vector["ca"] else b"")
    nonces = unhex(vector["nonce_p"]), unhex(vector["nonce_h"])
    return pair.Exchange(vector["code"], vector["hardware_id"], *nonces, ca_sha256)


def plug_of(vector: dict, board=None):
    """An unpaired plug whose next nonce is the vector's."""
    board = board or SimulatedBoard()
    board.random_bytes = lambda count: unhex(vector["nonce_p"])[:count] if count == 16 else os.urandom(count)
    made = settings()
    made.hardware_id = vector["hardware_id"]
    made.secret = ""
    made.code = vector["code"]
    plug = Plug(board, made)
    plug.pairing._begin()
    return plug


def hear(plug, payload) -> None:
    try:
        plug.pairing._message(b"", payload if isinstance(payload, bytes) else payload.encode(), False)
    except Exception:
        return  # as the client does: it logs it, and goes on


def test_published_vectors_of_the_parts() -> None:
    # RFC 4231 case 2 and 6, RFC 5869 case 1, NIST SP 800-38A F.5.5 (the stream at another counter is its ECB)
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    equal(pair.hmac(b"Jefe", b"what do ya want for nothing?"), unhex(expected))
    expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    equal(pair.hmac(b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First"), unhex(expected))
    info = bytes(range(0xF0, 0xFA))
    expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    equal(pair.hkdf(b"\x0b" * 22, bytes(range(13)), info, 42), unhex(expected))
    key = unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    block = unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    equal(SimulatedBoard().aes(key)(block), unhex("0bdf7df1591716335e9a8b15c860c502"))


def test_every_message_byte_for_byte() -> None:
    real, pair.VERSION = pair.VERSION, "1.0.0"
    try:
        for vector in vectors():
            nonce = unhex(vector["nonce_p"])
            equal(pair.hello(nonce, vector["model"], vector["channels"]).decode(), vector["message_1"])
            exchange = exchange_of(vector)
            equal(exchange.hub_proves(unhex(json.loads(vector["message_2"])["proof_h"])), True)
            equal(exchange.proof().decode(), vector["message_3"])
            sealed = binascii.a2b_base64(json.loads(vector["message_4"])["sealed"])
            equal(exchange.unseal(SimulatedBoard().aes, sealed).decode(), vector["sealed_text"])
    finally:
        pair.VERSION = real


def test_the_whole_way() -> None:
    for vector in vectors():
        board = SimulatedBoard()
        plug = plug_of(vector, board)
        equal((plug.pairing.needed, plug.hub), (True, None))
        hear(plug, vector["message_2"])
        equal(plug.pairing._outgoing.decode(), vector["message_3"])
        hear(plug, vector["message_4"])
        equal((plug.pairing.needed, plug.hub, board.writes), (False, vector["hub"], 1))
        if not vector["ca"]:
            equal(plug.pairing.login(), ("127.0.0.1", 1, vector["secret"], None))
        again = Plug(board, plug.settings)  # after a power cut
        equal((again.pairing.needed, again.hub), (False, vector["hub"]))


def test_a_false_hub_learns_nothing() -> None:
    for vector in vectors():
        good = json.loads(vector["message_2"])
        for name in ("nonce_h", "ca_sha256", "proof_h"):
            false = dict(good)
            false[name] = ("0" if good[name][0] != "0" else "1") + good[name][1:]
            plug = plug_of(vector)
            hear(plug, json.dumps(false))
            equal(json.loads(plug.pairing._outgoing), {"nonce_h": false["nonce_h"], "error": "proof"})
            hear(plug, vector["message_4"])
            equal(plug.pairing.needed, True)


def test_a_changed_grant_is_not_taken() -> None:
    for vector in vectors():
        good = json.loads(vector["message_4"])
        sealed = binascii.a2b_base64(good["sealed"])
        bad = [sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :] for at in range(0, len(sealed), 7)]
        bad += [b"", sealed[:31], sealed[:-1], sealed + b"x"]
        messages = [{"sealed": binascii.b2a_base64(box).decode(), "ca": good["ca"]} for box in bad]
        messages += [{"sealed": good["sealed"], "ca": "AAAA"}]
        if good["ca"]:
            messages += [{"sealed": good["sealed"], "ca": None}, {"sealed": good["sealed"]}]
        for message in messages:
            board = SimulatedBoard()
            plug = plug_of(vector, board)
            hear(plug, vector["message_2"])
            hear(plug, json.dumps(message))
            equal((plug.pairing.needed, board.flash), (True, {}))


def test_garbage() -> None:
    vector = vectors()[0]
    plug = plug_of(vector)
    for text in (
        "",
        "{",
        "[]",
        "null",
        '{"proof_h":7}',
        '{"proof_h":"zz","nonce_h":"","ca_sha256":[]}',
        '{"sealed":1}',
    ):
        hear(plug, text)
    hear(plug, b"\xff\xfe")
    hear(plug, vector["message_2"])
    equal(plug.pairing._outgoing.decode(), vector["message_3"])


def test_a_full_flash_leaves_it_unpaired() -> None:
    vector = vectors()[0]
    board = SimulatedBoard()
    plug = plug_of(vector, board)

    def full(name: str, data: bytes) -> None:
        raise OSError(28)

    board.save = full
    hear(plug, vector["message_2"])
    hear(plug, vector["message_4"])
    equal(plug.pairing.needed, True)


def test_damaged_flash_is_as_unpaired() -> None:
    vector = vectors()[0]
    for content in (b"", b"{", b"[]", b"\xff", b"{}", b'{"hub":"h","secret":"","ca":null,"port":null,"sure":true}'):
        board = SimulatedBoard()
        board.flash = {"pair": content}
        equal(plug_of(vector, board).pairing.needed, True)


def paired(vector: dict, board):
    plug = plug_of(vector, board)
    hear(plug, vector["message_2"])
    hear(plug, vector["message_4"])
    return plug


def test_refused_before_the_hub_was_heard_it_begins_again_and_never_after() -> None:
    vector = vectors()[0]
    board = SimulatedBoard()
    plug = paired(vector, board)
    for needed in (True, False, True):  # the code and the secret in turn
        plug.pairing.failed()
        equal(plug.pairing.needed, needed)
    equal(Plug(board, plug.settings).pairing.needed, False)
    plug = paired(vector, board)
    ack = {"hub": vector["hub"], "session": "s", "acks": []}
    plug.link._ack(json.dumps(ack).encode())
    writes = board.writes
    plug.link._ack(json.dumps(ack).encode())
    equal(board.writes, writes)
    for _ in range(100):
        plug.pairing.failed()
    equal(plug.pairing.needed, False)
    equal(Plug(board, plug.settings).pairing.needed, False)


def test_another_hub_confirms_nothing() -> None:
    plug = paired(vectors()[0], SimulatedBoard())
    plug.link._ack(b'{"hub":"another","session":"s","acks":[]}')
    plug.pairing.failed()
    equal(plug.pairing.needed, True)


def test_an_unpaired_plug_counts_and_cuts_off_but_records_nothing() -> None:
    board = SimulatedBoard()
    plug = plug_of(vectors()[0], board)
    plug.outlets[0].max_power = 100_000
    plug.switch(plug.outlets[0], True)
    for moment in range(3):
        plug.sampler._measure(moment, moment * 1000)
    equal((plug.outlets[0].ring.next, board.relays), (0, [False]))
    paired(vectors()[0], board)
    plug = Plug(board, plug.settings)
    plug.sampler._measure(1, 1000)
    equal(plug.outlets[0].ring.next, 1)


async def test_the_button_held_makes_it_unpaired_once() -> None:
    board = SimulatedBoard()
    board.has_button = True
    plug = paired(vectors()[0], board)
    plug.settings.reset_hold_ms = 60_000
    board.flash["config"] = b"{}"
    task = asyncio.create_task(plug._watch_button())
    await board.hold_button(100)
    await asyncio.sleep(0.1)
    equal((board.resets, "pair" in board.flash), (0, True))
    plug.settings.reset_hold_ms = 200
    board.pressed = True
    while not board.resets:
        await asyncio.sleep(0.01)
    await board.hold_button(400)
    equal((board.resets, sorted(board.flash)), (1, ["relay"]))
    task.cancel()


async def test_the_button_takes_nothing_from_a_plug_that_got_its_secret_from_its_settings() -> None:
    board = SimulatedBoard()
    board.has_button = True
    made = settings()
    made.reset_hold_ms = 100
    plug = Plug(board, made)
    plug.adopt("my-hub")
    task = asyncio.create_task(plug._watch_button())
    await board.hold_button(300)
    equal((board.resets, plug.hub, "hub" in board.flash), (0, "my-hub", True))
    task.cancel()


def test_codes_as_people_write_them() -> None:
    equal(pair.read_code("k7qm-2xpa-9d4t-hv3n"), "K7QM2XPA9D4THV3N")
    equal(pair.read_code("OIL0 oil0 0000 0000"), "0110011000000000")


main(globals())
