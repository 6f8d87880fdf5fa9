"""A hub after the device contract, in memory: what it has settled survives a kill, the rest does not."""

import json


def _joined(ranges: list, seq: int) -> list:
    first = last = seq
    out = []
    for a, b in ranges:
        if b + 1 < first or last + 1 < a:
            out.append((a, b))
        else:
            first, last = min(first, a), max(last, b)
    out.append((first, last))
    return sorted(out)


class ModelHub:
    """`rows` counts how often each (run, channel, seq) was stored; `ranges` is what is settled and durable."""

    def __init__(self, name: str = "hub") -> None:
        self.name = name
        self.ranges = {}
        self.rows = {}
        self.starts = 0
        self.never = set()  # (run, channel, seq) that this hub cannot read
        self.restart()

    def restart(self) -> None:
        """Killed and started again."""
        self.starts += 1
        self.session = f"s{self.starts}"
        self.buffer = {}
        self.oldest = {}

    def snapshot(self) -> tuple:
        return {stream: list(ranges) for stream, ranges in self.ranges.items()}, dict(self.rows)

    def restore(self, snapshot: tuple) -> None:
        """A backup is put back while the hub is stopped."""
        self.ranges = {stream: list(ranges) for stream, ranges in snapshot[0].items()}
        self.rows = dict(snapshot[1])
        self.restart()

    def receive(self, run: str, channel: int, seq: int, value, oldest: int) -> None:
        """One sample, live or replayed. A value of None is refused, and settled."""
        stream = (run, channel)
        self.oldest[stream] = oldest
        if (run, channel, seq) in self.never or self.durable(stream, seq):
            return
        self.buffer.setdefault(stream, {}).setdefault(seq, value)

    def message(self, suffix: str, payload: bytes) -> None:
        """What a plug published."""
        if suffix not in ("telemetry", "telemetry/batch"):
            return
        values = json.loads(payload)
        place = values["run"], values.get("channel", 0)
        powers = values["power"] if suffix == "telemetry/batch" else [values["power"]]
        for i, power in enumerate(powers):
            self.receive(place[0], place[1], values["seq"] + i, power, values["oldest"])

    def durable(self, stream: tuple, seq: int) -> bool:
        return any(a <= seq <= b for a, b in self.ranges.get(stream, []))

    def received(self, run: str, channel: int, upto: int) -> bool:
        """Has everything up to that seq come, durable or not?"""
        waiting = self.buffer.get((run, channel), {})
        return all(seq in waiting or self.durable((run, channel), seq) for seq in range(upto + 1))

    def commit(self) -> None:
        for stream, samples in self.buffer.items():
            ranges = self.ranges.get(stream, [])
            for seq in sorted(samples):
                if samples[seq] is not None:
                    key = (stream[0], stream[1], seq)
                    self.rows[key] = self.rows.get(key, 0) + 1
                if ranges and seq == ranges[-1][1] + 1:
                    ranges[-1] = (ranges[-1][0], seq)
                else:
                    ranges = _joined(ranges, seq)
            self.ranges[stream] = ranges
        self.buffer = {}

    def acknowledged(self, stream: tuple) -> tuple:
        """(seq, seen)"""
        ranges = self.ranges.get(stream, [])
        seq = self.oldest.get(stream, 0) - 1
        for a, b in ranges:
            if a <= seq + 1 and b > seq:
                seq = b
        return seq, max([b for _, b in ranges]) if ranges else -1

    def ack(self, run: str, channels: int = 1, **more) -> bytes:
        """The `ack` message for a plug's present run."""
        acks = []
        for channel in range(channels):
            seq, seen = self.acknowledged((run, channel))
            acks.append({"run": run, "channel": channel, "seq": seq, "seen": seen})
        values = {"hub": self.name, "session": self.session, "acks": acks}
        values.update(more)
        return json.dumps(values).encode()
