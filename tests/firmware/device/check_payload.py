"""Numbers and payloads: valid JSON whatever was measured."""

import json

from harness import equal, main

from firmware.plug.payload import batch, decimal, parse, telemetry, whole
from firmware.plug.ring import Ring


def test_decimals() -> None:
    for value, places, text in (
        (0, 2, "0"),
        (5, 2, "0.05"),
        (50, 2, "0.5"),
        (23012, 2, "230.12"),
        (23000, 2, "230"),
        (-5, 3, "-0.005"),
        (-25_000_000, 3, "-25000"),
        (1, 4, "0.0001"),
        (None, 3, "null"),
    ):
        equal(decimal(value, places), text)


def ring_of(count: int, export: bool = False) -> Ring:
    ring = Ring(200, export)
    for i in range(count):
        ring.append(i * 1000, 23000 + i, 1234 + i, 5000 + i, 77 + i, i, i % 2 == 0)
    return ring


def test_a_sample() -> None:
    values = json.loads(telemetry(ring_of(3), "ab12", 0, 2, 1))
    equal(
        values,
        {
            "run": "ab12",
            "seq": 2,
            "oldest": 1,
            "up": 2000,
            "voltage": 230.02,
            "current": 0.1236,
            "power": 5.002,
            "energy_mwh": 79,
            "relay_state": True,
        },
    )


def test_a_sample_of_another_outlet_and_export() -> None:
    values = json.loads(telemetry(ring_of(3, True), "ab12", 1, 2, 1))
    equal((values["channel"], values["export_mwh"]), (1, 2))


def test_what_was_not_measured_is_null() -> None:
    ring = Ring(3)
    ring.append(0, None, None, None, 9, 0, False)
    text = telemetry(ring, "ab", 0, 0, 0)
    values = json.loads(text)
    equal([values[name] for name in ("voltage", "current", "power", "energy_mwh")], [None, None, None, 9])
    values = json.loads(batch(ring, "ab", 0, 0, 1, 1000, 0))
    equal([values[name] for name in ("voltage", "current", "power", "energy_mwh")], [[None], [None], [None], [9]])


def test_a_batch() -> None:
    values = json.loads(batch(ring_of(10), "ab12", 1, 4, 3, 1000, 2))
    equal(
        values,
        {
            "run": "ab12",
            "channel": 1,
            "seq": 4,
            "oldest": 2,
            "up": 4000,
            "dt": 1000,
            "voltage": [230.04, 230.05, 230.06],
            "current": [0.1238, 0.1239, 0.124],
            "power": [5.004, 5.005, 5.006],
            "energy_mwh": [81, 82, 83],
            "relay_state": [True, False, True],
        },
    )


def test_a_full_batch_is_about_four_kilobytes() -> None:
    text = batch(ring_of(120), "0123456789abcdef", 0, 0, 120, 1000, 0)
    assert 3000 < len(text) < 5000, len(text)


def test_parsing_never_raises() -> None:
    for payload in (b"", b"{", b"\xff\xfe\x00", b"nul", b"[1]", b'"x"', b"7", b"[" * 4000, b'{"a":' * 2000, b"{}x"):
        equal(parse(payload), None)
    equal(parse(b'{"a":[1,2.5,null]}'), {"a": [1, 2.5, None]})


def test_whole_numbers() -> None:
    equal([whole(value, 0, 9) for value in (0, 9, -1, 10)], [True, True, False, False])
    equal([whole(value, 0, 9) for value in (True, 1.0, "1", None, [1])], [False] * 5)


main(globals())
