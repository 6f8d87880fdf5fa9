"""What an admin should see until it ends: the problems that the parts of the hub have raised."""

from hub.api.types.system import ProblemView
from hub.bus import Bus
from hub.clock import Clock
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import Message, render

OWNER = "api.problems"


class Problems:
    """Keeps each problem from ProblemRaised until ProblemEnded, by its message id."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, tuple[Message, int]] = {}
        bus.subscribe(ProblemRaised, self._raised, OWNER)
        bus.subscribe(ProblemEnded, self._ended, OWNER)

    def list(self, language: str) -> list[ProblemView]:
        """Every open problem, oldest first, in the reader's language."""
        return [ProblemView(id, render(message, language), since) for id, (message, since) in self._open.items()]

    def view(self, event: ProblemRaised | ProblemEnded, language: str) -> ProblemView:
        """What a connection is told of an event."""
        if isinstance(event, ProblemEnded):
            return ProblemView(event.id, None, self._clock.now(), ended=True)
        _, since = self._open.get(event.id, (None, self._clock.now()))
        return ProblemView(event.id, render(Message(event.id, event.values), language), since)

    def _raised(self, event: ProblemRaised) -> None:
        _, since = self._open.get(event.id, (None, self._clock.now()))
        self._open[event.id] = (Message(event.id, event.values), since)

    def _ended(self, event: ProblemEnded) -> None:
        self._open.pop(event.id, None)
