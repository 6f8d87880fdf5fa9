"""A plug for simulations: two outlets, a ring each, replay by ack, a counter that may survive a power cut or not."""

import random
from typing import Any

RING = 300
BATCH = 120


class SimPlug:
    """Keeps the device contract as the firmware does; `made` is the truth to compare with."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.counter = [rng.randrange(10_000), 0]
        self.made: dict[tuple[str, int, int], int | None] = {}  # run, channel, seq -> counter; None = bad reading
        self.times: dict[tuple[str, int, int], int] = {}
        self.runs: list[str] = []
        self.lost: set[tuple[str, int, int]] = set()  # left the ring, or went with the power
        self.true_mwh = [0, 0]
        self.boot("power_on")

    def boot(self, reason: str) -> None:
        self.run = f"{self.rng.getrandbits(64):016x}"
        self.runs.append(self.run)
        self.reason = reason
        self.up = self.rng.randrange(500)
        self.rings: list[dict[int, dict[str, Any]]] = [{}, {}]
        self.seq = [0, 0]
        self.todo: list[list[int]] = [[], []]
        self.session: list[str | None] = [None, None]
        self.promised = [-1, -1]  # up to where the hub said that it has everything: no excuse for losing these

    def power_cut(self, *, counter_survives: bool) -> None:
        for channel, ring in enumerate(self.rings):
            self.lost |= {(self.run, channel, seq) for seq in ring if seq > self.promised[channel]}
        if not counter_survives:
            self.counter = [0, 0]
        self.boot("power_on" if not counter_survives else "watchdog")

    def status(self) -> dict[str, Any]:
        channels = {str(c): {"on": True, "oldest": self.oldest(c)} for c in (0, 1)}
        return {"status": "on", "run": self.run, "reason": self.reason, "channels": channels}

    def oldest(self, channel: int) -> int:
        ring = self.rings[channel]
        return min(ring) if ring else self.seq[channel]

    def measure(self, now: int) -> list[dict[str, Any]]:
        """One second, which ends at `now` (s): a live message for each outlet."""
        self.now = now
        self.up += 1000
        return [self._one(channel) for channel in (0, 1)]

    def _one(self, channel: int) -> dict[str, Any]:
        rng, seq, ring = self.rng, self.seq[channel], self.rings[channel]
        power = rng.choice((0.0, 12.5, 800.0, 2100.0))
        step = int(power / 3.6)
        self.counter[channel] += step
        self.true_mwh[channel] += step
        bad = rng.random() < 0.004
        self.seq[channel] += 1
        reading = {
            "voltage": None if bad else 230.0,
            "current": 600.0 if not bad and rng.random() < 0.002 else 1.0,
            "power": power,
            "energy_mwh": self.counter[channel],
            "relay_state": power > 0,
            "up": self.up,
        }
        refused = bad or reading["current"] == 600.0
        self.made[self.run, channel, seq] = None if refused else self.counter[channel]
        self.times[self.run, channel, seq] = self.now
        ring[seq] = reading
        if len(ring) > RING:
            oldest = min(ring)
            if oldest > self.promised[channel]:
                self.lost.add((self.run, channel, oldest))
            del ring[oldest]
        return {"run": self.run, "channel": channel, "seq": seq, "oldest": self.oldest(channel), **reading}

    def replay(self) -> list[dict[str, Any]]:
        """The next batch of each outlet that has something to send again."""
        batches = []
        for channel in (0, 1):
            ring = self.rings[channel]
            todo = [seq for seq in self.todo[channel] if seq in ring]
            batch: list[int] = []
            for seq in todo[:BATCH]:
                steady = not batch or (seq == batch[-1] + 1 and ring[seq]["up"] == ring[batch[-1]]["up"] + 1000)
                if not steady:
                    break
                batch.append(seq)
            self.todo[channel] = todo[len(batch) :]
            if batch:
                columns = {
                    name: [ring[seq][name] for seq in batch]
                    for name in ("voltage", "current", "power", "energy_mwh", "relay_state")
                }
                head = {"run": self.run, "channel": channel, "seq": batch[0], "oldest": self.oldest(channel)}
                batches.append({**head, "up": ring[batch[0]]["up"], "dt": 1000, **columns})
        return batches

    def reconnect(self) -> None:
        self.session = [None, None]

    def on_ack(self, ack: dict[str, Any]) -> None:
        for entry in ack["acks"]:
            if entry["run"] != self.run:
                continue
            channel, done = entry["channel"], entry["seq"]
            again = ack["session"] != self.session[channel]
            if again or (entry["seen"] > done and not self.todo[channel]):
                self.session[channel] = ack["session"]
                self.todo[channel] = [seq for seq in sorted(self.rings[channel]) if seq > done]
