"""When a plug replays, what, and when it gives up."""

from harness import equal, main

from firmware.plug.replay import Replay
from firmware.plug.ring import Ring

LIMIT = 120


def replay_of(count: int, size: int = 1000, steps=None) -> Replay:
    ring = Ring(size)
    up = 0
    for i in range(count):
        ring.append(up, 23000, 0, 0, 0, 0, True)
        up += steps[i] if steps else 1000
    replay = Replay(ring)
    replay.live = count - 1
    return replay


def grow(replay: Replay, count: int) -> None:
    """Further samples, sent live."""
    ring = replay._ring
    for _ in range(count):
        ring.append(ring.up(ring.next - 1) + 1000, 23000, 0, 0, 0, 0, True)
    replay.live = ring.next - 1


def drain(replay: Replay, now: int = 0) -> list:
    """All batches until the replay ends: (first, count, dt)."""
    batches = []
    while True:
        part = replay.batch(LIMIT, 1000)
        if part is None:
            return batches
        batches.append(part)
        replay.sent(part[0], part[1], now)


def test_nothing_before_the_first_ack() -> None:
    equal(drain(replay_of(10)), [])


def test_a_new_session_replays_from_what_the_hub_has() -> None:
    replay = replay_of(300)
    equal(replay.ack("s1", 9, 9, 0), True)
    equal(drain(replay), [(10, 120, 1000), (130, 120, 1000), (250, 50, 1000)])
    equal(replay.active, False)


def test_a_hub_that_knows_nothing_gets_all() -> None:
    replay = replay_of(3)
    replay.ack("s1", -1, -1, 0)
    equal(drain(replay), [(0, 3, 1000)])


def test_the_same_session_again_replays_nothing() -> None:
    replay = replay_of(50)
    replay.ack("s1", 49, 49, 0)
    equal(replay.ack("s1", 49, 49, 0), False)
    grow(replay, 10)
    equal(replay.ack("s1", 55, 55, 0), False)
    equal(drain(replay), [])


def test_a_reconnect_replays() -> None:
    replay = replay_of(50)
    replay.ack("s1", 49, 49, 0)
    replay.reconnected()
    grow(replay, 10)
    equal(replay.ack("s1", 49, 49, 0), True)
    equal(drain(replay), [(50, 10, 1000)])


def test_a_hole_is_replayed_up_to_where_the_hub_has_more() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    grow(replay, 100)
    equal(replay.ack("s1", 119, 150, 0), False)
    equal(drain(replay), [(120, 31, 1000)])


def test_a_restored_backup_acknowledges_less() -> None:
    replay = replay_of(500)
    replay.ack("s1", 499, 499, 0)
    replay.ack("s2", 99, 99, 0)
    equal(drain(replay)[0], (100, 120, 1000))


def test_one_replay_at_a_time_but_it_skips_what_is_durable() -> None:
    replay = replay_of(500)
    replay.ack("s1", 9, 9, 0)
    first, count, _ = replay.batch(LIMIT, 1000)
    replay.sent(first, count, 0)
    equal(replay.ack("s1", 9, 400, 0), False)
    equal(replay.batch(LIMIT, 1000)[0], 130)
    replay.ack("s1", 300, 400, 0)
    equal(replay.batch(LIMIT, 1000)[0], 301)
    replay.ack("s1", 499, 499, 0)
    equal(replay.active, False)


def test_a_new_session_begins_again_and_the_batch_under_way_does_not_count() -> None:
    replay = replay_of(500)
    replay.ack("s1", 9, 9, 0)
    first, count, _ = replay.batch(LIMIT, 1000)
    replay.ack("s2", 9, 9, 0)  # the hub was killed: what it got, it had not committed
    replay.sent(first, count, 0)
    equal(replay.batch(LIMIT, 1000)[0], 10)


