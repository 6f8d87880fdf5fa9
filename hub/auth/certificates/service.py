"""The certificates of a running hub: its own, renewed in time, or those of the configuration when they change."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509

from hub.auth.certificates.issuer import BrowserIssuer, Issuer, PlugIssuer
from hub.auth.certificates.names import LOCALHOST, Names, hub_names, is_full_name
from hub.auth.certificates.x509 import der, fingerprint, names_of, span_of, utc
from hub.broker.tls import Certificate
from hub.clock import Clock
from hub.messages import HubError

log = logging.getLogger("hub.auth")

FOLDER = "certificates"
LOOK_EVERY_S = 60.0  # at names, addresses, dates and files
Report = Callable[[str, dict[str, Any]], None]
Use = Callable[[Certificate], None]


class Seen(NamedTuple):
    """A certificate as people see it."""

    fingerprint: str
    names: list[str]
    begin: datetime
    end: datetime


class Door:
    """One server that speaks TLS: with what its issuer makes, or with the files that the configuration names.

    use: called on the event loop with the files whenever there is another certificate; what it raises (HubError) is
    reported, and the server goes on with the one before.
    """

    def __init__(self, issuer: Issuer, own: Certificate | None) -> None:
        self.issuer = issuer
        self.own = own
        self.use: Use = lambda files: None
        self._signature: object = None

    @property
    def files(self) -> Certificate:
        """What the server loads."""
        return self.own or self.issuer.files

    def has_changed(self) -> bool:
        """Have the files of the configuration changed since the last call? Blocking."""
        if self.own is None:
            return False
        before, self._signature = self._signature, tuple(_state(file) for file in (self.own.certificate, self.own.key))
        return before is not None and before != self._signature

    def authority(self) -> x509.Certificate | None:
        """The hub's own one, where it is in use."""
        return None if self.own is not None else self.issuer.authority.certificate

    def seen(self) -> Seen | None:
        """What the server shows. Blocking; None where its file cannot be read."""
        if self.own is None:
            return see(self.issuer.leaf.certificate)
        try:
            return see(x509.load_pem_x509_certificate(self.own.certificate.read_bytes()))
        except (OSError, ValueError):
            return None


class Certificates:
    """`web` and `plugs` are None where nobody speaks TLS there. `start` returns when their certificates are there."""

    def __init__(
        self,
        data: Path,
        clock: Clock,
        *,
        hub_id: str,
        label: str,
        web: bool = True,
        plugs: bool = True,
        own_web: Certificate | None = None,
        own_plugs: Certificate | None = None,
        extra: Iterable[str] = (),
        report: Report = lambda problem, values: None,
        names: Callable[[str, Iterable[str]], Names] = hub_names,
    ) -> None:
        """label: how people call the hub. own_…: files of the configuration. extra: further names and addresses."""
        folder, suffix = data / FOLDER, hub_id[:8]
        self._clock = clock
        self._hub_id = hub_id
        self._extra = tuple(extra)
        self._names = names
        self._report = report
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self.known: frozenset[str] = frozenset({LOCALHOST})
        """The names and addresses that browsers know the hub by; "*.example.org" where a certificate says so."""
        self.certified: str | None = None
        """A name in the configuration's certificate for browsers, under which they are not warned."""
        self.web: Door | None = None
        self.plugs: Door | None = None
        if web:
            self.web = Door(BrowserIssuer(folder, f"{label[:46]} {suffix}", self._extra), own_web)
        if plugs:
            self.plugs = Door(PlugIssuer(folder, f"{label[:40]} plugs {suffix}"), own_plugs)

    async def start(self) -> None:
        """Make what is missing; from then on look once a minute. OSError: nothing is there and it cannot be written."""
        try:
            await self.look()
        except OSError as error:
            if not all(door.own is not None or door.issuer.is_there for door in self._doors):
                raise
            log.error("certificates could not be renewed: %s", error)
        self._task = asyncio.create_task(self._keep_looking(), name="certificates")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def look(self, *, anew: bool = False) -> None:
        """Renew what is due (`anew`: everything) and hand over what is new. OSError: the disk."""
        async with self._looking:
            changed = await asyncio.to_thread(self._prepare, anew)
        for door in changed:
            self._tell_damage(door)
            try:
                door.use(door.files)
            except HubError as error:
                log.error("a new certificate is not used: %s", error)
                self._report(self._problem(door), {"file": str(door.files.certificate), "reason": error.message})
            else:
                self._report(self._problem(door), {})

    def plug_authority(self) -> bytes | None:
        """What plugs are given at pairing, as DER; None where MQTT speaks no TLS, or with a certificate that the hub's
        own authority has not issued."""
        authority = None if self.plugs is None else self.plugs.authority()
        return None if authority is None else der(authority)

    @property
    def _doors(self) -> list[Door]:
        return [door for door in (self.web, self.plugs) if door is not None]

    def _prepare(self, anew: bool) -> list[Door]:
        now, floor = utc(self._clock.now()), utc(self._clock.mark)
        names = self._names(self._hub_id, self._extra)
        shown = None if self.web is None or self.web.own is None else self.web.seen()
        certified = [] if shown is None else [name.lower() for name in shown.names]
        self.known = frozenset((*names.texts(), *certified))
        self.certified = next((name for name in certified if is_full_name(name)), None)
        found = []
        for door in self._doors:
            if door.own is None:
                changed = door.issuer.ensure(names, now, floor, certain=self._clock.certain(), anew=anew)
            else:
                changed = door.has_changed() or anew
            if changed:
                found.append(door)
        return found

    async def _keep_looking(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except OSError as error:  # the disk: the certificate in use goes on
                log.error("certificates could not be renewed: %s", error)

    def _tell_damage(self, door: Door) -> None:
        for file in door.issuer.damaged:
            self._report("certificate-damaged", {"file": file})
        door.issuer.damaged.clear()

    def _problem(self, door: Door) -> str:
        return "certificate-kept-web" if door is self.web else "certificate-kept-mqtt"


def see(certificate: x509.Certificate) -> Seen:
    """A certificate as people see it."""
    begin, end = span_of(certificate)
    return Seen(fingerprint(certificate), names_of(certificate).texts(), begin, end)


def _state(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
