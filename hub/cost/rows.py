"""Rows of the printed table: rounded so that plugs add up to their room, rooms to the whole, and shares to 100."""

from collections.abc import Sequence

import msgspec

from hub.cost.report import Line, Report
from hub.cost.rounding import round_parts
from hub.cost.words import ALIKE, MWH_IN_KWH, Words, energy_digits

DASH = "–"


class Row(msgspec.Struct):
    """Texts of one row. kind: "room", "plug", "only" (the one plug of a room, which is `beside`) or "all". key: stands
    for a name that cannot be printed."""

    kind: str
    name: str
    energy: str
    share: str
    cost: str
    before: str
    change: str
    key: str = ""
    beside: str = ""


class _Sums(msgspec.Struct):
    """Rounded numbers of one row."""

    energy: float | None
    share: float | None
    cost: float | None
    before: float | None


def rows_of(report: Report, words: Words) -> list[Row]:
    """Each room followed by its plugs, and the whole; only plugs where there are no rooms."""
    digits = energy_digits((report.total.now.mwh or 0.0) / MWH_IN_KWH)
    printer = _Printer(words, digits)
    whole = _Sums(
        _rounded(report.total.now.mwh, digits),
        None if not report.total.now.mwh else 100.0,
        None if report.total.now.cost is None else round(report.total.now.cost, words.money_digits),
        _rounded(report.total.before.mwh, digits),
    )
    rows = []
    for room, sums in zip(report.rooms, _split(report.rooms, whole, words, digits), strict=True):
        inside = [line for line in report.devices if line.outlet is not None and line.outlet.room == room.name]
        name = room.name or words.say("report-room-none")
        if len(inside) == 1 and len(report.rooms) > 1:
            only = printer.row("only", inside[0].name or "", inside[0], sums)
            rows.append(msgspec.structs.replace(only, beside=name))
            continue
        if len(report.rooms) > 1 or room.name is not None:
            rows.append(printer.row("room", name, room, sums))
        parts = _split(inside, sums, words, digits)
        rows += [printer.row("plug", line.name or "", line, part) for line, part in zip(inside, parts, strict=True)]
    return [*rows, printer.row("all", words.say("report-all"), report.total, whole)]


def _split(lines: Sequence[Line], whole: _Sums, words: Words, digits: int) -> list[_Sums]:
    energies = [None if line.now.mwh is None else line.now.mwh / MWH_IN_KWH for line in lines]
    earlier = [None if line.before.mwh is None else line.before.mwh / MWH_IN_KWH for line in lines]
    known = sum(energy for energy in energies if energy is not None)
    # Of a whole that is a share itself, each its part.
    shares = [None if energy is None or not known else energy / known * (whole.share or 0.0) for energy in energies]
    return [
        _Sums(*numbers)
        for numbers in zip(
            round_parts(energies, digits, whole.energy),
            round_parts(shares, 0, whole.share),
            round_parts([line.now.cost for line in lines], words.money_digits, whole.cost),
            round_parts(earlier, digits, whole.before),
            strict=True,
        )
    ]


def _rounded(mwh: float | None, digits: int) -> float | None:
    return None if mwh is None else round(mwh / MWH_IN_KWH, digits)


class _Printer:
    """Numbers as texts."""

    def __init__(self, words: Words, digits: int) -> None:
        self._words = words
        self._digits = digits

    def row(self, kind: str, name: str, line: Line, sums: _Sums) -> Row:
        """One row."""
        say = self._words
        return Row(
            kind,
            name,
            DASH if sums.energy is None else say.decimal(sums.energy, self._digits),
            DASH if sums.share is None else f"{say.decimal(sums.share, 0)} %",
            DASH if sums.cost is None else say.money(sums.cost),
            DASH if sums.before is None else say.decimal(sums.before, self._digits),
            DASH if line.change is None else self._change(line.change),
            "" if line.outlet is None else line.outlet.key,
        )

    def _change(self, change: float) -> str:
        sign = "\u2212" if change <= -ALIKE else "+" if change >= ALIKE else ""
        return f"{sign}{self._words.percent(change)} %"
