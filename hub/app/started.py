"""Which parts have started; they stop in reverse."""

import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import DatabaseError

from hub.messages import HubError
from hub.plugins.contract import StoreError

Step = Callable[[], Awaitable[object]]
log = logging.getLogger("hub.app")


class Started:
    """The parts in their order, each under the name by which people are told of it."""

    def __init__(self) -> None:
        self.unsaved: list[HubError] = []  # what could not be brought to an end
        self._parts: list[tuple[str, Step]] = []

    async def begin(self, part: str, start: Step, stop: Step | None = None) -> None:
        """Start it. Raises HubError("hub-part-failed") that names the part and why."""
        try:
            await start()
        except HubError as error:
            raise HubError("hub-part-failed", part=part, reason=error.message) from error
        except (OSError, StoreError) as error:
            raise HubError("hub-part-failed", part=part, reason=str(error)) from error
        if stop is not None:
            self.add(part, stop)

    def add(self, part: str, stop: Step) -> None:
        """It has started already."""
        self._parts.append((part, stop))

    async def stop(self) -> None:
        """Stop them in reverse; one that fails to stop does not keep the others from stopping."""
        while self._parts:
            part, stop = self._parts.pop()
            try:
                await stop()
            except HubError as error:
                self.unsaved.append(error)
                log.error("%s did not stop cleanly: %s", part, error)
            except (OSError, DatabaseError) as error:  # the disk; where in the hub it was met helps nobody
                log.error("%s did not stop cleanly: %s", part, getattr(error, "orig", error))
                self._unsaved(part, getattr(error, "orig", error))
            except Exception as error:
                log.exception("%s did not stop cleanly", part)
                self._unsaved(part, repr(error))

    def _unsaved(self, part: str, reason: object) -> None:
        self.unsaved.append(HubError("hub-part-unsaved", part=part, reason=str(reason)))


def step(call: Callable[[], object]) -> Step:
    """A plain function as a step."""

    async def called() -> None:
        call()

    return called
