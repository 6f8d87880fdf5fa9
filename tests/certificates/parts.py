"""TLS between a server's certificate and a client, in memory; names of a hub that never change."""

import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from hub.auth.certificates import Names
from hub.auth.certificates.x509 import Pair, der, to_text

NAMES = Names(("plughub.local", "pi.lan"), (ip_address("192.168.1.20"), ip_address("127.0.0.1")))


def client_context(authority: Pair) -> ssl.SSLContext:
    """Trusts this authority and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=der(authority.certificate))
    return context


def server_side(pair: Pair, folder: Path) -> ssl.SSLContext:
    """A server that shows it."""
    file = folder / "shown.pem"
    file.write_text(to_text(pair))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """Raises ssl.SSLCertVerificationError where the client refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=name)
    answering = server.wrap_bio(to_server, to_client, server_side=True)

    def step(side: Callable[[], None]) -> bool:
        try:
            side()
        except ssl.SSLWantReadError:
            return False
        return True

    while not step(asking.do_handshake):
        step(answering.do_handshake)
