"""Pairing: what people ask of it, what plugs say to it, and the device that comes of it."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

import msgspec

from hub.auth.audit import Audit
from hub.auth.principal import Principal, system
from hub.bus import Bus
from hub.clock import Clock
from hub.devices.device import clean_name, clean_room
from hub.devices.discovery import Found
from hub.devices.icons import require_icon
from hub.devices.pairing import protocol
from hub.devices.pairing.knocks import Knocks
from hub.devices.pairing.state import PairingState, State, States, may_see, view
from hub.devices.pairing.windows import FINAL, MOST_WRONG, Window, Windows
from hub.devices.registry import Registry
from hub.events import PairingChanged
from hub.messages import HubError, Message
from hub.tasks import Tasks

WRONG_CODE = Message("pairing-code-wrong")
EXPIRED = Message("pairing-expired")
CANCELLED = Message("pairing-cancelled")
HUB_STOPPED = Message("pairing-hub-stopped")
NOT_STORED = Message("pairing-not-stored")
NOBODY = bytes(32)
log = logging.getLogger("hub.devices")


class PairingBroker(Protocol):
    """What pairing needs of the broker."""

    def send(self, hardware_id: str, suffix: str, payload: bytes, qos: int = 0) -> bool:
        """To the plug that is pairing."""

    def drop(self, hardware_id: str) -> None:
        """End its connections."""


class Pairing:
    """Opens windows, speaks the four messages, and adds the plug when it logs in with its new secret.

    principal_of: (user, home) -> what that person may do now, None = nothing. plug_ca: certificate (DER) of the CA
    that signs the broker's for plugs, or None. tls_port: where plugs find MQTT over TLS, if they are to use it;
    counts only beside a CA. Of a home's own broker (offered=False) the logins are not ours: nothing is paired.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        bus: Bus,
        clock: Clock,
        audit: Audit,
        hub_id: str,
        principal_of: Callable[[str, str], Principal | None],
        plug_ca: Callable[[], bytes | None] = lambda: None,
        tls_port: Callable[[], int | None] = lambda: None,
        offered: bool = True,
    ) -> None:
        self._registry = registry
        self._bus = bus
        self._audit = audit
        self._hub_id = hub_id
        self._principal_of = principal_of
        self._plug_ca = plug_ca
        self._tls_port = tls_port
        self.offered = offered
        self._windows = Windows(clock, self._expire)
        self._knocks = Knocks(bus, clock, registry)
        self._broker: PairingBroker | None = None
        self._tasks = Tasks(log, "a pairing could not be completed")
        self.completing: set[str] = set()
        """Plugs that have logged in with a new secret and are not in the registry yet."""

    def start(self, broker: PairingBroker) -> None:
        """From now on plugs can be answered."""
        self._broker = broker

    async def stop(self) -> None:
        """Let what is being written end, and forget every code."""
        await self._tasks.settled()
        for window in self._windows.all():
            if window.state not in FINAL:
                self._close(window, "failed", HUB_STOPPED)
        self._knocks.stop()

    async def open(
        self,
        principal: Principal,
        *,
        hardware_id: str,
        name: str,
        code: str,
        room: str | None = None,
        icon: str = "plug",
        replace: str | None = None,
    ) -> PairingState:
        """Wait ten minutes for the plug with this code (as typed, or the text of its QR code).

        `replace`: the device whose place it takes. A plug that is a device already (it was reset by its button) is
        paired again as the same device; name, room and icon then stay as they are. One's own open window for the same
        plug gives way to the new one.
        Raises HubError("forbidden", "device-unknown", "name-invalid", "icon-unknown", "hardware-id-invalid",
        "hardware-id-taken", "pairing-code-invalid", "pairing-label-other", "pairing-busy", "pairing-too-many",
        "pairing-own-broker").
        """
        self._registry.require_adder(principal)
        if not self.offered:
            raise HubError("pairing-own-broker")
        label = protocol.read_label(code)
        if label.hardware_id not in (None, hardware_id):
            raise HubError("pairing-label-other", field="pairing_code", hardware_id=label.hardware_id)
        known = self._registry.by_hardware(hardware_id)
        if replace is None and known is not None and self._registry.right(principal, known) == "manage":
            replace = known.id
        if replace is not None:
            device = self._registry.require(principal, replace, "manage")
            name, room, icon = device.name, device.room, device.icon
        else:
            require_icon(icon)
        if known is None or known.id != replace:
            self._registry.require_free(hardware_id)
        name, room = clean_name(name, "name"), clean_room(room)
        mine = self._windows.of(hardware_id)
        if mine is not None and not mine.completing and mine.principal.user == principal.user:
            self._close(mine, "failed", CANCELLED)
        window = self._windows.open(
            principal, hardware_id, label.code, name=name, room=room, icon=icon, replace=replace
        )
        log.info("Pairing of %s opened by %s", hardware_id, principal.user)
        self._tell(window)
        return view(window)

    def state(self, principal: Principal, window_id: str) -> PairingState:
        """One of one's own windows, open or closed of late; an admin's: any of the home's.

        Raises HubError("pairing-unknown").
        """
        return view(self._require(principal, window_id))

    def list(self, principal: Principal) -> "States":
        """One's own windows, for an admin all of the home's; open ones and those closed of late, oldest first."""
        return [view(window) for window in self._windows.all() if may_see(principal, window)]

    def cancel(self, principal: Principal, window_id: str) -> PairingState:
        """Stop waiting; a window that is closed already stays as it is. Raises HubError("pairing-unknown")."""
        window = self._require(principal, window_id)
        if window.state not in FINAL and not window.completing:
            self._close(window, "failed", CANCELLED)
        return view(window)

    def is_open(self, hardware_id: str) -> bool:
        """Does somebody wait for this plug?"""
        return self._windows.of(hardware_id) is not None

    def let_in(self, hardware_id: str, peer: str) -> bool:
        """May this plug log in as `pair-…`, from that address?"""
        window = self._windows.of(hardware_id)
        if window is not None:
            window.peer = peer
        return window is not None

    def knocked(self, hardware_id: str, peer: str) -> None:
        """An unpaired plug tried to log in while nobody waits for it."""
        self._knocks.knocked(hardware_id, peer)

    def knocking(self) -> "Strangers":
        """Unpaired plugs that try to log in at present."""
        return self._knocks.now()

    def accepts(self, hardware_id: str, hashed: bytes) -> bool:
        """Is this SHA-256 that of the secret which the plug was just sent? Then it becomes a device.

        Always compares once, so that the time says nothing about who is being paired.
        """
        window = self._windows.of(hardware_id)
        wanted = NOBODY
        if window is not None and window.sealed:
            wanted = hashlib.sha256(window.secret.encode()).digest()
        if not hmac.compare_digest(hashed, wanted) or window is None or not window.sealed:
            return False
        if not window.completing:
            window.completing = True
            self._knocks.left(hardware_id)
            self.completing.add(hardware_id)
            self._tasks.spawn(self._complete(window), "pairing")
        return True

    def message(self, hardware_id: str, payload: bytes) -> None:
        """What an unpaired plug published on `pair`. Without a window it is nobody's."""
        window = self._windows.of(hardware_id)
        message = None if window is None or window.completing else protocol.read(payload)
        if window is None or message is None:
            return
        if isinstance(message, protocol.Hello):
            self._hello(window, message)
        else:
            self._proof(window, message)

    def _hello(self, window: Window, message: protocol.Hello) -> None:
        nonce = bytes.fromhex(message.nonce_p)
        if window.exchange is None or window.exchange.nonce_p != nonce:
            digest = protocol.ca_digest(self._plug_ca())
            fresh = secrets.token_bytes(protocol.NONCE_BYTES)
            window.exchange = protocol.Exchange(window.code, window.hardware_id, nonce, fresh, digest)
            window.answers = [protocol.challenge(window.exchange)]
            window.claim = message
            self._step(window, "heard", window.error)
        self._send(window, window.answers[0])

    def _proof(self, window: Window, message: protocol.Proof) -> None:
        exchange = window.exchange
        # One of an earlier exchange came late, or is meant for another hub on the same broker.
        if exchange is None or message.nonce_h != exchange.nonce_h.hex():
            return
        if not protocol.proves(exchange, message):
            self._wrong(window)
            return
        if len(window.answers) == 1:
            ca = self._plug_ca()
            if protocol.ca_digest(ca) != exchange.ca_sha256:  # it was renewed in between: the plug begins again
                window.exchange = None
                return
            window.proved = window.claim
            self._step(window, "proved", None)
            grant = protocol.Grant(window.secret, self._hub_id, None if ca is None else self._tls_port())
            window.answers = [*window.answers, protocol.sealed(exchange, grant, ca)]
        window.sealed = True
        self._send(window, window.answers[1])
        self._step(window, "sealed", None)

    def _wrong(self, window: Window) -> None:
        last = self._windows.wrong_proof(window)
        whoever = Principal("", window.principal.home, "guest", origin=window.peer, via="mqtt")
        self._audit.refuse(whoever, "pairing.refused", WRONG_CODE.id, window.hardware_id)
        log.warning("Pairing of %s: wrong proof %d of %d", window.hardware_id, window.wrong, MOST_WRONG)
        if last:
            self._close(window, "failed", WRONG_CODE)
        else:
            self._step(window, "heard", WRONG_CODE, always=True)

    async def _complete(self, window: Window) -> None:
        """The plug has logged in with its new secret: now it is a device."""
        hardware_id = window.hardware_id
        try:
            device = await self._store(window)
        except HubError as error:
            window.completing = False
            log.warning("Pairing of %s failed: %s", hardware_id, error.id)
            self._close(window, "failed", error.message)
        except Exception:  # the disk, most likely: the plug tries again, until the window ends
            log.exception("Pairing of %s could not be stored", hardware_id)
            window.completing = False
            if window.overdue:
                self._close(window, "expired", EXPIRED)
            else:
                self._step(window, "sealed", NOT_STORED)
        else:
            window.device = device
            log.info("Pairing of %s done", hardware_id)
            self._close(window, "done", None)
        self.completing.discard(hardware_id)
        # What it said in the meantime was nobody's: its next login finds the device there.
        self._drop(hardware_id)

    async def _store(self, window: Window) -> str:
        principal = self._now(window.principal)
        plug = window.proved
        assert plug is not None
        model = "".join(c for c in plug.model if c.isprintable()) or None
        if window.replace is None:
            device, _ = await self._registry.add(
                principal,
                hardware_id=window.hardware_id,
                name=window.name,
                room=window.room,
                icon=window.icon,
                channels=plug.channels,
                model=model,
                secret=window.secret,
            )
            return device.id
        device = self._registry.require(principal, window.replace, "manage")
        if len(device.channels) != plug.channels:
            raise HubError("pairing-outlets", field="replace", outlets=len(device.channels), found=plug.channels)
        await self._registry.replace(principal, window.replace, window.hardware_id, secret=window.secret)
        await self._registry.learned(device.id, model=model)
        return device.id

    def _now(self, principal: Principal) -> Principal:
        """With the rights of today: they may have changed since the window was opened."""
        if principal.role == "system":
            return principal
        today = self._principal_of(principal.user, principal.home)
        if today is None:
            raise HubError("forbidden")
        return msgspec.structs.replace(principal, role=today.role, operator=today.operator)

    def _expire(self, window: Window) -> None:
        if window.completing:
            window.overdue = True
        else:
            self._close(window, "expired", EXPIRED)

    def _close(self, window: Window, state: State, error: Message | None) -> None:
        heard = window.state != "waiting"
        self._windows.close(window, state, error)
        if error is not None and error.id != CANCELLED.id:  # whoever cancels it has a line of their own
            hub = system(window.principal.home, window.peer or "hub")
            self._audit.note(hub, "pairing.closed", window.hardware_id, after={"reason": error.id})
        self._tell(window)
        if heard and state != "done":
            self._drop(window.hardware_id)

    def _step(self, window: Window, state: State, error: Message | None, *, always: bool = False) -> None:
        if always or (window.state, window.error) != (state, error):
            window.state, window.error = state, error
            self._tell(window)

    def _tell(self, window: Window) -> None:
        who = window.principal
        self._bus.publish(
            PairingChanged(
                window.id,
                who.home,
                who.user,
                window.hardware_id,
                window.state,
                window.error,
                window.device,
                MOST_WRONG - window.wrong,
            )
        )

    def _require(self, principal: Principal, window_id: str) -> Window:
        window = self._windows.find(window_id)
        if window is None or not may_see(principal, window):
            raise HubError("pairing-unknown", pairing=window_id)
        return window

    def _send(self, window: Window, payload: bytes) -> None:
        if self._broker is not None:
            self._broker.send(window.hardware_id, "pair/answer", payload, 1)

    def _drop(self, hardware_id: str) -> None:
        if self._broker is not None:
            self._broker.drop(hardware_id)


Strangers = list[Found]
