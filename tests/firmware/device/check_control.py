"""Commands: carried out once, answered every time; nothing that arrives stops the plug."""

import json

from harness import equal, main
from parts import plug_on

from firmware.boards.simulated import SimulatedBoard

NOW = 1_700_000_000_000


def send(plug, retained: bool = False, **values) -> list:
    """Deliver a command; returns what was reported for it."""
    plug.reports = []
    plug.control.message(json.dumps(values).encode(), retained)
    return plug.reports


def test_switching() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    equal(send(plug, command="relay_off", id="c-1"), [("c-1", None)])
    equal(board.relays, [False])
    equal(json.loads(plug.status("c-1", None))["status"], "off")
    equal(send(plug, command="relay_on", id="c-2"), [("c-2", None)])
    equal(board.relays, [True])
    equal(json.loads(plug.status("c-2", None))["id"], "c-2")


def test_the_second_outlet() -> None:
    board = SimulatedBoard(2)
    plug = plug_on(board)
    send(plug, command="relay_off", id="c-1", channel=1)
    equal(board.relays, [True, False])
    status = json.loads(plug.status("c-1", None))
    equal(status["channels"], {"0": {"on": True, "oldest": 0}, "1": {"on": False, "oldest": 0}})


def test_an_id_is_carried_out_once_and_answered_again() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    send(plug, command="relay_off", id="c-1")
    send(plug, command="relay_on", id="c-2")
    equal(send(plug, command="relay_off", id="c-1"), [("c-1", None)])
    equal(board.relays, [True])


def test_the_last_32_ids_are_remembered() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    send(plug, command="relay_off", id="first")
    for i in range(31):
        send(plug, command="relay_on", id=f"c-{i}")
    send(plug, command="relay_off", id="first")
    equal(board.relays, [True])
    send(plug, command="relay_on", id="one more")
    send(plug, command="relay_off", id="first")
    equal(board.relays, [False])


def test_a_retained_command_is_ignored() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    equal(send(plug, retained=True, command="relay_off", id="c-1"), [])
    equal(board.relays, [True])


def test_a_late_command_is_answered_and_not_carried_out() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    plug.clock.set(NOW)
    equal(send(plug, command="relay_off", id="c-1", expires=NOW - 1), [("c-1", "late")])
    equal(send(plug, command="relay_off", id="c-1", expires=NOW + 9999), [("c-1", "late")])  # the same id: as before
    equal(board.relays, [True])
    equal(send(plug, command="relay_off", id="c-2", expires=NOW + 9999), [("c-2", None)])
    equal(board.relays, [False])
    equal(json.loads(plug.status("c-1", "late"))["error"], "late")


def test_a_plug_without_the_time_carries_out_whatever_expires() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    send(plug, command="relay_off", id="c-1", expires=1)
    equal(board.relays, [False])


def test_what_it_does_not_know() -> None:
    plug = plug_on()
    equal(send(plug, command="dance", id="c-1"), [("c-1", "unknown")])
    equal(send(plug, command="ota", id="c-2", url="http://x"), [("c-2", "unknown")])


def test_values_that_make_no_sense() -> None:
    board = SimulatedBoard(2)
    plug = plug_on(board)
    for channel in (2, -1, "1", 1.0, None, True, []):
        equal(send(plug, command="relay_off", id=f"c-{channel!r}", channel=channel), [(f"c-{channel!r}", "invalid")])
    equal(board.relays, [True, True])
    equal(send(plug, command="configure", id="a", interval_ms="fast"), [("a", "invalid")])
    equal(send(plug, command="calibrate", id="b", quantity="voltage", value=230), [("b", "invalid")])


def test_a_cut_outlet_stays_off_for_a_moment() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    outlet = plug.outlets[0]
    outlet.max_power = 1000
    outlet.overloaded(plug.uptime.ms(), 2000)
    outlet.overloaded(plug.uptime.ms(), 2000)
    equal(send(plug, command="relay_on", id="c-1"), [("c-1", "overload")])
    equal(board.relays, [False])
    board.ticks_offset += 10_001
    equal(send(plug, command="relay_on", id="c-2"), [("c-2", None)])
    equal(board.relays, [True])


def test_configure() -> None:
    plug = plug_on()
    equal(
        send(plug, command="configure", id="c-1", interval_ms=500, channels={"0": {"max_power_w": 100}}),
        [("c-1", None)],
    )
    equal((plug.interval, plug.outlets[0].max_power), (500, 100_000))


def test_reboot_answers_first() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    plug.link._client = "connected"
    equal(send(plug, command="reboot", id="c-1"), [("c-1", None)])
    equal(board.resets, 0)
    plug.reports_sent()
    equal(board.resets, 1)


async def test_identify_blinks_and_gives_the_led_back() -> None:
    from firmware.plug.tasks import sleep_ms

    board = SimulatedBoard()
    plug = plug_on(board)
    seen = []
    board.led = seen.append
    plug.identify(750)
    plug.identify(750)  # a second one while it blinks changes nothing
    while plug._blinking is not None:
        await sleep_ms(10)
    equal(seen, [True, False, True, True])


def test_a_command_without_an_id_is_carried_out_every_time() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    equal(send(plug, command="relay_off"), [(None, None)])
    send(plug, command="relay_on")
    equal(send(plug, command="relay_off"), [(None, None)])
    equal(board.relays, [False])


def test_garbage_is_ignored() -> None:
    board = SimulatedBoard()
    plug = plug_on(board)
    for payload in (
        b"",
        b"relay_off",
        b"\xff\x00",
        b"[]",
        b"null",
        b'{"command":7,"id":"a"}',
        b'{"command":null}',
        b'{"command":["relay_off"],"id":"a"}',
        b'{"id":"a"}',
        b'{"command":"relay_off","id":7}',
        b'{"command":"relay_off","id":""}',
        b'{"command":"relay_off","id":"' + b"x" * 65 + b'"}',
        b'{"command":"relay_off","id":{}}',
        b'{"command":' * 500,
    ):
        plug.control.message(payload, False)
        equal((plug.reports, board.relays), ([], [True]))


def test_only_the_newest_reports_wait_for_a_connection() -> None:
    plug = plug_on()
    for i in range(20):
        plug.report(f"c-{i}", None)
    equal([command_id for command_id, _ in plug.reports], [f"c-{i}" for i in range(12, 20)])


main(globals())
