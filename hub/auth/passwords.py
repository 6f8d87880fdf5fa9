"""Passwords of people: which are too weak, bcrypt off the event loop, the same time where there is no such account."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from hub.auth.common import is_common
from hub.messages import HubError

SHORTEST = 10
LONGEST = 512
COST = 12  # 0.2 s on a PC, 0.5 s on a Raspberry Pi 4
MOST_WAITING = 16
MOST_WAITING_KNOWN = 32
T = TypeVar("T")


class Passwords:
    """Hashes and checks in two threads of its own: the event loop and the hub's other work never wait for bcrypt."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="bcrypt")
        self._waiting = 0
        # Checked in place of a password that is not there, so that the time does not tell who has an account.
        # No password has it, and to make a real one would cost every start half a second on a Raspberry Pi.
        self._nobody = b"$2b$%02d$" % cost + b"." * 53

    async def hash(self, password: str) -> bytes:
        """bcrypt of the whole password. Raises HubError("too-many-attempts") when too many wait."""
        return await self._run(lambda: bcrypt.hashpw(prehash(password), bcrypt.gensalt(self._cost)))

    async def check(self, password: str, stored: bytes | None, *, known: bool = False) -> bool:
        """Is it this password? `stored` None takes as long and is never right. known: asked from where somebody is
        signed in; strangers who fill the queue do not keep them out. Raises HubError("too-many-attempts")."""
        if len(password) > LONGEST:
            password, stored = "", None
        most = MOST_WAITING_KNOWN if known else MOST_WAITING
        right = await self._run(lambda: bcrypt.checkpw(prehash(password), stored or self._nobody), most)
        return right and stored is not None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T], most: int = MOST_WAITING) -> T:
        if self._waiting >= most:
            raise HubError("too-many-attempts", seconds=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def prehash(password: str) -> bytes:
    """44 bytes that stand for all of the password: bcrypt itself takes 72, and stops at a zero byte."""
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())


def require_good(password: str, *own: str) -> None:
    """Raises HubError("password-too-short", "password-too-long", "password-common"). own: name and address."""
    if len(password) < SHORTEST:
        raise HubError("password-too-short", field="password", least=SHORTEST)
    if len(password) > LONGEST:
        raise HubError("password-too-long", field="password", most=LONGEST)
    if is_common(password, *own):
        raise HubError("password-common", field="password")
