"""Which ports a hub takes: its own, or in the demo the next free ones, remembered in the data folder."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from hub.messages import HubError

FILE_NAME = "ports.json"
TRIES = 100


class Ports:
    """Remembers by name ("http", "mqtt") where this hub listened last, when its own port was in use."""

    def __init__(self, data: Path, *, may_move: bool) -> None:
        self._file = data / FILE_NAME
        self._may_move = may_move
        self._remembered: dict[str, dict[str, int]] = self._read() if may_move else {}
        self.moved = False

    async def take(self, name: str, wanted: int, listen: Callable[[int], Awaitable[None]]) -> int:
        """Listen on the wanted port, or on the next free one where that is allowed; returns which.

        `listen` raises HubError("port-in-use") for a port that is taken; so does this when no port may be tried.
        """
        known = self._remembered.get(name, {})
        first = known["port"] if known.get("wanted") == wanted else wanted
        candidates = [first, *(port for port in range(wanted, wanted + TRIES) if port != first and port < 65536)]
        for port in candidates if self._may_move else candidates[:1]:
            try:
                await listen(port)
            except HubError as error:
                if error.id != "port-in-use" or not self._may_move or port == candidates[-1]:
                    raise
                continue
            self._remember(name, wanted, port)
            return port
        raise AssertionError("the last candidate either listened or raised")

    def _remember(self, name: str, wanted: int, port: int) -> None:
        if not self._may_move:
            return
        place = {"wanted": wanted, "port": port}
        if self._remembered.get(name) != place:
            self._remembered[name] = place
            self._file.write_text(json.dumps(self._remembered) + "\n", encoding="utf-8")
        self.moved = self.moved or port != wanted

    def _read(self) -> dict[str, dict[str, int]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {name: {"wanted": int(v["wanted"]), "port": int(v["port"])} for name, v in stored.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            # Only a convenience: a damaged file costs another search for free ports.
            return {}
