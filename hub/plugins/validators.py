"""What a plugin's configuration schema may use beside voluptuous: their mistakes are said in the reader's language."""

from hub.config.validators import (
    Address,
    Duration,
    Flag,
    ListOf,
    Network,
    OneOf,
    Section,
    Size,
    Text,
    Validator,
    Web,
    Whole,
    Wrong,
)

__all__ = [
    "Address",
    "Duration",
    "Flag",
    "ListOf",
    "Network",
    "OneOf",
    "Section",
    "Size",
    "Text",
    "Validator",
    "Web",
    "Whole",
    "Wrong",
]