def test_a_batch_ends_where_the_step_changes() -> None:
    steps = [1000, 1000, 3000, 1000, 1000, 1000]
    replay = replay_of(6, 1000, steps)
    replay.ack("s1", -1, -1, 0)
    equal(drain(replay), [(0, 3, 1000), (3, 3, 1000)])


def test_what_left_the_ring_is_not_sent() -> None:
    replay = replay_of(300, 100)
    replay.ack("s1", 9, 9, 0)
    equal(drain(replay), [(200, 100, 1000)])


def test_the_ring_moves_on_while_a_replay_waits() -> None:
    replay = replay_of(100, 100)
    replay.ack("s1", 9, 9, 0)
    grow(replay, 150)
    equal(replay.batch(LIMIT, 1000), None)
    equal(replay.active, False)


def test_an_ack_from_the_future_is_cut_to_what_there_is() -> None:
    replay = replay_of(10)
    replay.ack("s1", 1 << 40, 1 << 40, 0)
    equal(drain(replay), [])
    grow(replay, 5)
    equal(replay.ack("s1", 3, 1 << 40, 0), False)
    equal(drain(replay), [(4, 11, 1000)])


def test_an_ack_of_before_the_commit_does_not_repeat_a_replay() -> None:
    replay = replay_of(100)
    replay.ack("s1", 49, 80, 0)
    drain(replay)
    replay.ack("s1", 49, 99, 1000)  # follows a status: nothing sent after the replay is in it
    equal(drain(replay), [])
    grow(replay, 60)
    replay.ack("s1", 49, 150, 60_000)
    equal(drain(replay), [(50, 101, 1000)])


def test_a_hub_whose_seen_stands_still_is_not_waited_for_for_ever() -> None:
    replay = replay_of(100)
    replay.ack("s1", 49, 80, 0)
    drain(replay, 1000)
    equal(replay.ack("s1", 49, 80, 60_000), False)
    equal(drain(replay), [])
    replay.ack("s1", 49, 80, 95_000)
    equal(drain(replay, 95_000), [(50, 31, 1000)])


def fail_once(replay: Replay, seq: int, now: int) -> list:
    grow(replay, 60)
    replay.ack("s1", seq, replay.live, now)
    return drain(replay, now)


def test_a_seq_is_given_up_after_three_replays() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    grow(replay, 50)
    equal(fail_once(replay, 119, 60_000)[0][0], 120)
    equal(fail_once(replay, 119, 120_000)[0][0], 120)
    equal(fail_once(replay, 119, 180_000)[0][0], 120)
    equal(replay.oldest, 0)
    equal(fail_once(replay, 119, 240_000), [])
    equal(replay.oldest, 121)


def test_the_next_missing_one_was_in_the_same_three_replays() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    for minute in range(4):
        fail_once(replay, 119, minute * 60_000)
    equal(replay.oldest, 121)
    fail_once(replay, 129, 240_000)  # with `oldest` 121 the hub has everything up to the next hole
    equal(replay.oldest, 131)


def test_another_hole_needs_three_replays_of_its_own() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    for minute in range(4):
        fail_once(replay, 119, minute * 60_000)
    late = replay.live
    for minute in range(4, 7):
        equal(fail_once(replay, late, minute * 60_000)[0][0], late + 1)
    equal(replay.oldest, 121)
    equal(fail_once(replay, late, 420_000), [])
    equal(replay.oldest, late + 2)


def test_a_new_session_takes_back_what_was_given_up() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    for minute in range(4):
        fail_once(replay, 119, minute * 60_000)
    replay.ack("s2", 119, replay.live, 300_000)
    equal(replay.oldest, 0)
    equal(replay.batch(LIMIT, 1000)[0], 120)


def test_replays_that_were_broken_off_do_not_count() -> None:
    replay = replay_of(100)
    replay.ack("s1", 99, 99, 0)
    for minute in range(8):
        grow(replay, 60)
        replay.ack("s1", 119, replay.live, minute * 60_000)
        replay.batch(LIMIT, 1000)
        replay.reconnected()
    equal(replay.oldest, 0)


main(globals())
