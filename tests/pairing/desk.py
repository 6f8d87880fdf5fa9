"""Pairing on a real registry, with a clock that stands still, a broker that remembers, and plugs played by hand."""

import asyncio
import hashlib
import json
import secrets
from typing import Any

from hub.auth.principal import Principal
from hub.devices.pairing import Pairing, PairingState
from hub.devices.pairing import protocol as p
from hub.events import DeviceFound, Event, PairingChanged
from tests.devices.conftest import House

CODE = "K7QM2XPA9D4THV3N"
HUB_ID = "hub-1"


class Answers:
    """The broker's side towards a plug that is pairing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.dropped: list[str] = []

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        assert (suffix, qos) == ("pair/answer", 1)
        self.sent.append((hardware_id, json.loads(payload)))
        return True

    def drop(self, hardware_id: str) -> None:
        self.dropped.append(hardware_id)


class Desk:
    """The service and what it published."""

    def __init__(self, house: House, ca: bytes | None = None) -> None:
        self.house = house
        self.ca = ca
        self.broker = Answers()
        self.events: list[Event] = []
        self.pairing = Pairing(
            house.registry,
            bus=house.bus,
            clock=house.clock,
            audit=house.identity.audit,
            hub_id=HUB_ID,
            principal_of=house.people.principal,
            plug_ca=lambda: self.ca,
            tls_port=lambda: 8883,
        )
        self.pairing.start(self.broker)
        for kind in (PairingChanged, DeviceFound):
            house.bus.subscribe(kind, self.events.append, "test")

    async def open(
        self, principal: Principal | None = None, hardware_id: str = "plug-1", **values: Any
    ) -> PairingState:
        asked = {"name": "Kettle", "code": CODE, **values}
        return await self.pairing.open(principal or self.house.admin, hardware_id=hardware_id, **asked)

    @property
    def steps(self) -> list[str]:
        return [event.state for event in self.events if isinstance(event, PairingChanged)]

    @property
    def errors(self) -> list[str | None]:
        return [event.error and event.error.id for event in self.events if isinstance(event, PairingChanged)]

    async def logs_in(self, hardware_id: str, secret: str) -> bool:
        """With that secret; what follows from it has happened when this returns."""
        accepted = self.pairing.accepts(hardware_id, hashlib.sha256(secret.encode()).digest())
        while self.pairing.completing:
            await asyncio.sleep(0)
        return accepted


class Plug:
    """The plug's side of the protocol, with what it may get wrong."""

    def __init__(self, desk: Desk, hardware_id: str = "plug-1", code: str = CODE, channels: int = 1) -> None:
        self.desk, self.hardware_id, self.code, self.channels = desk, hardware_id, code, channels
        self.nonce = b""
        self.exchange: p.Exchange | None = None

    def says(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Publish it; returns the answer, if one came."""
        before = len(self.desk.broker.sent)
        self.desk.pairing.message(self.hardware_id, json.dumps(message).encode())
        answers = self.desk.broker.sent[before:]
        assert len(answers) <= 1 and all(name == self.hardware_id for name, _ in answers)
        return answers[0][1] if answers else None

    def hello(self, again: bool = False) -> dict[str, Any] | None:
        """Message 1; message 2 comes back."""
        if not again:
            self.nonce = secrets.token_bytes(16)
        told = {"model": "test\nmodel", "firmware": "1.0.0", "channels": self.channels}
        answer = self.says({"nonce_p": self.nonce.hex(), **told})
        if answer is not None:
            nonce_h, ca = bytes.fromhex(answer["nonce_h"]), bytes.fromhex(answer["ca_sha256"])
            self.exchange = p.Exchange(self.code, self.hardware_id, self.nonce, nonce_h, ca)
        return answer

    def proof(self, proof: bytes | None = None) -> dict[str, Any] | None:
        """Message 3, or a false one; message 4 comes back."""
        assert self.exchange is not None
        shown = proof or p.proof(self.exchange, p.PLUG)
        return self.says({"nonce_h": self.exchange.nonce_h.hex(), "proof_p": shown.hex()})

    def complains(self) -> dict[str, Any] | None:
        assert self.exchange is not None
        return self.says({"nonce_h": self.exchange.nonce_h.hex(), "error": "proof"})

    def unsealed(self, answer: dict[str, Any]) -> dict[str, Any]:
        import base64

        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        assert self.exchange is not None
        key, _ = p.seal_keys(self.exchange)
        cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).decryptor()
        opened: dict[str, Any] = json.loads(cipher.update(base64.b64decode(answer["sealed"])[:-32]))
        return opened

    def pairs(self) -> dict[str, Any]:
        """All four messages; returns what was sealed."""
        assert self.hello() is not None
        answer = self.proof()
        assert answer is not None
        return self.unsealed(answer)
