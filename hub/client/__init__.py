"""Client of the API for Python programs; the command line uses it. Imports nothing else of the hub."""

from hub.client.client import ApiError, HubClient, HubUnreachable

__all__ = ["ApiError", "HubClient", "HubUnreachable"]
