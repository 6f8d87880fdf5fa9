"""Pairing: plug and hub prove to each other that they know the code on its label; then the plug gets its secret."""

from hub.devices.pairing.protocol import Label, new_code, read_label, shown_code
from hub.devices.pairing.service import Pairing
from hub.devices.pairing.state import PairingState

__all__ = ["Label", "Pairing", "PairingState", "new_code", "read_label", "shown_code"]
