"""Builds the parts of the hub, starts them in order, stops them in reverse. The one package that knows them all.

Each module builds one layer on those before it: registry, people, history, broker, rules, web.
"""

from hub.app.app import App
from hub.app.given import Options

__all__ = ["App", "Options"]
