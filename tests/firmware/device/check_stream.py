"""Ring and replay against a model hub under random faults: nothing missing but what no replay could bring."""

import random
import sys

from harness import equal, main
from model_hub import ModelHub

from firmware.plug.replay import Replay
from firmware.plug.ring import Ring

SIZE = 240
BATCH = 40
COMMIT = 20
BATCHES_A_SECOND = 4
FAULTS = 1200  # seconds with faults, then
QUIET = 600  # seconds without
CALM = 100  # seconds of an unbroken connection after which
OLD = 80  # a sample of this age must have reached the hub: a commit, an ack, a replay, another if one was under way
SEEDS = 12 if sys.implementation.name == "micropython" else 60


class Plug:
    """Two outlets with the firmware's ring and replay; the way to the hub is this file's."""

    def __init__(self) -> None:
        self.starts = 0
        self.boot()

    def boot(self) -> None:
        self.starts += 1
        self.run = f"run{self.starts}"
        self.rings = [Ring(SIZE), Ring(SIZE)]
        self.replays = [Replay(ring) for ring in self.rings]
        self.turn = 0


class World:
    """One plug, one hub, and what happens to them. `external`: the broker is another process and outlives the hub."""

    def __init__(self, seed: int) -> None:
        random.seed(seed)
        self.external = seed % 3 == 0
        self.hub = ModelHub()
        self.plug = Plug()
        self.up = self.link = True
        self.connected = False
        self.now = 0
        self.calm = 0  # seconds since the connection was last broken
        self.checked = 0
        self.made = {}
        self.excused = set()
        self.batches = []  # when each was sent
        self.backup = (0, self.hub.snapshot())

    def chance(self, probability: float) -> bool:
        return random.random() < probability

    def faults(self) -> None:
        if self.chance(0.004):
            self.up = False
        if not self.up and self.chance(0.04):
            self.up = True
            self.hub.restart()
            if self.chance(0.5):
                self.hub.never = set()  # a newer version
            if self.external and self.connected:
                self.acknowledge(1.0)  # it reads the retained status
        if self.chance(0.006):
            self.link = False
        elif not self.link and self.chance(0.05):
            self.link = True
        if self.chance(0.001):
            self.power_cut()
        if self.now % 150 == 0:
            self.backup = (self.now, self.hub.snapshot())
        if self.chance(0.001) and self.now - self.backup[0] < SIZE // 3:
            self.restore()

    def power_cut(self) -> None:
        for channel in (0, 1):
            ring = self.plug.rings[channel]
            self.excused.update([(self.plug.run, channel, seq) for seq in range(ring.oldest, ring.next)])
        self.plug.boot()
        self.connected = False

    def restore(self) -> None:
        kept = self.backup[1][1]
        for run, channel, seq in self.hub.rows:
            ring = self.plug.rings[channel]
            if (run, channel, seq) not in kept and (run != self.plug.run or seq < ring.oldest):
                self.excused.add((run, channel, seq))
        self.hub.restore(self.backup[1])

    def must_have_arrived(self) -> None:
        """After a calm stretch the hub has every sample that is not quite new, in its buffer at least."""
        plug = self.plug
        for channel, ring in enumerate(plug.rings):
            stream = (plug.run, channel)
            waiting = self.hub.buffer.get(stream, {})
            for seq in range(ring.oldest, ring.next):
                if self.now * 1000 - ring.up(seq) < OLD * 1000:
                    break
                if seq not in waiting and (plug.run, channel, seq) not in self.hub.never:
                    assert self.hub.durable(stream, seq), (self.now, stream, seq)
                    self.checked += 1

    def acknowledge(self, probability: float) -> None:
        for channel in (0, 1):
            seq, seen = self.hub.acknowledged((self.plug.run, channel))
            if self.chance(probability):
                self.plug.replays[channel].ack(self.hub.session, seq, seen, self.now * 1000)

    def sample(self) -> None:
        for channel, ring in enumerate(self.plug.rings):
            if self.chance(0.01):
                continue  # a moment not measured
            if ring.next >= SIZE:
                lost = (self.plug.run, channel, ring.next - SIZE)
                if lost not in self.hub.rows and not self.hub.durable((lost[0], channel), lost[2]):
                    self.excused.add(lost)  # the outage was longer than the ring
            power = None if self.chance(0.005) else 1000
            seq = ring.append(self.now * 1000, 23000, 0, power, 0, 0, True)
            self.made[self.plug.run, channel, seq] = power
            if self.chance(0.0005):
                self.hub.never.add((self.plug.run, channel, seq))

    def deliver(self, channel: int, seq: int) -> None:
        if self.up:
            plug = self.plug
            power = plug.rings[channel].get(seq)[3]
            self.hub.receive(plug.run, channel, seq, power, plug.replays[channel].oldest)

    def transmit(self, faulty: bool) -> None:
        plug = self.plug
        reachable = self.link and (self.up or self.external)
        if not reachable:
            self.connected = False
            return
        if not self.connected:
            self.connected = True
            self.calm = 0
            for replay in plug.replays:
                replay.reconnected()
                replay.live = replay._ring.next - 1
            if self.up:
                self.acknowledge(0.9 if faulty else 1.0)
        for channel, ring in enumerate(plug.rings):
            for seq in range(plug.replays[channel].live + 1, ring.next):
                if not (faulty and self.chance(0.01)):
                    self.deliver(channel, seq)
            plug.replays[channel].live = ring.next - 1
        for _ in range(BATCHES_A_SECOND):
            if not self.send_batch(faulty):
                return

    def send_batch(self, faulty: bool) -> bool:
        """False when there was none, or the connection broke on the way."""
        plug = self.plug
        for _ in plug.replays:
            plug.turn = 1 - plug.turn
            channel = plug.turn
            replay = plug.replays[channel]
            part = replay.batch(BATCH, 1000)
            if part is None:
                continue
            first, count, dt = part
            ups = [plug.rings[channel].up(seq) for seq in range(first, first + count)]
            equal(ups, [ups[0] + i * dt for i in range(count)])
            assert count <= BATCH
            self.batches.append(self.now)
            arrives = not (faulty and self.chance(0.03))
            if arrives:
                for seq in range(first, first + count):
                    self.deliver(channel, seq)
            if not arrives or (faulty and self.chance(0.02)):
                self.connected = False  # without the PUBACK the plug ends the connection
                return False
            if faulty and self.chance(0.05):  # an ack overtakes the PUBACK
                if self.external and self.chance(0.5):
                    self.hub.restart()
                self.acknowledge(1.0)
            replay.sent(first, count, self.now * 1000)
            return True
        return False

    def step(self, faulty: bool) -> None:
        if faulty:
            self.faults()
        else:
            if not self.up:
                self.hub.restart()
                if self.external and self.connected:
                    self.acknowledge(1.0)
            self.up = self.link = True
        starts = self.hub.starts
        self.sample()
        self.transmit(faulty)
        self.calm = self.calm + 1 if self.connected and self.up and starts == self.hub.starts else 0
        if self.calm >= CALM and self.calm % COMMIT == 0:
            self.must_have_arrived()
        lossy = faulty and self.calm < CALM // 4
        if self.up and self.connected and faulty and self.chance(0.02):
            self.acknowledge(0.9 if lossy else 1.0)  # after a status
        if self.up and self.now % COMMIT == COMMIT - 1:
            self.hub.commit()
            if self.connected:
                self.acknowledge(0.8 if lossy else 1.0)
        self.now += 1


