"""What somebody could do with the stolen key of the authority for browsers: nothing but pose as a server of a house.
OpenSSL's own command judges, and the verifier of Python's cryptography."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from hub.auth.certificates import BrowserIssuer
from hub.auth.certificates.x509 import Pair, Span, make_authority, pem, to_text
from tests.certificates.parts import NAMES, client_context, server_side, shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
EVERYTHING = (
    *(ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH),
    ExtendedKeyUsageOID.SERVER_AUTH,
)


@pytest.fixture
def issuer(tmp_path: Path) -> BrowserIssuer:
    made = BrowserIssuer(tmp_path / "certificates", "Smart Plug AI 1f00c3d9")
    made.ensure(NAMES, NOW, LONG_AGO, certain=True)
    return made


def forge(authority: Pair, subject: list[x509.NameAttribute[str]], *names: x509.GeneralName) -> x509.Certificate:
    """For every usage there is."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage(EVERYTHING), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def named(text: str) -> list[x509.NameAttribute[str]]:
    return [x509.NameAttribute(NameOID.COMMON_NAME, text)]


def judged(folder: Path, authority: Pair, certificate: x509.Certificate, purpose: str, *options: str) -> str:
    """What OpenSSL says of it for this purpose: "OK", or why not."""
    (folder / "ca.pem").write_text(pem(authority.certificate))
    (folder / "leaf.pem").write_text(pem(certificate))
    asked = ["openssl", "verify", *options, "-CAfile", "ca.pem", "-purpose", purpose, "leaf.pem"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return "OK" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("purpose", ["smimesign", "smimeencrypt", "sslclient"])
def test_it_vouches_for_servers_only(tmp_path: Path, issuer: BrowserIssuer, purpose: str) -> None:
    forged = forge(issuer.authority, named("Microsoft Update"), x509.DNSName("plughub.local"))
    assert "purpose" in judged(tmp_path, issuer.authority, forged, purpose)


@pytest.mark.parametrize(
    "name",
    [x509.RFC822Name("ceo@bank.example"), x509.UniformResourceIdentifier("https://bank.example/")],
    ids=["e-mail", "URI"],
)
@pytest.mark.parametrize("purpose", ["any", "sslserver"])
def test_it_vouches_for_no_mailbox_and_no_address_of_a_page(
    tmp_path: Path, issuer: BrowserIssuer, name: x509.GeneralName, purpose: str
) -> None:
    forged = forge(issuer.authority, named("plughub.local"), x509.DNSName("plughub.local"), name)
    assert "permitted subtree violation" in judged(tmp_path, issuer.authority, forged, purpose)


def test_nor_for_a_mailbox_in_the_subject(tmp_path: Path, issuer: BrowserIssuer) -> None:
    mailbox = x509.NameAttribute(NameOID.EMAIL_ADDRESS, "ceo@bank.example")
    forged = forge(issuer.authority, [*named("CEO"), mailbox], x509.DNSName("plughub.local"))
    assert "permitted subtree violation" in judged(tmp_path, issuer.authority, forged, "any")


def test_what_it_issues_for_the_hub_is_taken(tmp_path: Path, issuer: BrowserIssuer) -> None:
    leaf = issuer.leaf.certificate
    assert judged(tmp_path, issuer.authority, leaf, "sslserver", "-x509_strict") == "OK"
    trusted = PolicyBuilder().store(Store([issuer.authority.certificate]))
    for dns in NAMES.dns:
        trusted.build_server_verifier(x509.DNSName(dns)).verify(leaf, [])
    for address in NAMES.addresses:
        trusted.build_server_verifier(x509.IPAddress(address)).verify(leaf, [])


def test_an_authority_of_before_stays(tmp_path: Path) -> None:
    """Phones have installed it."""
    old = make_authority("Smart Plug AI 1f00c3d9", Span(datetime(2020, 1, 1, tzinfo=UTC), NOW + timedelta(3000)), None)
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "web-ca.pem").write_text(to_text(old))
    issuer = BrowserIssuer(folder, "Smart Plug AI 1f00c3d9")
    assert issuer.ensure(NAMES, NOW, LONG_AGO, certain=True)
    assert issuer.authority.certificate == old.certificate
    shake_hands(client_context(old), server_side(issuer.leaf, tmp_path), "plughub.local")
