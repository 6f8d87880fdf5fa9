"""Herald: puts what an alert says into the words of its author and sends it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from hub.alerts.alert import Alert, Standing
from hub.alerts.notice import ended, fires
from hub.auth.user import User
from hub.devices.registry import Registry
from hub.messages import render
from hub.plugins.contract import Notification

FIRING_PRIORITY, ENDED_PRIORITY = 4, 3
FIRING_TAGS, ENDED_TAGS = ("warning",), ("white_check_mark",)


class People(Protocol):
    """Who speaks which language."""

    def user(self, user_id: str) -> User | None:
        """The person with this id."""

    def members(self, home: str) -> Sequence[User]:
        """Of a home, by name."""


class Herald:
    """Notifiers stand in the configuration, which is the first home's: what happens in other homes is nobody's
    business there and stays in their own lists. `home`: the first one's id."""

    def __init__(
        self, registry: Registry, people: People, *, home: Callable[[], str], send: Callable[[Notification], None]
    ) -> None:
        self._registry = registry
        self._people = people
        self._home = home
        self._send = send

    def tell(self, alert: Alert, standing: Standing, lasted: float | None) -> None:
        """It fires, or has ended after so many seconds."""
        device = self._registry.device(alert.device)
        if device is None or alert.home != self._home():
            return
        firing = standing.state == "firing"
        message = fires(alert, device, standing.watts) if firing else ended(alert.kind, device, alert.channel, lasted)
        self._send(
            Notification(
                title=alert.name,
                text=render(message, self._language(alert)),
                priority=FIRING_PRIORITY if firing else ENDED_PRIORITY,
                tags=FIRING_TAGS if firing else ENDED_TAGS,
            )
        )

    def _language(self, alert: Alert) -> str:
        """Its author's; of one that nobody made, the first admin's."""
        author = None if alert.author is None else self._people.user(alert.author)
        if author is not None:
            return author.language
        admins = [member for member in self._people.members(alert.home) if member.roles[alert.home] == "admin"]
        return admins[0].language if admins else "en"
