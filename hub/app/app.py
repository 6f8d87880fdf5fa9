"""The hub as one thing that starts and stops."""

from hub.api.problems import Problems
from hub.app.broker import open_broker
from hub.app.given import Addresses, Given, Options
from hub.app.history import open_history
from hub.app.people import open_people
from hub.app.registry import open_registry, tell_faults
from hub.app.rules import open_rules
from hub.app.started import Started
from hub.app.web import open_web
from hub.bus import Bus
from hub.clock import Clock
from hub.config import Configuration
from hub.devices.pairing import Pairing
from hub.messages import HubError
from hub.plugins import PluginManager
from hub.ports import Ports
from hub.wiring import problem_reporter


class App:
    """The hub. `start()` leaves nothing behind when a part fails; `stop()` commits everything."""

    def __init__(
        self, options: Options, configuration: Configuration, plugins: PluginManager, *, bus: Bus, clock: Clock
    ) -> None:
        self.ports = Ports(options.data, may_move=options.demo)
        self.addresses = Addresses()
        self.needs_setup = False
        self.pairing: Pairing | None = None  # there once the hub has started
        self._given = Given(
            options=options,
            configuration=configuration,
            plugins=plugins,
            bus=bus,
            clock=clock,
            ports=self.ports,
            addresses=self.addresses,
            started=Started(),
        )

    @property
    def unsaved(self) -> list[HubError]:
        """What could not be brought to an end."""
        return self._given.started.unsaved

    async def start(self) -> None:
        """Start everything in order. Raises HubError("hub-part-failed") that names the part and why."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in reverse what was started; a part that fails to stop does not keep the others from stopping."""
        await self._given.started.stop()

    async def _start(self) -> None:
        given = self._given
        problems = Problems(given.bus, given.clock)  # first: whatever a part raises at its start is kept
        registry = await open_registry(given)
        people = await open_people(given, registry)
        self.needs_setup = not registry.identity.people.has_admin()
        history = await open_history(given, registry)
        broker = await open_broker(given, registry, people, history)
        rules = await open_rules(given, registry, history, broker)
        tell_faults(registry.database, problem_reporter(given.bus))  # by now all of it has been read
        await open_web(given, problems, base=registry, people=people, history=history, way=broker, rules=rules)
        self.pairing = people.pairing
