"""Certificates: what browsers and plugs are shown, and how HTTPS is reached."""

import msgspec


class HttpsAccess(msgspec.Struct):
    """port: None where HTTPS is off. only: plain HTTP leads there. own: the certificate is one of the configuration,
    so that there is nothing to install. address: the hub over HTTPS as the asker knows it. install: the page that
    tells how, for another device. authority: how the authority is called, None with `own`."""

    secure: bool
    port: int | None
    only: bool
    own: bool
    address: str | None
    install: str | None
    authority: str | None


class CertificateView(msgspec.Struct):
    """fingerprint: SHA-256. names: DNS names and addresses."""

    fingerprint: str
    names: list[str]
    begins: int
    ends: int


class ServerCertificates(msgspec.Struct):
    """own: of the configuration; then `authority` is None. certificate: None where its file cannot be read."""

    own: bool
    authority: CertificateView | None
    certificate: CertificateView | None


class Certificates(msgspec.Struct):
    """web: HTTPS. mqtt: MQTT over TLS. None where that is off."""

    web: ServerCertificates | None
    mqtt: ServerCertificates | None
