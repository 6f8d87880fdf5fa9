"""Certificates: the authority for people to install, how HTTPS is reached, and what an admin sees of it all."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import Meta

from hub.api.hosts import port_of
from hub.api.https import SECURE_PAGE
from hub.api.qr import svg
from hub.api.routing import AnyCall, Call, Route
from hub.api.types.certificates import Certificates, CertificateView, HttpsAccess, ServerCertificates
from hub.auth.certificates.profile import profile
from hub.auth.certificates.service import Door, Seen, see
from hub.auth.certificates.x509 import der, pem
from hub.messages import HubError, Message, render

TAG = "certificates"
FILE = "plughub-ca.crt"


class AuthorityQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How the file is written."""

    format: Annotated[Literal["pem", "der"], Meta(description="pem: text, der: binary")] = "pem"


async def get_authority(call: Call[AuthorityQuery, None]) -> web.Response:
    """GET /certificates/ca"""
    found = authority(call)
    body = der(found) if call.query.format == "der" else pem(found).encode()
    return _file(body, "application/x-x509-ca-cert", f'attachment; filename="{FILE}"')


async def get_profile(call: AnyCall) -> web.Response:
    """GET /certificates/ca.mobileconfig"""
    found = authority(call)
    about = render(Message("certificate-profile"), call.language)
    # Not as an attachment: Safari then offers to install it.
    body = await asyncio.to_thread(profile, found, authority_name(found), about)
    return _file(body, "application/x-apple-aspen-config", 'inline; filename="plughub.mobileconfig"')


async def get_https_access(call: AnyCall) -> HttpsAccess:
    """GET /certificates/access"""
    https, door = call.services.https, web_door(call)
    host = call.request.headers.get("Host", "")
    found = None if door is None else door.authority()
    return HttpsAccess(
        secure=call.request.secure,
        port=https.port if https is not None and https.port else None,
        only=https is not None and https.only,
        own=door is not None and door.own is not None,
        address=None if https is None else https.address(host),
        install=install_address(call),
        authority=None if found is None else authority_name(found),
    )


async def get_install_code(call: AnyCall) -> web.Response:
    """GET /certificates/qr"""
    address = install_address(call)
    if address is None:
        raise HubError("request-invalid")
    return web.Response(
        body=await asyncio.to_thread(svg, address),
        content_type="image/svg+xml",
        headers={"Cache-Control": "no-store"},
    )


async def is_trusted(call: AnyCall) -> web.Response:
    """GET /certificates/trusted"""
    # A page that came over HTTP may see that this came over HTTPS; there is nothing else to see.
    headers = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return web.Response(status=204, headers=headers | {"Cache-Control": "no-store"})


async def get_certificates(call: AnyCall) -> Certificates:
    """GET /certificates"""
    return await _overview(call)


async def renew_certificates(call: AnyCall) -> Certificates:
    """POST /certificates/renew"""
    if call.services.certificates is not None:
        try:
            await call.services.certificates.look(anew=True)
        except OSError as error:
            raise HubError("certificates-unwritable", reason=error.strerror or str(error)) from error
        await call.services.identity.audit.record(call.principal, "certificates.renew")
    return await _overview(call)


def web_door(call: AnyCall) -> Door | None:
    """How the web server's certificate comes about; None without HTTPS."""
    certificates = call.services.certificates
    return None if certificates is None else certificates.web


def authority(call: AnyCall) -> x509.Certificate:
    """The one that browsers are to trust. Raises HubError("authority-unused")."""
    door = web_door(call)
    found = None if door is None else door.authority()
    if found is None:
        raise HubError("authority-unused")
    return found


def authority_name(certificate: x509.Certificate) -> str:
    """What the systems show in their lists."""
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def install_address(call: AnyCall) -> str | None:
    """The page that tells how to install it, as another device in the home reaches it."""
    request, https = call.request, call.services.https
    name = call.services.reach.host(request.host)
    if name is None:
        return None
    port = port_of(request.host)
    if request.secure and https is not None and https.plain_port:
        port = f":{https.plain_port}"  # who has not installed it yet would be warned of HTTPS
    return f"http://{name}{port}{SECURE_PAGE}"


async def _overview(call: AnyCall) -> Certificates:
    certificates = call.services.certificates
    if certificates is None:
        return Certificates(None, None)
    return await asyncio.to_thread(lambda: Certificates(_server(certificates.web), _server(certificates.plugs)))


def _server(door: Door | None) -> ServerCertificates | None:
    if door is None:
        return None
    found = door.authority()
    return ServerCertificates(door.own is not None, None if found is None else _view(see(found)), _view(door.seen()))


def _view(seen: Seen | None) -> CertificateView | None:
    return None if seen is None else CertificateView(seen.fingerprint, seen.names, _ms(seen.begin), _ms(seen.end))


def _ms(time: datetime) -> int:
    return int(time.timestamp()) * 1000


def _file(body: bytes, kind: str, disposition: str) -> web.Response:
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return web.Response(body=body, content_type=kind, headers=headers)


EXAMPLE_AUTHORITY = CertificateView("A1:B2:…:F0", [], 1577836800000, 2111616000000)
EXAMPLE_LEAF = CertificateView("C3:D4:…:0F", ["plughub.local", "192.168.1.20"], 1796000000000, 1830300800000)
EXAMPLE = Certificates(ServerCertificates(False, EXAMPLE_AUTHORITY, EXAMPLE_LEAF), None)

ROUTES = (
    Route(
        method="GET",
        path="/certificates/ca",
        summary="The hub's certificate authority, for browsers",
        tag=TAG,
        handler=get_authority,
        role="open",
        query=AuthorityQuery,
        media="application/x-x509-ca-cert",
        errors=("authority-unused",),
        description="It can vouch for names and addresses of a home network only.",
    ),
    Route(
        method="GET",
        path="/certificates/ca.mobileconfig",
        summary="The same as a profile for iOS, iPadOS and macOS",
        tag=TAG,
        handler=get_profile,
        role="open",
        media="application/x-apple-aspen-config",
        errors=("authority-unused",),
    ),
    Route(
        method="GET",
        path="/certificates/access",
        summary="How HTTPS is reached",
        tag=TAG,
        handler=get_https_access,
        role="open",
        answer=HttpsAccess,
        answer_example=HttpsAccess(
            secure=False,
            port=8443,
            only=False,
            own=False,
            address="https://192.168.1.20:8443",
            install="http://192.168.1.20:8080/secure",
            authority="Smart Plug AI 1f00c3d9",
        ),
    ),
    Route(
        method="GET",
        path="/certificates/qr",
        summary="The page that installs the authority, as a QR code for another device",
        tag=TAG,
        handler=get_install_code,
        role="open",
        media="image/svg+xml",
        errors=("request-invalid",),
    ),
    Route(
        method="GET",
        path="/certificates/trusted",
        summary="Answers with nothing: whoever gets it over HTTPS trusts the certificate",
        tag=TAG,
        handler=is_trusted,
        role="open",
    ),
    Route(
        method="GET",
        path="/certificates",
        summary="Authorities and certificates in use",
        tag=TAG,
        handler=get_certificates,
        role="operator",
        answer=Certificates,
        answer_example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/certificates/renew",
        summary="Issue new certificates now, or read those of the configuration again",
        tag=TAG,
        handler=renew_certificates,
        role="operator",
        answer=Certificates,
        answer_example=EXAMPLE,
        errors=("certificates-unwritable",),
        description="Open connections go on. The authorities stay: no device has to install anything.",
    ),
)
