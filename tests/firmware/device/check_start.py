"""What a start takes over from before: counters, relays, the hub's id."""

from harness import equal, main
from parts import plug_on, settings

from firmware.boards.simulated import SimulatedBoard
from firmware.plug.app import Plug


def test_each_run_has_its_own_name() -> None:
    board = SimulatedBoard()
    names = {plug_on(board).run_id for _ in range(50)}
    equal(len(names), 50)
    for name in names:
        equal(len(name), 16)
        assert all(digit in "0123456789abcdef" for digit in name), name


def measured(board, state: str = "last"):
    plug = plug_on(board)
    plug.outlets[0].power_on_state = state
    plug.configure(b'{"channels":{"0":{"power_on_state":"%s"}}}' % state.encode())
    plug.outlets[0].counter.imported = 20_000_000
    plug.remember()
    return plug


def test_the_counter_survives_a_watchdog_reset_and_the_reason_is_told() -> None:
    board = SimulatedBoard()
    measured(board)
    board.restart("watchdog")
    plug = plug_on(board)
    equal((plug.outlets[0].counter.imported, plug.reason), (20_000_000, "watchdog"))


def test_a_power_cut_takes_the_counter() -> None:
    board = SimulatedBoard()
    measured(board)
    board.power_cut()
    plug = plug_on(board)
    equal((plug.outlets[0].counter.imported, plug.reason), (0, "power_on"))


def test_a_watchdog_reset_without_memory_was_a_brownout() -> None:
    board = SimulatedBoard()
    measured(board)
    board.power_cut()
    board.restart("watchdog")
    equal(plug_on(board).reason, "brownout")


def test_relays_after_a_power_cut() -> None:
    for state, before, after in (
        ("on", False, True),
        ("off", True, False),
        ("last", True, True),
        ("last", False, False),
    ):
        board = SimulatedBoard()
        plug = measured(board, state)
        plug.switch(plug.outlets[0], before)
        board.power_cut()
        plug_on(board)
        equal((state, before, board.relays), (state, before, [after]))


def test_relays_after_a_watchdog_reset_are_as_before() -> None:
    for state in ("on", "off", "last"):
        for before in (True, False):
            board = SimulatedBoard()
            plug = measured(board, state)
            plug.switch(plug.outlets[0], before)
            board.relays[0] = None
            board.restart("watchdog")
            plug_on(board)
            equal((state, board.relays), (state, [before]))


def test_a_new_plug_is_off() -> None:
    board = SimulatedBoard()
    Plug(board, settings())
    equal(board.relays, [False])


def ack(plug, hub: str) -> None:
    plug.link._ack(b'{"hub":"%s","session":"s","acks":[]}' % hub.encode())


def test_the_hub_of_the_first_ack_is_kept() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    ack(plug, "home")
    ack(plug, "neighbour")
    equal(plug.hub, "home")
    board.power_cut()
    plug = plug_on(board)
    ack(plug, "neighbour")
    equal(plug.hub, "home")


def test_a_hub_from_the_settings_counts() -> None:
    made = settings()
    made.hub = "mine"
    plug = Plug(SimulatedBoard(), made)
    ack(plug, "other")
    equal(plug.hub, "mine")


def acked(plug, text: str) -> None:
    plug.link._ack(text.replace("RUN", plug.run_id).encode())


def test_acks_that_are_none_change_nothing() -> None:
    plug = plug_on()
    for i in range(10):
        plug.outlets[0].ring.append(i, 0, 0, 0, 0, 0, True)
    for text in (
        "",
        "[]",
        "{",
        '{"hub":7,"session":"s","acks":[]}',
        '{"hub":"","session":"s","acks":[]}',
        '{"hub":"h","session":7,"acks":[]}',
        '{"hub":"h","acks":[]}',
        '{"hub":"h","session":"s"}',
        '{"hub":"h","session":"s","acks":{}}',
        '{"hub":"h","session":"s","acks":7}',
    ):
        acked(plug, text)
        equal(plug.hub, None)
    for entry in (
        "7",
        "null",
        "{}",
        '{"run":"RUN"}',
        '{"run":"other","seq":5,"seen":5}',
        '{"run":7,"seq":5,"seen":5}',
        '{"run":"RUN","seq":"5","seen":5}',
        '{"run":"RUN","seq":5.0,"seen":5}',
        '{"run":"RUN","seq":null,"seen":5}',
        '{"run":"RUN","seq":true,"seen":5}',
        '{"run":"RUN","seq":-2,"seen":5}',
        '{"run":"RUN","seq":5,"seen":[]}',
        '{"run":"RUN","seq":5,"seen":5,"channel":1}',
        '{"run":"RUN","seq":5,"seen":5,"channel":"0"}',
        '{"run":"RUN","seq":5,"seen":5,"channel":-1}',
    ):
        acked(plug, f'{{"hub":"h","session":"s","time":"x","acks":[{entry}]}}')
        equal((entry, plug.outlets[0].replay._session), (entry, None))
    acked(plug, '{"hub":"h","session":"s","acks":[7,{"run":"RUN","channel":0,"seq":5,"seen":5}]}')
    equal(plug.outlets[0].replay.batch(120, 1000)[0], 6)


def test_another_hubs_ack_sets_neither_cursor_nor_clock() -> None:
    plug = plug_on()
    plug.outlets[0].ring.append(0, 0, 0, 0, 0, 0, True)
    acked(plug, '{"hub":"mine","session":"s","acks":[]}')
    entry = '[{"run":"RUN","seq":-1,"seen":-1}]'
    acked(plug, f'{{"hub":"other","session":"s","time":1700000000000,"acks":{entry}}}')
    equal((plug.clock.now(), plug.outlets[0].replay.active), (None, False))
    acked(plug, f'{{"hub":"mine","session":"s","time":1700000000000,"acks":{entry}}}')
    assert plug.clock.now() >= 1_700_000_000_000
    equal(plug.outlets[0].replay.active, True)


main(globals())
