"""Set-up: who may make the first account, when the hub stands in a house without a screen."""

import hmac
import ipaddress
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ifaddr

from hub.auth.backoff import Backoff
from hub.auth.homes import Home
from hub.auth.people import People
from hub.auth.secret_file import write_secret
from hub.auth.user import User
from hub.clock import Clock
from hub.database import SettingsTable
from hub.messages import HubError

OPEN_MS = 30 * 60 * 1000
CODE_FILE = "setup-code.txt"
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is read as another; 10 of them are 49 bits
CODE_LENGTH = 10
FREE_TRIES = 5
LONGEST_WAIT_S = 900.0
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
log = logging.getLogger("hub.auth")


class Setup:
    """The set-up page is open for 30 minutes after the very first start, to the host itself and to its own subnet;
    else it asks for the code that the hub wrote to its log and to `setup-code.txt` in the data folder.

    is_near: is this address the host itself or in its own subnet? proxied: a trusted proxy is configured, so that
    addresses say nothing.
    """

    def __init__(
        self,
        people: People,
        settings: SettingsTable,
        clock: Clock,
        data_dir: Path,
        *,
        proxied: bool = False,
        is_near: Callable[[str], bool] | None = None,
    ) -> None:
        self._people = people
        self._settings = settings
        self._clock = clock
        self._file = data_dir / CODE_FILE
        self._proxied = proxied
        self._is_near = is_near or near
        self._code = ""
        self._first_run_began: float | None = None
        self._tries = Backoff(clock, FREE_TRIES, LONGEST_WAIT_S)

    async def load(self) -> None:
        """Remember the very first start; write the code while there is no admin."""
        if self._people.has_admin():
            self._file.unlink(missing_ok=True)
            return
        if not self._settings.has("first_start"):
            await self._settings.set("first_start", self._clock.now())
            self._first_run_began = self._clock.monotonic()
        if self._file.exists():
            self._code = self._file.read_text(encoding="utf-8").strip()
        else:
            letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
            self._code = f"{letters[:5]}-{letters[5:]}"
            write_secret(self._file, self._code + "\n")
        log.warning("set-up code (asked for when the set-up page is not open): %s", self._code)

    def closes(self) -> int | None:
        """When the page stops being open, Unix ms; None when it is not open to anybody."""
        if self._people.has_admin():
            return None
        left = self._left_ms()
        return self._clock.now() + left if left > 0 else None

    def state(self, peer: str, forwarded: bool) -> str:
        """ "open", "code" or "done" for whoever asks from there; forwarded: some proxy passed the request on."""
        if self._people.has_admin():
            return "done"
        near_enough = not forwarded and not self._proxied and self._is_near(peer)
        return "open" if near_enough and self._left_ms() > 0 else "code"

    async def complete(self, *, peer: str, forwarded: bool, code: str | None, **account: Any) -> tuple[User, Home]:
        """Make the first admin; `account` as in People.make_first_admin.

        Raises HubError("setup-done", "setup-code-missing", "setup-code-wrong", "too-many-attempts") and what the
        account's own fields raise.
        """
        state = self.state(peer, forwarded)
        if state == "done":
            raise HubError("setup-done")
        if state == "code":
            self._require_code(peer, code)
        user, home = await self._people.make_first_admin(**account, origin=peer)
        self._file.unlink(missing_ok=True)
        return user, home

    def _require_code(self, peer: str, code: str | None) -> None:
        if not code:
            raise HubError("setup-code-missing", field="code")
        # All addresses count together: the code is one, and an attacker has many addresses.
        self._tries.require("code")
        self._tries.attempt("code")
        if not hmac.compare_digest(plain_code(code), plain_code(self._code)):
            log.warning("wrong set-up code from %s", peer)
            raise HubError("setup-code-wrong", field="code")
        self._tries.succeeded("code")

    def _left_ms(self) -> int:
        if self._first_run_began is not None:
            # In the very first run by the monotonic clock: a Pi's time jumps when it hears the network's.
            return OPEN_MS - int((self._clock.monotonic() - self._first_run_began) * 1000)
        since = self._clock.now() - self._settings.typed("first_start", int, 0)
        return OPEN_MS - since if since >= 0 else 0


def plain_code(code: str) -> bytes:
    """The code without what people add when they type it."""
    return "".join(c for c in code.upper() if c.isalnum()).encode()


def near(peer: str) -> bool:
    """Is this address the host itself, or in a private subnet of it? In a container everybody looks near: only the
    container itself is."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return True
    if any(mark.exists() for mark in CONTAINER_MARKS):
        return False
    return any(address in network for network in own_networks())


def own_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The subnets of this host's interfaces that are private to a house: a rented server's public one is not."""
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            network = ipaddress.ip_network(f"{text}/{ip.network_prefix}", strict=False)
            if network.is_private or network.is_link_local:
                networks.append(network)
    return networks
