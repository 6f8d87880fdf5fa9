"""Pairing: the plug proves that it knows the code on its label, and is given its secret (docs/pairing.md)."""

import asyncio
import binascii
import hashlib
import json

from . import VERSION
from .mqtt import Client
from .payload import parse, whole
from .tasks import cancel, wait_ms

_HUB = "plughub-pair-1 hub"
_PLUG = "plughub-pair-1 plug"
_SEAL = "plughub-pair-1 seal"
_NONCE = 16
_TAG = 32
_LONGEST = 16_384  # of a message: it may carry a certificate
_LONGEST_SECRET = 128
_FLASH = "pair"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256; MicroPython has none."""
    if len(key) > 64:
        key = sha256(key)
    key = key + bytes(64 - len(key))
    inner = sha256(bytes([byte ^ 0x36 for byte in key]) + data)
    return sha256(bytes([byte ^ 0x5C for byte in key]) + inner)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256."""
    key = hmac(salt, secret)
    block = made = b""
    number = 1
    while len(made) < length:
        block = hmac(key, block + info + bytes((number,)))
        made += block
        number += 1
    return made[:length]


def counter_mode(encrypt, data: bytes) -> bytes:
    """AES-CTR from the encryption of single blocks; the counter begins at 0."""
    stream = b""
    for number in range(-(-len(data) // 16)):
        stream += encrypt(number.to_bytes(16, "big"))
    return bytes([a ^ b for a, b in zip(data, stream)])


def same(a: bytes, b: bytes) -> bool:
    """Compares in a time that does not tell where they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0


def framed(fields) -> bytes:
    """Each field behind its length in two bytes."""
    data = b""
    for field in fields:
        if isinstance(field, str):
            field = field.encode()
        data += len(field).to_bytes(2, "big") + field
    return data


def read_code(text: str) -> str:
    """A label's code as both sides use it."""
    text = text.upper().replace("-", "").replace(" ", "")
    return text.replace("I", "1").replace("L", "1").replace("O", "0")


def hello(nonce_p: bytes, model: str, channels: int) -> bytes:
    """Message 1."""
    text = '{"nonce_p":"%s","model":%s,"firmware":%s,"channels":%d}'
    return (text % (_hex(nonce_p), json.dumps(model), json.dumps(VERSION), channels)).encode()


class Exchange:
    """What both proofs cover, from message 2 on."""

    def __init__(self, code: str, hardware_id: str, nonce_p: bytes, nonce_h: bytes, ca_sha256: bytes) -> None:  # noqa: PLR0917
        self._code = code.encode()
        self._hardware_id = hardware_id
        self._nonces = nonce_p + nonce_h
        self._nonce_p = nonce_p
        self._nonce_h = nonce_h
        self.ca_sha256 = ca_sha256

    def _proof(self, role: str) -> bytes:
        fields = (role, self._hardware_id, self._nonce_p, self._nonce_h, self.ca_sha256)
        return hmac(self._code, framed(fields))

    def hub_proves(self, proof_h: bytes) -> bool:
        """Does whoever sent message 2 know the code?"""
        return same(proof_h, self._proof(_HUB))

    def proof(self) -> bytes:
        """Message 3."""
        return ('{"nonce_h":"%s","proof_p":"%s"}' % (_hex(self._nonce_h), _hex(self._proof(_PLUG)))).encode()

    def complaint(self) -> bytes:
        """In place of message 3: the hub's proof is wrong."""
        return ('{"nonce_h":"%s","error":"proof"}' % _hex(self._nonce_h)).encode()

    def unseal(self, aes, sealed: bytes):
        """The text in message 4, None when it is not the hub's. `aes(key)` gives a function that encrypts blocks."""
        info = framed((_SEAL, self._hardware_id, self.ca_sha256))
        keys = hkdf(self._code, self._nonces, info, 64)
        hidden = sealed[:-_TAG]
        if not same(sealed[-_TAG:], hmac(keys[32:], hidden)):
            return None
        return counter_mode(aes(keys[:32]), hidden)


class Pairing:
    """Whether the plug is paired, and the way there. A plug whose settings hold no code has its secret from them."""

    def __init__(self, plug) -> None:
        self._plug = plug
        self._code = read_code(plug.settings.code or "")
        self._state = self._loaded() if self.possible else None
        self._doubted = None  # a state with which a login failed before the hub was heard
        self._tls = None
        self._nonce_p = b""
        self._exchange = None
        self._outgoing = b""
        self._news = asyncio.Event()

    @property
    def possible(self) -> bool:
        """Can this plug be paired, and so be made unpaired again?"""
        return bool(self._code) and not self._plug.settings.secret

    @property
    def needed(self) -> bool:
        return self.possible and self._state is None

    @property
    def hub(self):
        """The id of the hub that it is paired with, or None."""
        return self._state["hub"] if self._state is not None else None

    def login(self) -> tuple:
        """(host, port, secret, tls) for the plug's own connection."""
        host, port, secret, tls = self._plug.settings.broker()
        state = self._state
        if state is not None and not secret:
            secret = state["secret"]
            if state["ca"] and state["port"]:
                if self._tls is None:
                    self._tls = self._plug.board.tls(binascii.a2b_base64(state["ca"]))
                port = state["port"]
                tls = self._tls
        return host, port, secret, tls

    def confirmed(self) -> None:
        """The hub has acknowledged: it knows this plug. Only then nothing but the button makes it unpaired."""
        if self._state is not None and not self._state["sure"]:
            self._state["sure"] = True
            self._save()

    def failed(self) -> None:
        """The login was refused, or there was no connection: until the hub was heard, try secret and code in turn."""
        # A hub that lost power before it had stored the new plug does not know the secret; but it may be busy, too.
        if self._state is not None and not self._state["sure"]:
            self._plug.board.log("the new secret does not help: pairing again")
            self._doubted = self._state
            self._state = None
        elif self._state is None and self._doubted is not None:
            self._state = self._doubted
            self._doubted = None

    def forget(self) -> None:
        """Unpaired from now on."""
        self._state = self._doubted = None
        self._plug.board.erase(_FLASH)

    async def run(self) -> None:
        """One connection as `pair-…`; returns once the plug is paired. Raises OSError, EOFError or Refused."""
        plug = self._plug
        settings = plug.settings
        host, port, _, tls = settings.broker()
        name = "pair-" + settings.hardware_id
        root = "smartplug/" + settings.hardware_id
        client = Client((name, name, ""), (None, b""), settings, plug.uptime, self._message, plug.board.log)
        client.longest = _LONGEST
        sender = None
        try:
            await client.connect(host, port, tls)
            await client.subscribe([(root + "/pair/answer", 1)])
            self._begin()
            sender = asyncio.create_task(self._send(client, root + "/pair"))
            await client.closed.wait()
        finally:
            clean = not client.closed.is_set() or not self.needed
            client.closed.set()  # MicroPython's wait_for may lose a cancellation: then this ends the sender
            if sender is not None:
                await cancel([sender])
            await client.close(clean)

    def _begin(self) -> None:
        self._nonce_p = self._plug.board.random_bytes(_NONCE)
        self._exchange = None
        self._say_hello()

    def _say_hello(self) -> None:
        board = self._plug.board
        self._outgoing = hello(self._nonce_p, board.model, len(self._plug.outlets))

    async def _send(self, client, topic: str) -> None:
        try:
            while self.needed:
                self._news.clear()
                await client.publish(topic, self._outgoing, 1)
                try:
                    await wait_ms(self._news.wait(), self._plug.settings.pair_ms)
                except asyncio.TimeoutError:
                    self._say_hello()  # whatever was lost, message 1 brings it again
        except OSError:
            pass  # the connection is lost: another one begins
        client.closed.set()

    def _message(self, topic: bytes, payload: bytes, retained: bool) -> None:
        values = None if retained or not self.needed else parse(payload)
        if values is None:
            return
        if "proof_h" in values:
            self._challenged(values)
        elif "sealed" in values and self._exchange is not None:
            self._granted(values)

    def _challenged(self, values: dict) -> None:
        nonce_h = _bytes(values.get("nonce_h"), _NONCE)
        digest = _bytes(values.get("ca_sha256"), 32)
        proof = _bytes(values.get("proof_h"), 32)
        if nonce_h is None or digest is None or proof is None:
            return
        exchange = Exchange(self._code, self._plug.settings.hardware_id, self._nonce_p, nonce_h, digest)
        if exchange.hub_proves(proof):
            self._exchange = exchange
            self._outgoing = exchange.proof()
        else:
            self._plug.board.log("pairing: the hub has another code")
            self._begin()
            self._outgoing = exchange.complaint()
        self._news.set()

    def _granted(self, values: dict) -> None:
        text = self._exchange.unseal(self._plug.board.aes, binascii.a2b_base64(values["sealed"]))
        grant = parse(text) if text is not None else None
        ca = values.get("ca")
        if grant is None or sha256(binascii.a2b_base64(ca) if ca else b"") != self._exchange.ca_sha256:
            return
        state = {"hub": grant.get("hub"), "secret": grant.get("secret"), "port": grant.get("tls_port"), "ca": ca}
        state["sure"] = False
        if not _usable(state):
            return
        self._plug.board.save(_FLASH, json.dumps(state).encode())  # an OSError leaves it unpaired
        self._state = state
        self._doubted = self._tls = None
        self._news.set()
        self._plug.paired(state["hub"])

    def _loaded(self):
        data = self._plug.board.load(_FLASH)
        state = parse(data) if data else None
        return state if state is not None and _usable(state) else None

    def _save(self) -> None:
        try:
            self._plug.board.save(_FLASH, json.dumps(self._state).encode())
        except OSError as error:
            self._plug.board.log("flash: %r" % error)


def _usable(state: dict) -> bool:
    hub = state.get("hub")
    secret = state.get("secret")
    port = state.get("port")
    ca = state.get("ca")
    return (
        isinstance(hub, str)
        and bool(hub)
        and isinstance(secret, str)
        and 0 < len(secret) <= _LONGEST_SECRET
        and (port is None or whole(port, 1, 65_535))
        and (ca is None or isinstance(ca, str))
        and isinstance(state.get("sure"), bool)
    )


def _hex(data: bytes) -> str:
    return binascii.hexlify(data).decode()


def _bytes(text, length: int):
    """`length` bytes in hex, or None."""
    try:
        data = binascii.unhexlify(text)
    except (ValueError, TypeError):
        return None
    return data if len(data) == length else None
