"""A pairing window as the API and the WebSocket show it."""

from hub.api.types.pairing import Pairing, PairingError
from hub.devices.pairing import PairingState
from hub.messages import render


def pairing_view(window: PairingState, language: str) -> Pairing:
    """In the reader's language; whose it is has been checked."""
    error = None
    if window.error is not None:
        error = PairingError(window.error.id, render(window.error, language))
    return Pairing(
        id=window.id,
        hardware_id=window.hardware_id,
        name=window.name,
        state=window.state,
        opened=window.opened,
        expires=window.expires,
        tries_left=window.tries_left,
        error=error,
        device=window.device,
        replaces=window.replaces,
    )
