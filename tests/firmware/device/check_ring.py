"""The ring: what goes in comes out, the newest N stay, and nothing wraps."""

from harness import equal, main, raises

from firmware.plug.ring import Ring


def fill(ring, count: int) -> None:
    for _ in range(count):
        seq = ring.next
        ring.append(seq * 1000, 23000 + seq % 10, seq % 500, seq * 3, seq * 7, seq * 2, seq % 3 == 0)


def sample(seq: int, export):
    return (seq * 1000, 23000 + seq % 10, seq % 500, seq * 3, seq * 7, export, seq % 3 == 0)


def test_an_empty_ring_has_nothing() -> None:
    ring = Ring(4)
    equal((ring.oldest, ring.next), (0, 0))
    raises(IndexError, ring.get, 0)


def test_the_newest_stay() -> None:
    ring = Ring(5)
    fill(ring, 12)
    equal((ring.oldest, ring.next), (7, 12))
    equal([ring.get(seq) for seq in range(7, 12)], [sample(seq, None) for seq in range(7, 12)])
    raises(IndexError, ring.get, 6)
    raises(IndexError, ring.get, 12)


def test_export_where_the_meter_tells_it() -> None:
    ring = Ring(5, True)
    fill(ring, 12)
    equal([ring.get(seq) for seq in range(7, 12)], [sample(seq, seq * 2) for seq in range(7, 12)])


def test_what_was_not_measured_is_none() -> None:
    ring = Ring(2)
    ring.append(0, None, None, None, 5, 0, True)
    equal(ring.get(0), (0, None, None, None, 5, None, True))


def test_what_does_not_fit_is_none_and_harms_no_neighbour() -> None:
    ring = Ring(3)
    ring.append(0, 1, 2, 3, 4, 0, False)
    ring.append(1000, 65535, 1 << 24, 1 << 31, 4, 0, True)
    ring.append(2000, -1, -1, -(1 << 31), 4, 0, False)
    equal(ring.get(0), (0, 1, 2, 3, 4, None, False))
    equal(ring.get(1), (1000, None, None, None, 4, None, True))
    equal(ring.get(2), (2000, None, None, None, 4, None, False))


def test_the_largest_values_fit() -> None:
    ring = Ring(1)
    ring.append(0, 50000, 1_000_000, -25_000_000, 0, 0, True)
    equal(ring.get(0)[:4], (0, 50000, 1_000_000, -25_000_000))


def test_up_and_energy_grow_beyond_32_bits() -> None:
    ring = Ring(10, True)
    start = (1 << 32) - 4500
    for i in range(10):
        ring.append(start + i * 1000, None, None, None, start + i * 700, start + i * 600, False)
    for i in range(10):
        up, _, _, _, energy, export, _ = ring.get(i)
        equal((up, energy, export), (start + i * 1000, start + i * 700, start + i * 600))
        equal(ring.up(i), start + i * 1000)


def test_a_full_ring_takes_the_memory_that_it_says() -> None:
    equal(len(Ring(1800)._data), 32_400)
    equal(len(Ring(1800, True)._data), 39_600)


main(globals())
