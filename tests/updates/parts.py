"""A distributor: a key, a signed notice, and an HTTPS server on 127.0.0.1 that hands it out."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.testing.process import free_port
from hub.updates import Notice, sealed
from tests.broker.certificates import make_certificate

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PATH = "/plughub.json"


def notice(version: str = "1.4.0", **fields: Any) -> Notice:
    """Issued at NOW, good for 90 days."""
    usual = {"notes": "https://releases.example/1.4.0", "issued": NOW, "expires": NOW + timedelta(days=90)}
    return Notice(version=version, **{**usual, **fields})


def public(key: Ed25519PrivateKey) -> str:
    """As the configuration names it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


class Distributor:
    """`answer` is what it hands out; `requests` are those that came: method, path with query, and heads."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.port = free_port()
        self.files = make_certificate(folder, "distributor")
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answer: web.Response | bytes = b""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Of the notice."""
        return f"https://127.0.0.1:{self.port}{PATH}"

    def publish(self, said: Notice) -> None:
        """Sign it and hand it out."""
        self.answer = sealed(said, [self.key])

    async def start(self) -> None:
        """Listen."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files.certificate, self.files.key)
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()

    async def stop(self) -> None:
        """Nobody is there any more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path_qs, dict(request.headers)))
        return web.Response(body=self.answer) if isinstance(self.answer, bytes) else self.answer
