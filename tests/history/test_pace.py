"""How often a home commits and merges: seldom where each costs the disk a fixed sum and brings it little."""

import math
from pathlib import Path

import numpy as np
import pytest

from hub.history.pace import BLOCK, FULL, Pace, is_dear, merge_in, worth_merging
from hub.history.worker import Schedule, Worker
from hub.testing.clock import FakeClock

HOUR = 3_600_000
MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw
30 27 8:1 / /media/usb\040stick rw,relatime - exfat /dev/sda1 rw,fmask=0022
31 27 8:2 / /media/ssd rw,relatime shared:9 - ext4 /dev/sda2 rw,lazytime,discard
32 27 8:3 / /media/new rw,lazytime - ext4 /dev/sda3 rw
33 27 0:40 / /over rw - overlay overlay rw,lowerdir=/x
34 33 8:5 / /over rw - ext4 /dev/sdb1 rw
35 27 0:41 / /mnt/card rw - f2fs /dev/mmcblk1 rw
"""


@pytest.mark.parametrize(
    ("folder", "dear"),
    [
        ("/var/lib/plughub", True),
        ("/media/usb stick/hub", False),
        ("/media/usbstick", True),
        ("/media/ssd/hub", False),
        ("/media/new", False),
        ("/over/hub", True),
        ("/mnt/card", False),
    ],
)
def test_ext4_pays_for_each_commit_unless_times_are_lazy(folder: str, dear: bool) -> None:
    assert is_dear(Path(folder), MOUNTS.strip()) is dear


def test_nothing_known_is_not_dear() -> None:
    assert not is_dear(Path("/data"), "")


def test_what_the_owner_set_is_obeyed() -> None:
    for interval in (1.0, 30.0, 900.0):
        pace = Pace(interval, dear=True)
        assert [pace.commit_in(size, 60) for size in (0, 100, 1_000_000)] == [interval] * 3


def test_a_minute_where_commits_cost_what_they_hold() -> None:
    pace = Pace(dear=False)
    assert [pace.commit_in(size, 60) for size in (0, 100, 1_000_000)] == [60.0] * 3


def test_a_commit_is_to_fill_its_last_block_where_each_is_dear() -> None:
    pace, full = Pace(dear=True), int(FULL)
    assert pace.commit_in(0, 0) == 60
    assert pace.commit_in(full, 60) == pytest.approx(60, abs=0.1)
    assert pace.commit_in(full // 2, 60) == pytest.approx(120, abs=0.1)
    assert pace.commit_in(full // 12, 10) == pytest.approx(120, abs=0.5), "the first commit comes soon"
    assert pace.commit_in(600, 60) == 180, "no power cut may take more"
    assert pace.commit_in(0, 60) == 180, "after a merge nothing is known that is new"
    assert pace.commit_in(full * 5 // 2, 60) == pytest.approx(72, abs=0.1), "3 blocks"
    assert pace.commit_in(100 * BLOCK, 60) == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("rate", [30, 90, 215, 1000, 40_000])
async def test_whatever_comes_no_block_of_a_commit_is_begun_for_little(rate: int) -> None:
    """rate: bytes of commits a second. The first commit comes after 10 s, and one in a merge after half an hour."""
    clock, sizes = FakeClock(1_800_000), [0]
    at, cut = [clock.monotonic()], [0, 1]

    async def commit() -> bool:
        at.append(clock.monotonic())
        sizes.append(int(rate * (at[-1] - at[-2])))
        return True

    async def merge() -> bool:
        await commit()
        cut.append(len(at) - 2)
        sizes.append(0)  # nothing is left of which the size were known
        return True

    worker = Worker()
    schedule = Schedule(
        worker,
        clock,
        pace=Pace(dear=True),
        commit=commit,
        merge=merge,
        urgent=lambda: False,
        last=lambda: sizes[-1],
        waiting=lambda: 1 << 20,
    )
    schedule.begin(10)
    for _ in range(3600):
        await clock.advance(1)
        await worker.settled()
    schedule.end()
    worker.close()
    waits = np.diff(at)
    assert waits.max() <= 180
    own = np.delete(waits, cut) * rate
    assert len(own) > 10
    assert sum(math.ceil(size / BLOCK) * BLOCK for size in own) <= 1.1 * own.sum()


def test_merges_come_just_after_the_hour() -> None:
    assert merge_in(5 * HOUR) == 2
    assert merge_in(5 * HOUR + 1_999) == pytest.approx(0.001)
    assert merge_in(5 * HOUR + 2_000) == 3600
    assert merge_in(5 * HOUR + 1_802_000) == 1800


def test_little_is_merged_every_four_hours() -> None:
    assert worth_merging(1 << 20, 3600)
    assert not worth_merging(100_000, 3 * 3600)
    assert worth_merging(100_000, 4 * 3600)
    assert worth_merging(0, 3.6 * 3600), "a merge at the start shifts the hours"
