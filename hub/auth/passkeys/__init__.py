"""Passkeys (WebAuthn): signing in with what a phone, computer or security key keeps, without typing anything."""

from hub.auth.passkeys.ceremony import Assertion, Attestation, from_base64url, to_base64url
from hub.auth.passkeys.challenges import LASTS_S
from hub.auth.passkeys.places import Place, place_of
from hub.auth.passkeys.service import Passkey, Passkeys

__all__ = [
    "LASTS_S",
    "Assertion",
    "Attestation",
    "Passkey",
    "Passkeys",
    "Place",
    "from_base64url",
    "place_of",
    "to_base64url",
]
