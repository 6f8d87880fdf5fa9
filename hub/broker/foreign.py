"""Clients that are not plugs: amqtt is loaded when the first one comes (7 MB that many homes never need)."""

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING

from hub.broker.packets import UNAVAILABLE, encode_connack

if TYPE_CHECKING:
    from hub.broker.client import ClientConnection
    from hub.broker.lane import Lane
    from hub.broker.sessions import HubBroker

log = logging.getLogger(__name__)


class Foreign:
    """Starts amqtt at the first client, in the same event loop, and gives it the connections."""

    def __init__(self) -> None:
        self.lane: Lane | None = None
        self._broker: HubBroker | None = None
        self._starting = asyncio.Lock()

    async def serve(self, connection: "ClientConnection") -> None:
        """Run the session of a client that has logged in, to its end."""
        try:
            broker = await self._ready()
        except Exception:
            log.exception("amqtt could not be started; only plugs are served")
            connection.transport.write(encode_connack(UNAVAILABLE))
            return
        if connection.ended:
            return  # it left meanwhile; it was never told that it is connected, so its will counts for nothing
        try:
            await broker.serve(connection)
        except Exception:
            connection.lane.counts["client_errors"] += 1
            log.exception("The session of MQTT client %r ended with an error", connection.login.name)

    async def stop(self) -> None:
        """After all connections have ended."""
        if self._broker is not None:
            await self._broker.shutdown()
            self._broker = None

    async def _ready(self) -> "HubBroker":
        async with self._starting:
            if self._broker is None:
                assert self.lane is not None
                # In a thread: on a Raspberry Pi the import takes long enough to delay live data.
                module = await asyncio.to_thread(importlib.import_module, "hub.broker.sessions")
                broker: HubBroker = module.HubBroker(self.lane)
                await broker.start()
                self._broker = broker
            return self._broker
