"""Client of the API for Python programs; the command line uses it. Imports nothing else of the hub."""

from hub.client.client import HubClient
from hub.client.errors import AddressInvalid, ApiError, HubUnreachable, IdInvalid, KeyInvalid, path_of

__all__ = ["AddressInvalid", "ApiError", "HubClient", "HubUnreachable", "IdInvalid", "KeyInvalid", "path_of"]
