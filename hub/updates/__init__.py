"""Updates: asks, where the operator allows it, which version of the hub is the newest, and tells of it."""

from hub.updates.notice import Notice, opened, sealed
from hub.updates.service import Newest, Updates

__all__ = ["Newest", "Notice", "Updates", "opened", "sealed"]
