"""Which ports a hub takes: its own, or in the demo the next free ones, remembered in the data folder."""

import errno
import json
import socket
from pathlib import Path

FILE_NAME = "ports.json"
TRIES = 100


class Ports:
    """Chooses ports by name ("http", "mqtt"). `may_move`: where the wanted one is in use, the next free one is taken,
    and again at the next start."""

    def __init__(self, data: Path, *, may_move: bool) -> None:
        self._file = data / FILE_NAME
        self._may_move = may_move
        self.moved = False

    def choose(self, host: str, **wanted: int) -> dict[str, int]:
        """The port to listen on for each name. Without `may_move` that is the wanted one, whoever holds it now."""
        if not self._may_move:
            return wanted
        remembered = self._read()
        chosen: dict[str, int] = {}
        for name, port in wanted.items():
            known = remembered.get(name, {})
            first = known.get("port", port) if known.get("wanted") == port else port
            candidates = (first, *range(port, min(port + TRIES, 65536)))
            taken = set(chosen.values())
            free = (number for number in candidates if number not in taken and is_free(host, number))
            chosen[name] = next(free, port)
        # What was taken at an earlier start may be free by now: then nothing is to be told.
        self.moved = any(chosen[name] != port and not is_free(host, port) for name, port in wanted.items())
        places = {name: {"wanted": port, "port": chosen[name]} for name, port in wanted.items()}
        if places != remembered:
            self._file.write_text(json.dumps(places) + "\n", encoding="utf-8")
        return chosen

    def _read(self) -> dict[str, dict[str, int]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {str(name): {key: int(value[key]) for key in ("wanted", "port")} for name, value in stored.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            # Only a convenience: a damaged file costs another search for free ports.
            return {}


def is_free(host: str, port: int) -> bool:
    """Could a server listen there now? What else speaks against it, its own start will say."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True
