"""The counter adds in integers, survives a watchdog reset, and notices damaged memory."""

from harness import equal, main

from firmware.boards.simulated import SimulatedBoard, Single
from firmware.plug.energy import Counter, Memory
from firmware.plug.outlet import Outlet


def run(counter, power, seconds: int, start: int = 0) -> int:
    for second in range(seconds + 1):
        counter.reading(start + second * 1000, power)
    return start + seconds * 1000


def test_a_watt_for_an_hour() -> None:
    counter = Counter()
    run(counter, 1000, 3600)
    equal((counter.imported, counter.exported), (1000, 0))


def test_export_is_counted_apart() -> None:
    counter = Counter()
    end = run(counter, -2000, 3600)
    run(counter, 5000, 3600, end)
    equal(counter.exported, 2000)
    equal(counter.imported, 5000)


def test_a_slope_is_a_trapezoid() -> None:
    counter = Counter()
    counter.reading(0, 0)
    counter.reading(2000, 7_200_000)
    equal(counter.imported, 2000)


def test_nothing_is_lost_below_a_unit() -> None:
    counter = Counter()
    run(counter, 1, 36_000)  # 1 mW for ten hours
    equal(counter.imported, 10)


def test_a_missing_reading_is_bridged_a_long_one_is_not() -> None:
    counter = Counter()
    counter.reading(0, 3_600_000)
    counter.reading(1000, None)
    counter.reading(2000, 3_600_000)
    equal(counter.imported, 2000)
    counter.reading(5001, 3_600_000)
    equal(counter.imported, 2000)
    counter.reading(6001, 3_600_000)
    equal(counter.imported, 3000)


class FloatCounter:
    """What the firmware must not do: add up in the float arithmetic of an ESP32."""

    def __init__(self, mwh) -> None:
        self.total = Single(mwh)

    def reading(self, milliwatts) -> None:
        self.total = self.total + milliwatts * 1000 / 3_600_000


def outlet_at(board, kwh: int):
    outlet = Outlet(0, board.meters[0], board.outlets[0][1], 10)
    outlet.counter.imported = kwh * 1_000_000
    outlet.switch(True)
    return outlet


def test_three_watts_still_count_at_20_kwh() -> None:
    board = SimulatedBoard()
    board.meters[0].reading = (230, 3 / 230, 3)
    outlet = outlet_at(board, 20)
    wrong = FloatCounter(20_000_000)
    for second in range(3601):
        outlet.measure(second * 1000, print)
        if second:
            wrong.reading(board.meters[0].read()[2])
    equal(outlet.counter.imported, 20_003_000)
    equal(int(wrong.total), 20_000_000)  # the board does round: a float counter stands still


def test_a_bad_meter_neither_stops_nor_moves_the_counter() -> None:
    board = SimulatedBoard()
    outlet = outlet_at(board, 1)
    for reading in (OSError(5), ValueError("x"), (None, None, None), (float("nan"),) * 3, (float("inf"),) * 3):
        board.meters[0].reading = reading
        equal(outlet.measure(0, len), (None, None, None))
        outlet.record(0, (None, None, None))
    equal(outlet.counter.imported, 1_000_000)


def stored(board) -> Memory:
    memory = Memory(board, 2)
    counters = [Counter(), Counter()]
    end = run(counters[0], 1_234_567, 100)
    run(counters[1], -7_654_321, 100, end)
    memory.store([counters[0].pack(True), counters[1].pack(False)])
    return memory


def test_counters_survive_a_watchdog_reset() -> None:
    board = SimulatedBoard(2)
    stored(board)
    first, second = Counter(), Counter()
    packed = Memory(board, 2).load()
    equal(first.unpack(packed[0]), True)
    equal(second.unpack(packed[1]), False)
    equal(first.imported, 1_234_567 * 100 // 3600)
    equal(second.exported, 7_654_321 * 100 // 3600)
    again = Counter()
    run(again, 1_234_567, 100)
    equal(first._import_rest, again._import_rest)


def test_a_power_cut_leaves_nothing() -> None:
    board = SimulatedBoard(2)
    stored(board)
    board.power_cut()
    equal(Memory(board, 2).load(), None)


def test_a_reset_while_writing_leaves_the_state_before() -> None:
    board = SimulatedBoard(1)
    memory = Memory(board, 1)
    counter = Counter()
    for value in range(1, 8):
        counter.imported = value
        before = board.rtc
        memory.store([counter.pack(True)])
        if not before:
            continue
        # RTC memory is written from its beginning: wherever the reset comes, one whole copy is left.
        for cut in range(len(before) + 1):
            board.rtc, whole = board.rtc[:cut] + before[cut:], board.rtc
            found = Counter()
            found.unpack(Memory(board, 1).load()[0])
            assert found.imported in (value - 1, value), (cut, found.imported)
            board.rtc = whole


def test_memory_of_something_else_is_not_believed() -> None:
    for content in (b"x", bytes(74), b"\xff" * 74, b"\x45\x4d\x01\x01" * 40):
        board = SimulatedBoard(1)
        board.rtc = content
        equal(Memory(board, 1).load(), None)


def test_memory_of_another_number_of_outlets_is_not_believed() -> None:
    board = SimulatedBoard(2)
    stored(board)
    equal(Memory(board, 1).load(), None)


main(globals())
