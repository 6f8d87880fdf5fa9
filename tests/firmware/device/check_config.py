"""Configuration: every valid value counts, every other one is passed over."""

import json

from harness import equal, main
from parts import plug_on

from firmware.boards.simulated import SimulatedBoard


def configured(plug, **values):
    plug.configure(json.dumps(values).encode())
    return plug


def test_all_of_it() -> None:
    board = SimulatedBoard(2)
    plug = configured(
        plug_on(board),
        name="Kitchen",
        interval_ms=2000,
        timezone="Europe/Berlin",
        led=False,
        channels={
            "0": {"power_on_state": "off", "max_power_w": 2300.5, "schedule": []},
            "1": {"power_on_state": "on"},
        },
    )
    equal((plug.name, plug.interval, plug.led_on, board.led_on), ("Kitchen", 2000, False, False))
    first, second = plug.outlets
    equal((first.power_on_state, first.max_power), ("off", 2_300_500))
    equal((second.power_on_state, second.max_power), ("on", None))
    equal(json.loads(plug.status(None, None))["buffer_s"], 200)


def test_a_limit_can_be_taken_away() -> None:
    plug = configured(plug_on(), channels={"0": {"max_power_w": 100}})
    configured(plug, channels={"0": {"max_power_w": None}})
    equal(plug.outlets[0].max_power, None)


def test_a_wrong_value_costs_only_itself() -> None:
    for wrong in (0, 199, 60_001, -1, 1.5, "1000", True, None, [], {}):
        plug = configured(plug_on(), interval_ms=wrong, name="X")
        equal((plug.interval, plug.name), (20, "X"))
    for wrong in (0, -5, 25_001, "100", True, [], float("inf")):
        text = json.dumps({"channels": {"0": {"max_power_w": wrong, "power_on_state": "on"}}})
        plug = plug_on()
        plug.configure(text.replace("inf", "1e999").replace("Infinity", "1e999").encode())
        equal((plug.outlets[0].max_power, plug.outlets[0].power_on_state), (None, "on"))
    for wrong in ("maybe", 1, None, True, [], {}):
        plug = configured(plug_on(), channels={"0": {"power_on_state": wrong, "max_power_w": 5}})
        equal((plug.outlets[0].power_on_state, plug.outlets[0].max_power), ("last", 5000))
    for wrong in (7, None, [], {}):
        equal(configured(plug_on(), name=wrong, interval_ms=300).interval, 300)
        equal(configured(plug_on(), led=wrong, interval_ms=300).interval, 300)


def test_channels_of_the_wrong_shape() -> None:
    for wrong in ([], "0", 7, None, {"0": []}, {"0": None}, {"0": 7}, {"9": {}}, {"x": {"max_power_w": 1}}):
        plug = configured(plug_on(), channels=wrong, name="X")
        equal((plug.name, plug.outlets[0].max_power), ("X", None))


def test_garbage_changes_nothing() -> None:
    for payload in (b"", b"{", b"[]", b"null", b"\xff", b"{}" * 3, b'{"a":' * 900):
        board = SimulatedBoard()
        plug = plug_on(board)
        plug.configure(payload)
        equal((plug.name, "config" in board.flash), ("", False))


def test_flash_is_written_only_for_what_is_new() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    for _ in range(5):
        configured(plug, name="A")
    equal(board.writes, 1)
    configured(plug, name="B")
    equal(board.writes, 2)


def test_it_is_still_known_after_a_restart() -> None:
    board = SimulatedBoard()
    configured(plug_on(board), name="A", interval_ms=300, channels={"0": {"max_power_w": 7}})
    board.power_cut()
    plug = plug_on(board)
    equal((plug.name, plug.interval, plug.outlets[0].max_power), ("A", 300, 7000))


def test_a_full_flash_does_not_stop_the_plug() -> None:
    board = SimulatedBoard()

    def full(name: str, data: bytes) -> None:
        raise OSError(28)

    board.save = full
    plug = configured(plug_on(board), name="A")
    plug.switch(plug.outlets[0], False)
    equal((plug.name, board.relays), ("A", [False]))


def test_damaged_flash_is_as_none() -> None:
    for content in (b"", b"\xff\xff", b"{", b"7", b'"x"', b"[[]]", b'{"channels":7}'):
        board = SimulatedBoard()
        board.flash = {"config": content, "relay": content}
        plug = plug_on(board)
        equal((plug.name, plug.interval), ("", 20))


main(globals())
