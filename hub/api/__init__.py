"""The API: REST, WebSocket, OpenAPI and the web app behind one port. Wired by hub/app."""

from hub.api.problems import Problems
from hub.api.server import ApiServer
from hub.api.services import Services
from hub.api.today import Today
from hub.api.types.system import PluginView
from hub.api.views import DeviceViews

__all__ = ["ApiServer", "DeviceViews", "PluginView", "Problems", "Services", "Today"]
