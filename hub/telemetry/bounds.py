"""Bounds: what samples, minutes and texts of plugs may say; everything beyond is refused with its reason."""

import re

from hub.plugins.contract import MINUTES, Minute, PayloadError
from hub.sample import Sample

MAX_VOLTAGE = 500.0
MAX_CURRENT = 100.0
MAX_POWER = 25_000.0
MOST = 2**53  # whole numbers beyond are no counters
CHANNELS = 16
LONGEST_RUN = 64
LONGEST_TEXT = 256
LONGEST_UP = 10 * 366 * 86_400_000  # ms; a run spans buckets from its first to its last sample
LONGEST_MINUTES = 1 << 20  # samples in one record
SURROGATE = re.compile("[\ud800-\udfff]")


def refusal(sample: Sample) -> str | None:
    """Why a sample cannot be used, None when it can. Completes `power` and `energy_mwh`. Hot path."""
    voltage, current, power = sample.voltage, sample.current, sample.power
    if voltage is not None and not 0.0 <= voltage <= MAX_VOLTAGE:  # False for NaN
        return "voltage"
    if current is not None and not 0.0 <= current <= MAX_CURRENT:
        return "current"
    if power is None:
        if voltage is None or current is None:
            return "missing"
        power = sample.power = voltage * current
        sample.apparent = True
    if not -MAX_POWER <= power <= MAX_POWER:
        return "power"
    if sample.energy_mwh is None:
        energy = sample.energy
        if energy is not None:
            if not 0.0 <= energy < MOST / 1000:
                return "energy"
            sample.energy_mwh = round(energy * 1000)
    elif not 0 <= sample.energy_mwh < MOST:
        return "energy"
    if sample.export_mwh is not None and not 0 <= sample.export_mwh < MOST:
        return "energy"
    return refused_place(sample)


def refused_place(sample: Sample) -> str | None:
    """Is the place of a sample one at all?"""
    run, seq, up, oldest = sample.run, sample.seq, sample.up, sample.oldest
    if not 0 <= sample.channel < CHANNELS:
        return "channel"
    if run is not None and (not 0 < len(run) <= LONGEST_RUN or not run.isascii() or run.endswith(MINUTES)):
        return "run"
    if seq is not None and not 0 <= seq < MOST:
        return "seq"
    if up is not None and not 0 <= up < LONGEST_UP:
        return "up"
    if oldest is not None and not 0 <= oldest < MOST:
        return "oldest"
    return None


def check_texts(*texts: str | None) -> None:
    """Raises PayloadError for what is too long, or half a character (JSON allows it, and no answer, record or database
    could hold it)."""
    for text in texts:
        if text is not None and (len(text) > LONGEST_TEXT or (not text.isascii() and SURROGATE.search(text))):
            raise PayloadError("text", f"{text[:20]!r}")


def describe(sample: Sample) -> str:
    """A refused sample in a few words, for people."""
    return f"channel {sample.channel}, seq {sample.seq}: {sample.voltage} V, {sample.current} A, {sample.power} W"


def refused_minute(minute: Minute) -> str | None:
    """Why minutes cannot be used, None when they can."""
    if not readable(minute.seq_from, minute.seq_to) or minute.seq_to - minute.seq_from >= LONGEST_MINUTES:
        return "seq"
    if not 0 <= minute.up < MOST:
        return "up"
    for power in (minute.min, minute.mean, minute.max):
        if power is not None and not -MAX_POWER <= power <= MAX_POWER:
            return "power"
    if not 0 <= minute.energy_mwh < MOST or not 0 <= (minute.export_mwh or 0) < MOST:
        return "energy"
    if minute.on_s is not None and not 0 <= minute.on_s < MOST:
        return "on_s"
    return None


def readable(seq_from: int, seq_to: int) -> bool:
    """Can the range be acknowledged at all?"""
    return 0 <= seq_from <= seq_to < MOST