def live_through(seed: int) -> World:
    world = World(seed)
    for _ in range(FAULTS):
        world.step(True)
    for _ in range(QUIET):
        world.step(False)
    return world


def check(seed: int, world: World) -> None:
    rows = world.hub.rows
    equal((seed, [key for key, count in rows.items() if count != 1]), (seed, []))
    missing = []
    for key, power in world.made.items():
        run, channel, seq = key
        fresh = run == world.plug.run and seq >= world.plug.rings[channel].next - 2 * COMMIT
        if power is not None and key not in rows and key not in world.excused | world.hub.never and not fresh:
            missing.append(key)
    equal((seed, missing), (seed, []))
    # It comes to rest: everything acknowledged, what the hub never takes given up.
    late = [at for at in world.batches if at >= FAULTS + QUIET - 10 * COMMIT]
    recent = [key for key in world.hub.never if key[2] > world.plug.rings[key[1]].next - QUIET]
    if not recent:
        equal((seed, late), (seed, []))
    for channel in (0, 1):
        seq, seen = world.hub.acknowledged((world.plug.run, channel))
        if not recent:
            equal((seed, seq), (seed, seen))


def test_nothing_is_missing_whatever_happens() -> None:
    stored = checked = 0
    for seed in range(SEEDS):
        try:
            world = live_through(seed)
        except AssertionError:
            print("seed", seed)
            raise
        check(seed, world)
        stored += len(world.hub.rows)
        checked += world.checked
    assert stored > SEEDS * FAULTS, stored  # the faults leave something to check
    assert checked > SEEDS * FAULTS, checked


main(globals())
