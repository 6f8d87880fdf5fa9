"""Somebody who looks at the home over the WebSocket, and notes when each sample arrived."""

import asyncio
import json
import time

import aiohttp

from hub.testing.process import HubProcess

RENEW_S = 25 * 60


class Watcher:
    """A WebSocket client that notes when it saw which counter value."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.seen: dict[str, int] = {}
        self._ready = asyncio.Event()

    async def watch(self, names: dict[str, str]) -> None:
        """Note arrivals until cancelled; `names` maps device ids to hardware ids."""
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{self.hub.url}/ws") as socket:
            await socket.send_json({"type": "auth", "token": self.hub.token})
            await socket.send_json({"type": "subscribe", "rooms": [f"home:{self.hub.home}"]})
            renewing = asyncio.create_task(self._renew(socket))
            try:
                await self._note(socket, names)
            finally:
                renewing.cancel()

    async def _note(self, socket: aiohttp.ClientWebSocketResponse, names: dict[str, str]) -> None:
        async for message in socket:
            now = time.time_ns()
            frame = json.loads(message.data)
            if frame["type"] == "subscribed":
                self._ready.set()
            elif frame["type"] == "samples":
                for item in frame["items"]:
                    self.seen.setdefault(f"{names.get(item[0])}/{item[7]}", now)

    async def _renew(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """As the web app does before its token runs out."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.hub.log_in()
            await socket.send_json({"type": "auth", "token": self.hub.token})

    async def ready(self) -> None:
        """Wait until subscribed."""
        await asyncio.wait_for(self._ready.wait(), 10)
