"""A plug for simulations: two outlets, a ring each, minutes in flash, replay by ack, a counter that a power cut may set
back to where the flash had it."""

import random
from collections.abc import Callable
from typing import Any

RING = 300
BATCH = 120
MINUTE = 20  # s; everything is faster here
QUIET = 60  # s without an ack, after which minutes are written

Kept = tuple[str, int, int, int]
"""run, channel, first and last seq"""


class SimPlug:
    """Keeps the device contract as the firmware does; `made` is the truth to compare with."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.counter = [rng.randrange(10_000), 0]
        self.made: dict[tuple[str, int, int], int | None] = {}  # run, channel, seq -> counter; None = bad reading
        self.times: dict[tuple[str, int, int], int] = {}
        self.ups: dict[tuple[str, int, int], int] = {}
        self.runs: list[str] = []
        self.lost: set[tuple[str, int, int]] = set()  # left the ring, or went with the power
        self.true_mwh = [0, 0]
        self.flash: dict[Kept, dict[str, Any]] = {}
        self.let_go: dict[Kept, dict[str, Any]] = {}  # what acks named
        self.reasons: dict[str, str] = {}
        self.offsets: dict[str, int] = {}  # Unix ms - up of runs that knew the time
        self.heard = self.now = 0
        self.boot("power_on")

    def boot(self, reason: str) -> None:
        self.run = f"{self.rng.getrandbits(64):016x}"
        self.runs.append(self.run)
        self.reason = self.reasons[self.run] = reason
        self.heard = self.now
        self.logged: list[int | None] = [None, None]  # the next seq to write
        self.acked = [-1, -1]
        self.sending: list[Kept] = []
        self.up = self.rng.randrange(500)
        self.rings: list[dict[int, dict[str, Any]]] = [{}, {}]
        self.seq = [0, 0]
        self.todo: list[list[int]] = [[], []]
        self.session: list[str | None] = [None, None]
        self.promised = [-1, -1]  # up to where the hub said that it has everything: no excuse for losing these

    def power_cut(self, *, counter_survives: bool) -> None:
        for channel, ring in enumerate(self.rings):
            self.lost |= {(self.run, channel, seq) for seq in ring if seq > self.promised[channel]}
        for kept in [kept for kept in self.let_go if self.rng.random() < 0.3]:
            self.flash[kept] = self.let_go.pop(kept)  # its segment still held others: it comes again
        self.flash = dict(sorted(self.flash.items(), key=lambda item: (self.runs.index(item[0][0]), *item[0][1:])))
        if not counter_survives:
            last = [[m["energy_mwh"] for (_, c, _, _), m in self.flash.items() if c == channel] for channel in (0, 1)]
            self.counter = [values[-1] if values else 0 for values in last]
        self.boot("power_on" if not counter_survives else "watchdog")

    def status(self) -> dict[str, Any]:
        channels = {str(c): {"on": True, "oldest": self.oldest(c)} for c in (0, 1)}
        return {"status": "on", "run": self.run, "reason": self.reason, "channels": channels, "older": self.older()}

    def older(self) -> list[str]:
        return [run for run in dict.fromkeys(kept[0] for kept in self.flash) if run != self.run]

    def oldest(self, channel: int) -> int:
        ring = self.rings[channel]
        return min(ring) if ring else self.seq[channel]

    def measure(self, now: int) -> list[dict[str, Any]]:
        """One second, which ends at `now` (s): a live message for each outlet."""
        self.now = now
        self.up += 1000
        messages = [self._one(channel) for channel in (0, 1)]
        for channel in (0, 1):
            if self.logged[channel] is None and now - self.heard >= QUIET:
                self.logged[channel] = self.acked[channel] + 1
            if self.logged[channel] is not None and self.seq[channel] % MINUTE == 5:
                self._write(channel)
        return messages

    def _write(self, channel: int) -> None:
        ring, first = self.rings[channel], max(self.logged[channel] or 0, self.oldest(channel))
        while (last := 0 if first == 0 else first // MINUTE * MINUTE + MINUTE - 1) < self.seq[channel]:
            samples = [ring[seq] for seq in range(first, last + 1)]
            powers = [sample["power"] for sample in samples]
            self.flash[self.run, channel, first, last] = {
                "seq_from": first,
                "seq_to": last,
                "up": samples[-1]["up"],
                "min": min(powers),
                "mean": sum(powers) / len(powers),
                "max": max(powers),
                "energy_mwh": samples[-1]["energy_mwh"],
                "on_s": sum(sample["relay_state"] for sample in samples),
            }
            first = last + 1
        self.logged[channel] = first

    def minutes(self) -> list[dict[str, Any]]:
        """The next message, once the replay of the ring is over."""
        if any(self.todo) or not self.sending:
            return []
        run, channel = self.sending[0][:2]
        chosen = [kept for kept in self.sending if kept[:2] == (run, channel)][:10]
        self.sending = [kept for kept in self.sending if kept not in chosen]
        records = [self.flash[kept] for kept in chosen if kept in self.flash]
        if run in self.offsets:
            records = [record | {"ts": record["up"] + self.offsets[run]} for record in records]
        return [{"run": run, "channel": channel, "reason": self.reasons[run], "minutes": records}]

    def join_neighbours(self) -> None:
        """The flash is full: what is oldest becomes less detailed."""
        kept = list(self.flash)
        for a, b in zip(kept[: len(kept) // 2 : 2], kept[1 : len(kept) // 2 + 1 : 2], strict=False):
            if a[:2] == b[:2] and a[3] + 1 == b[2] and a[3] > a[2] and b[3] - a[2] < 200:
                one, two = self.flash.pop(a), self.flash[b]
                n, m = a[3] - a[2] + 1, b[3] - b[2] + 1
                two = two | {"seq_from": a[2], "on_s": one["on_s"] + two["on_s"]}
                two |= {"min": min(one["min"], two["min"]), "max": max(one["max"], two["max"])}
                two["mean"] = (one["mean"] * n + two["mean"] * m) / (n + m)
                self.flash = {
                    (*a[:3], b[3]) if key == b else key: two if key == b else value for key, value in self.flash.items()
                }
        self.sending = [kept for kept in self.sending if kept in self.flash]

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
        self.ups[self.run, channel, seq] = self.up
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
        self.heard = self.now
        if "time" in ack:
            self.offsets[self.run] = ack["time"] - self.up
        for entry in ack["acks"]:
            for first, last in entry.get("minutes", []):
                self._let_go(
                    lambda k, e=entry, a=first, b=last: k[:2] == (e["run"], e["channel"]) and a <= k[2] and k[3] <= b
                )
            if entry["run"] != self.run:
                continue
            channel, done = entry["channel"], entry["seq"]
            self.acked[channel], oldest = done, self.oldest(channel)
            self._let_go(lambda k, c=channel, a=oldest, b=done: k[:2] == (self.run, c) and a <= k[2] and k[3] <= b)
            logged = self.logged[channel]
            if logged is not None and done >= logged - 1:
                self.logged[channel] = None
            again = ack["session"] != self.session[channel]
            if again or (entry["seen"] > done and not self.todo[channel]):
                self.session[channel] = ack["session"]
                self.sending = list(self.flash)
                self.todo[channel] = [seq for seq in sorted(self.rings[channel]) if seq > done]

    def _let_go(self, may_go: Callable[[Kept], bool]) -> None:
        for kept in [kept for kept in self.flash if may_go(kept)]:
            self.let_go[kept] = self.flash.pop(kept)
