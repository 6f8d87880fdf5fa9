"""Makes authorities and what they issue (X.509, P-256), and reads them again."""

import hashlib
import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.auth.certificates.names import HOUSE_DOMAINS, HOUSE_NETWORKS, PLAIN, Names

PLUG_SERVER_NAME = PLAIN  # what a plug asks for: the hub's address changes, and its authority vouches for no other
LONGEST_NAME = 64  # of a common name, in letters
NOBODY = f"{PLAIN}.invalid"
"""A domain that nobody ever has (RFC 6761)."""


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Span(NamedTuple):
    """From when until when something is valid."""

    begin: datetime
    end: datetime


def make_authority(name: str, span: Span, permitted: Iterable[str] | None) -> Pair:
    """An authority. `permitted`: the only DNS names beside those of a house for which it may vouch, and then for
    servers alone; None = no limits (Mbed TLS refuses an authority that has some)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = _builder(subject, subject, key, key, span)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    if permitted is not None:
        trees: list[x509.GeneralName] = [x509.DNSName(one) for one in dict.fromkeys((*HOUSE_DOMAINS, *permitted))]
        trees += [x509.IPAddress(network) for network in HOUSE_NETWORKS]
        # A kind of name that is not listed would be free. Names of persons and firms (directoryName) stay so: Go and
        # rustls refuse every certificate of an authority that limits them. The usage does: no server is known by one.
        trees += [x509.RFC822Name(NOBODY), x509.UniformResourceIdentifier(NOBODY)]
        builder = builder.add_extension(x509.NameConstraints(trees, None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Pair, names: Names, span: Span) -> Pair:
    """A server's certificate for these names, with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
    alternatives += [x509.IPAddress(address) for address in names.addresses]
    builder = _builder(_subject(names.dns[0]), authority.certificate.subject, key, authority.key, span)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def permitted_names(authority: x509.Certificate, wanted: Names) -> Names:
    """Those of the names for which the authority may vouch: one that it may not would spoil the whole certificate."""
    try:
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return wanted
    trees = constraints.permitted_subtrees or []
    domains = [tree.value for tree in trees if isinstance(tree, x509.DNSName)]
    networks = [tree.value for tree in trees if isinstance(tree, x509.IPAddress)]
    dns = (name for name in wanted.dns if any(name == one or name.endswith(f".{one}") for one in domains))
    addresses = (one for one in wanted.addresses if any(_contains(network, one) for network in networks))
    return Names(tuple(dns), tuple(addresses))


def names_of(certificate: x509.Certificate) -> Names:
    """The names and addresses for which it was issued."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names()
    dns, addresses = found.get_values_for_type(x509.DNSName), found.get_values_for_type(x509.IPAddress)
    single = [one for one in addresses if isinstance(one, (ipaddress.IPv4Address, ipaddress.IPv6Address))]
    return Names(tuple(dns), tuple(single))


def span_of(certificate: x509.Certificate) -> Span:
    """When it is valid."""
    return Span(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Did this authority sign it?"""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of it, in hex with colons, as the systems show it."""
    return hashlib.sha256(der(certificate)).digest().hex(":").upper()


def der(certificate: x509.Certificate) -> bytes:
    """As bytes."""
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate: x509.Certificate) -> str:
    """As text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def to_text(pair: Pair) -> str:
    """Key and certificate in one PEM text: one file, so that they are never of two kinds."""
    key = pair.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode() + pem(pair.certificate)


def from_text(text: str) -> Pair:
    """What `to_text` wrote. ValueError: it is not that."""
    data = text.encode()
    key = serialization.load_pem_private_key(data, password=None)
    certificate = x509.load_pem_x509_certificate(data)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("key and certificate do not belong together")
    return Pair(certificate, key)


def utc(milliseconds: int) -> datetime:
    """Unix ms as a time; what lies beyond the calendar as its end."""
    return datetime.fromtimestamp(min(max(milliseconds, 0), 4_102_444_800_000) / 1000, UTC)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:LONGEST_NAME])])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    span: Span,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span.begin)
        .not_valid_after(span.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _contains(network: object, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(network, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return network.version == address.version and address in network
    return False
