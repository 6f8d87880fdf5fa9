"""The flash log: what is read back, how it stays within its bound, and a power cut at any byte of a write.

Under MicroPython the flash is a LittleFS on blocks in RAM, and the power is cut at every write and erase of a block, in
its middle; under both Pythons also files that end at every byte of what was being written."""

# MicroPython has no pathlib, itertools or contextlib
# ruff: noqa: PTH102, PTH107, PTH116, PTH123, PTH208, RUF005, RUF007, B905, SIM105, UP031

import os
import sys

from harness import equal, main

from firmware.plug.flashlog import BLOCK, FlashLog, join

RUN, NEXT = "0123456789abcdef", "fedcba9876543210"
WHERE = [sys.argv[1] if len(sys.argv) > 1 else "."]
COUNT = [0]

try:
    import vfs
except ImportError:
    vfs = None


class Blocks:
    """Flash as LittleFS sees it: a block is erased whole, then written; at write `cut` the power goes."""

    def __init__(self, data: bytes, cut: int = 1 << 30) -> None:
        self.data = bytearray(data)
        self.cut = cut
        self.writes = 0
        self.erases = 0

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        at = block * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        return self._write(block * BLOCK + offset, buffer)

    def ioctl(self, what: int, block: int) -> int:
        if what == 4:
            return len(self.data) // BLOCK
        if what == 5:
            return BLOCK
        if what == 6:
            self.erases += 1
            return self._write(block * BLOCK, b"\xff" * BLOCK)
        return 0

    def _write(self, at: int, data) -> int:
        self.writes += 1
        if self.writes <= self.cut:
            size = len(data) // 2 if self.writes == self.cut else len(data)
            self.data[at : at + size] = data[:size]
        return -5 if self.writes >= self.cut else 0  # EIO


def folder() -> str:
    """A new empty folder."""
    COUNT[0] += 1
    return "%s/log%d" % (WHERE[0], COUNT[0])


def record(first: int, last: int, channel: int = 0) -> tuple:
    """As a plug would have it that draws 1 W more with each sample."""
    mean = (first + last) * 1000 // 2
    on = (last - first + 1) * 1000
    return channel, last - first + 1, last, last * 1000, first * 1000, mean, last * 1000, last * 7, last * 3, on


def flat(first: int, last: int) -> tuple:
    """Of a plug that draws the same for weeks."""
    return 0, last - first + 1, last, last * 1000, 5000, 5000, 5000, last * 7, 0, 0


def minute(k: int, channel: int = 0) -> tuple:
    return record(k * 60, k * 60 + 59, channel)


def held(log: FlashLog) -> list:
    """Everything in it that may not go, with its run, oldest segment first."""
    found = []
    for segment in log.segments:
        for i, entry in enumerate(log.read(segment)):
            if not segment.is_freed(i):
                found.append((segment.run, entry))
    return found


def spans(log: FlashLog, channel: int = 0) -> list:
    return [(entry[2] - entry[1] + 1, entry[2]) for _, entry in held(log) if entry[0] == channel]


def quiet(text: str) -> None:
    pass


def opened(path: str, most: int = 1 << 20) -> FlashLog:
    return FlashLog(path, most, quiet)


def test_what_is_written_is_read_back_after_a_start() -> None:
    path = folder()
    log = opened(path)
    equal((log.segments, log.counters), ([], {}))
    wanted = [record(0, 0), record(1, 59), record(0, 59, 1)]
    log.append(RUN, "power_on", wanted, 0)
    nothing = (0, 60, 119, 119_000, None, None, None, 1 << 40, 0, 0)
    log.append(RUN, "power_on", [nothing], 1_700_000_000_000)
    log.append(NEXT, "watchdog", [minute(0)], 0)
    again = opened(path)
    equal(held(again), [(RUN, entry) for entry in wanted + [nothing]] + [(NEXT, minute(0))])
    equal(
        [(s.run, s.reason, s.offset) for s in again.segments],
        [(RUN, "power_on", 1_700_000_000_000), (NEXT, "watchdog", 0)],
    )
    equal(again.counters, {0: (59 * 7, 59 * 3), 1: (59 * 7, 59 * 3)})
    again.append(NEXT, "watchdog", [minute(1)], 0)
    equal(len(again.segments), 3)  # behind what may be torn nothing is appended


