"""Slots: how many of a thing may run at once; whoever comes then is refused, not kept waiting."""

from collections.abc import Iterator
from contextlib import contextmanager

from hub.messages import HubError


class Slots:
    """On the event loop only."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0

    @property
    def free(self) -> int:
        """How many are left."""
        return self.most - self._taken

    @contextmanager
    def taken(self, refusal: str) -> Iterator[None]:
        """Take one for the block. Raises HubError(refusal) with `limit` where all are taken."""
        if self.free <= 0:
            raise HubError(refusal, limit=self.most)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
