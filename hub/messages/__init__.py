"""Every sentence for people, by id, in English and German; rendered in the reader's language at the edge."""

from hub.messages.catalog import LANGUAGES, HubError, Message, catalog, environment_language, render
from hub.messages.validation import invalid

__all__ = ["LANGUAGES", "HubError", "Message", "catalog", "environment_language", "invalid", "render"]