def test_only_what_the_hub_has_is_let_go() -> None:
    path = folder()
    log = opened(path)
    log.append(RUN, "", [minute(0), minute(0, 1), minute(1), minute(2)], 0)
    log.append(NEXT, "", [minute(0)], 0)
    log.free(RUN, 0, lambda first, last: last < 170)
    equal(spans(log), [(120, 179), (0, 59)])
    equal(spans(log, 1), [(0, 59)])
    equal(len(opened(path).segments), 2)
    log.free(RUN, 1, lambda first, last: True)
    log.free(RUN, 0, lambda first, last: True)
    equal([segment.run for segment in log.segments], [NEXT])
    equal(len(os.listdir(path)), 1)


def test_it_stays_within_its_bound_and_loses_detail_before_time() -> None:
    log = opened(folder(), 8 * BLOCK)
    for k in range(3000):
        log.append(RUN, "", [minute(k)], 0)
    assert sum(max(BLOCK, os.stat(log._path(s.number))[6]) for s in log.segments) <= 8 * BLOCK
    kept = spans(log)
    for (_, a), (b, _) in zip(kept, kept[1:]):
        equal(a + 1, b)  # no hole
    equal(kept[-1], (3000 * 60 - 60, 3000 * 60 - 1))
    lengths = [last - first + 1 for first, last in kept]
    equal(max(lengths[-80:]), 60)
    assert lengths[0] > 600 and max(lengths) <= 3600, (lengths[0], max(lengths))
    assert kept[-1][1] - kept[0][0] > 1500 * 60, "hours became minutes again"
    for _, entry in held(log):
        first, last = entry[2] - entry[1] + 1, entry[2]
        equal(entry[3:5] + entry[6:], record(first, last)[3:5] + record(first, last)[6:])
        assert abs(entry[5] - record(first, last)[5]) < 500, entry


def test_at_the_end_of_joining_the_oldest_goes() -> None:
    log = opened(folder(), 4 * BLOCK)
    for k in range(0, 20_000, 10):
        log.append(RUN, "", [flat(60 * j, 60 * j + 59) for j in range(k, k + 10)], 0)
    assert len(log.segments) <= 4 and max(segment.size for segment in log.segments) <= BLOCK
    kept = spans(log)
    for (_, a), (b, _) in zip(kept, kept[1:]):
        equal(a + 1, b)
    equal(kept[-1][1], 20_000 * 60 - 1)
    assert 0 < kept[0][0] < 18_400 * 60, kept[0]  # more than a day in three segments


def test_neighbours_are_joined_and_nothing_else() -> None:
    equal(join(minute(0), minute(1)), (0, 120, 119, 119_000, 0, 59_500, 119_000, 833, 357, 120_000))
    for a, b in (
        (minute(0), minute(2)),
        (minute(0), minute(1, 1)),
        (minute(1), minute(0)),
        (record(0, 0), record(1, 59)),
        (record(0, 3000), record(3001, 6000)),
    ):
        equal(join(a, b), None)
    unknown = (0, 60, 59, 59_000, None, None, None, 413, 177, 0)
    equal(join(unknown, minute(1))[4:7], minute(1)[4:7])
    equal(join(minute(0), (0, 60, 119, 119_000, None, None, None, 833, 357, 0))[4:7], minute(0)[4:7])


def copy(source: str, target: str) -> None:
    os.mkdir(target)
    for name in os.listdir(source):
        with open(source + "/" + name, "rb") as file:
            data = file.read()
        with open(target + "/" + name, "wb") as file:
            file.write(data)


def whole(log: FlashLog, before: list, after: list) -> None:
    """Everything from before is there, once, and what was being written is there whole or not at all."""
    kept = spans(log)
    for (_, a), (b, _) in zip(kept, kept[1:]):
        equal(a + 1, b)
    assert kept[0] in (before[0], after[0]) or kept[0][0] <= before[0][0], kept[0]
    assert kept[-1][1] in (before[-1][1], after[-1][1]), kept[-1]
    for _, entry in held(log):
        equal(entry[7], entry[2] * 7)


def test_a_file_that_ends_at_any_byte_costs_what_was_being_written() -> None:
    path = folder()
    log = opened(path)
    log.append(RUN, "", [minute(0), minute(1)], 0)
    (name,) = os.listdir(path)
    with open(path + "/" + name, "rb") as file:
        first = len(file.read())
    log.append(RUN, "", [minute(2), minute(3)], 0)
    with open(path + "/" + name, "rb") as file:
        data = file.read()
    for size in range(len(data)):
        with open(path + "/" + name, "wb") as file:
            file.write(data[:size])
        torn = opened(path)
        wanted = [] if size < first else [(0, 59), (60, 119)]
        equal((size, spans(torn)), (size, wanted))
        torn.append(RUN, "", [minute(2)], 0)
        equal(spans(opened(path)), wanted + [(120, 179)])
        for left in os.listdir(path):
            os.remove(path + "/" + left)


