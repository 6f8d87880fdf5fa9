"""Every sentence for people, by id, in English and German; rendered in the reader's language at the edge."""

from hub.messages.catalog import LANGUAGES, HubError, Message, render

__all__ = ["LANGUAGES", "HubError", "Message", "render"]
