"""Telemetry as JSON, straight from the ring's integers: no float is formatted, so none can be NaN or lose digits."""

import json


def decimal(value, places: int) -> str:
    """An integer count of 10**-places as a JSON number: decimal(23012, 2) is "230.12"; None is null."""
    if value is None:
        return "null"
    digits = str(abs(value))
    while len(digits) <= places:
        digits = "0" + digits
    fraction = digits[-places:].rstrip("0")
    text = digits[:-places] + ("." + fraction if fraction else "")
    return "-" + text if value < 0 else text


def _flag(on: bool) -> str:
    return "true" if on else "false"


def _place(run: str, channel: int, seq: int, oldest: int, up: int) -> str:
    place = '{"run":"%s","seq":%d,"oldest":%d,"up":%d' % (run, seq, oldest, up)
    return place + ',"channel":%d' % channel if channel else place


def telemetry(ring, run: str, channel: int, seq: int, oldest: int) -> bytes:
    """One live sample (about 150 bytes)."""
    up, voltage, current, power, energy, export, relay = ring.get(seq)
    text = _place(run, channel, seq, oldest, up)
    text += ',"voltage":%s,"current":%s' % (decimal(voltage, 2), decimal(current, 4))
    text += ',"power":%s,"energy_mwh":%d' % (decimal(power, 3), energy)
    if export is not None:
        text += ',"export_mwh":%d' % export
    return (text + ',"relay_state":%s}' % _flag(relay)).encode()


def batch(ring, run: str, channel: int, first: int, count: int, dt: int, oldest: int) -> bytes:  # noqa: PLR0917
    """Consecutive samples `dt` apart. One column at a time: 120 samples need about 10 KB while this runs."""
    seqs = range(first, first + count)
    text = _place(run, channel, first, oldest, ring.up(first)) + ',"dt":%d' % dt
    for name, index, places in (("voltage", 1, 2), ("current", 2, 4), ("power", 3, 3)):
        text += ',"%s":[' % name + ",".join([decimal(ring.get(seq)[index], places) for seq in seqs]) + "]"
    text += ',"energy_mwh":[' + ",".join([str(ring.get(seq)[4]) for seq in seqs]) + "]"
    if ring.get(first)[5] is not None:
        text += ',"export_mwh":[' + ",".join([str(ring.get(seq)[5]) for seq in seqs]) + "]"
    return (text + ',"relay_state":[' + ",".join([_flag(ring.get(seq)[6]) for seq in seqs]) + "]}").encode()


def minutes(run: str, channel: int, reason: str, records: list, offset: int) -> bytes:  # noqa: PLR0917
    """Records of the flash log (about 130 bytes each). `offset`: Unix ms - up, 0 where the time is not known."""
    texts = []
    for _, count, last, up, low, mean, high, energy, export, on in records:
        text = '{"seq_from":%d,"seq_to":%d,"up":%d' % (last - count + 1, last, up)
        text += ',"min":%s,"mean":%s,"max":%s' % (decimal(low, 3), decimal(mean, 3), decimal(high, 3))
        text += ',"energy_mwh":%d,"on_s":%s' % (energy, decimal(on, 3))
        if export:
            text += ',"export_mwh":%d' % export
        if offset:
            text += ',"ts":%d' % (up + offset)
        texts.append(text + "}")
    head = '{"run":"%s","channel":%d' % (run, channel)
    if reason:
        head += ',"reason":"%s"' % reason
    return (head + ',"minutes":[' + ",".join(texts) + "]}").encode()


def parse(payload: bytes):
    """A JSON object, or None for anything else: whatever arrives must not raise."""
    try:
        value = json.loads(payload)
    except Exception:  # ValueError, UnicodeError; RecursionError on CPython; MemoryError on a small heap
        return None
    return value if isinstance(value, dict) else None


def whole(value, low: int, high: int) -> bool:
    """Is it an integer in low..high? (True and False are no numbers here.)"""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
