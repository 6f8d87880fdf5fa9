"""What a browser hands over from an authenticator, judged by the WebAuthn library. Blocking, and heavy at its first
use: for a worker thread."""

import base64

import msgspec

from hub.auth.passkeys.places import Place
from hub.messages import HubError

FORMATS = ("none", "packed")
"""Of what makers say of their authenticators nothing is asked for: a browser then says nothing, or what proves
nothing. The others, with certificates of makers, are not read at all."""


class Attestation(msgspec.Struct, frozen=True):
    """A new passkey as navigator.credentials.create() gives it. attestation: the CBOR object; client_data: JSON."""

    attestation: bytes
    client_data: bytes


class Assertion(msgspec.Struct, frozen=True):
    """A signature as navigator.credentials.get() gives it. credential: the passkey's id; user: the id that it was made
    for, as UTF-8."""

    credential: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    user: bytes


class Made(msgspec.Struct, frozen=True):
    """A new passkey, judged. public_key: COSE."""

    credential: bytes
    public_key: bytes
    sign_count: int


class ClientData(msgspec.Struct, frozen=True, rename="camel"):
    """What the browser says of the page. cross_origin: it stands in another website's page."""

    challenge: str
    cross_origin: bool = False


def challenge_in(client_data: bytes) -> bytes:
    """Which challenge this answers. Raises HubError("passkey-unreadable")."""
    try:
        said = msgspec.json.decode(client_data, type=ClientData)
        if said.cross_origin:
            raise HubError("passkey-unreadable")
        return from_base64url(said.challenge)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HubError("passkey-unreadable") from error


def judge_attestation(shown: Attestation, challenge: bytes, place: Place) -> Made:
    """Is this a passkey of that place, made for this challenge by somebody who proved themselves to the device?

    Raises HubError("passkey-unreadable", "passkey-unverified").
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url, parse_attestation_object
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential

    try:
        held = parse_attestation_object(shown.attestation)
        if held.fmt not in FORMATS or held.auth_data.attested_credential_data is None:
            raise HubError("passkey-unreadable")
        credential = held.auth_data.attested_credential_data.credential_id
        judged = verify_registration_response(
            credential=RegistrationCredential(
                bytes_to_base64url(credential),
                credential,
                AuthenticatorAttestationResponse(shown.client_data, shown.attestation),
            ),
            expected_challenge=challenge,
            expected_rp_id=place.name,
            expected_origin=place.origin,
        )
    except HubError:
        raise
    except Exception as error:  # made up by somebody: the library's parsers raise whatever they stumble over
        raise HubError("passkey-unreadable") from error
    if not judged.user_verified:
        raise HubError("passkey-unverified")
    return Made(judged.credential_id, judged.credential_public_key, judged.sign_count)


def judge_assertion(shown: Assertion, public_key: bytes, challenge: bytes, place: Place) -> int:
    """Is this signed with the passkey, at that place, for this challenge? The authenticator's counter, for the caller
    to compare. Raises HubError("passkey-refused", "passkey-unverified")."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

    try:
        judged = verify_authentication_response(
            credential=AuthenticationCredential(
                bytes_to_base64url(shown.credential),
                shown.credential,
                AuthenticatorAssertionResponse(shown.client_data, shown.authenticator_data, shown.signature),
            ),
            expected_challenge=challenge,
            expected_rp_id=place.name,
            expected_origin=place.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
    except Exception as error:  # as above
        raise HubError("passkey-refused") from error
    if not judged.user_verified:
        raise HubError("passkey-unverified")
    return judged.new_sign_count


def from_base64url(text: str) -> bytes:
    """Without padding. Raises HubError("passkey-unreadable")."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise HubError("passkey-unreadable") from error


def to_base64url(raw: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
