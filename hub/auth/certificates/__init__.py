"""The hub's own certificate authorities, one for browsers and one for plugs, and what they issue for this hub."""

from hub.auth.certificates.issuer import BrowserIssuer, Issuer, PlugIssuer
from hub.auth.certificates.names import LOCALHOST, Names, hub_names, mdns_name
from hub.auth.certificates.service import Certificates, Seen
from hub.auth.certificates.x509 import PLUG_SERVER_NAME, fingerprint

__all__ = [
    "LOCALHOST",
    "PLUG_SERVER_NAME",
    "BrowserIssuer",
    "Certificates",
    "Issuer",
    "Names",
    "PlugIssuer",
    "Seen",
    "fingerprint",
    "hub_names",
    "mdns_name",
]
