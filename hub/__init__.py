"""Smart Plug AI: a self-hosted hub for power-metering smart plugs."""

__version__ = "0.1.0"