def test_a_flipped_bit_costs_what_it_is_in_and_what_is_behind() -> None:
    path = folder()
    log = opened(path)
    for k in range(3):
        log.append(RUN, "", [minute(k)], 0)
    (name,) = os.listdir(path)
    with open(path + "/" + name, "rb") as file:
        data = bytearray(file.read())
    for at in range(0, len(data), 3):
        data[at] ^= 0x10
        with open(path + "/" + name, "wb") as file:
            file.write(data)
        kept = spans(opened(path))
        equal(kept, [(k * 60, k * 60 + 59) for k in range(len(kept))])
        assert len(kept) < 3
        data[at] ^= 0x10


def test_foreign_files_and_a_joined_segment_without_its_name_are_removed() -> None:
    path = folder()
    opened(path).append(RUN, "", [minute(0)], 0)
    for name in ("new", "readme.txt", "000000ff"):
        with open(path + "/" + name, "wb") as file:
            file.write(b"PM\x01 and something else")
    equal(spans(opened(path)), [(0, 59)])
    equal(os.listdir(path), ["00000000"])


def full(path: str) -> FlashLog:
    """So full that the next append joins two segments."""
    log = opened(path, 5 * BLOCK)
    k = 0
    while len(log.segments) < 5 or log.segments[-1].size + 60 <= BLOCK:
        log.append(RUN, "", [minute(k)], 0)
        k += 1
    return log


def test_a_cut_between_joining_and_removing_counts_nothing_twice() -> None:
    path = folder()
    log = full(path)
    before = spans(log)
    copied = folder()
    copy(path, copied)
    log.append(RUN, "", [(0, 1, before[-1][1] + 1, 0, 0, 0, 0, (before[-1][1] + 1) * 7, 0, 0)], 0)
    assert any(s.level for s in log.segments), "nothing was joined"
    for name in os.listdir(path):  # the joined one came, the one that it replaces was not removed yet
        with open(path + "/" + name, "rb") as file:
            data = file.read()
        with open(copied + "/" + name, "wb") as file:
            file.write(data)
    equal(spans(opened(copied)), spans(log))


def test_power_cut_at_every_write_of_little_fs() -> None:
    if vfs is None:
        return  # CPython has no LittleFS; the same is tested with files above
    blocks = Blocks(b"\xff" * (32 * BLOCK))
    vfs.VfsLfs2.mkfs(blocks)

    def mounted(data, cut: int = 1 << 30):
        made = Blocks(data, cut)
        vfs.mount(vfs.VfsLfs2(made), "/flash")
        return made

    device = mounted(blocks.data)
    log = full("/flash/log")
    vfs.umount("/flash")
    stages = [bytes(device.data)]  # about to begin a segment for which two are joined; then to append to one
    device = mounted(stages[0])
    log = opened("/flash/log", 5 * BLOCK)
    last = spans(log)[-1][1]
    log.append(RUN, "", [record(last + 1, last + 60)], 0)
    vfs.umount("/flash")
    stages.append(bytes(device.data))
    cuts = 0
    for stage, data in enumerate(stages):
        cut = 0
        while True:
            cut += 1
            device = mounted(data, cut)
            log = opened("/flash/log", 5 * BLOCK)
            before = spans(log)
            last = before[-1][1]
            if stage:
                log._open = log.segments[-1]  # as if it had been begun by this run
            try:
                log.append(RUN, "", [record(last + 1, last + 60)], 0)
            except OSError:
                pass
            done = device.writes < cut
            vfs.umount("/flash")
            after = mounted(device.data)
            found = opened("/flash/log", 5 * BLOCK)
            whole(found, before, [(0, 0), (last + 1, last + 60)])
            found.append(NEXT, "", [minute(0)], 0)  # and it can be written again
            equal(held(opened("/flash/log", 5 * BLOCK))[-1], (NEXT, minute(0)))
            vfs.umount("/flash")
            assert after.erases < 40
            if done:
                break
            cuts += 1
    assert cuts > 30, cuts


def test_erases_of_a_day() -> None:
    """288 writes of five minutes each (docs/firmware.md states the figures)."""
    if vfs is None:
        return
    device = Blocks(b"\xff" * (128 * BLOCK))
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/flash")
    log = opened("/flash/log", 131_072)
    device.erases = 0
    for k in range(288):
        log.append(RUN, "", [minute(j) for j in range(5 * k, 5 * k + 5)], 0)
    print("a day:", device.erases, "erases,", len(log.segments), "segments of", BLOCK)
    vfs.umount("/flash")
    assert device.erases < 1000


main(globals())
