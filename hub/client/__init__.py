"""Client of the API for Python programs; the command line uses it. Imports nothing else of the hub."""

from hub.client.calls import ApiError, HubUnreachable, IdInvalid, path_of
from hub.client.client import HubClient

__all__ = ["ApiError", "HubClient", "HubUnreachable", "IdInvalid", "path_of"]
