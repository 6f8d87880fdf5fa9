"""The authority for browsers as an Apple configuration profile, which iOS, iPadOS and macOS install in few taps."""

import plistlib
import uuid

from cryptography import x509

from hub.auth.certificates.x509 import der, fingerprint

NAMESPACE = uuid.UUID("6d2b2a53-3f6f-5b0e-9d4f-0c2d8a6f7e11")  # the same authority is the same profile


def profile(authority: x509.Certificate, name: str, description: str) -> bytes:
    """The .mobileconfig file. `name` and `description` are what the device shows before it installs it."""
    mark = fingerprint(authority)
    inner, outer = (str(uuid.uuid5(NAMESPACE, f"{part} {mark}")).upper() for part in ("certificate", "profile"))
    content = {
        "PayloadType": "com.apple.security.root",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"ai.smartplug.hub.{inner}",
        "PayloadUUID": inner,
        "PayloadDisplayName": name,
        "PayloadDescription": description,
        "PayloadCertificateFileName": "plughub-ca.crt",
        "PayloadContent": der(authority),
    }
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"ai.smartplug.hub.{outer}",
            "PayloadUUID": outer,
            "PayloadDisplayName": name,
            "PayloadDescription": description,
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [content],
        }
    )
