"""A report as a PDF: A4, ink on white, the sum of money first, then the days, rooms and plugs, and what it rests on."""

from typing import NamedTuple

from hub.cost.bars import draw_bars, draw_key
from hub.cost.notes import notes_of
from hub.cost.paper import EDGE, HEIGHT, INK, INK2, INK3, LINE, MARGIN, RIGHT, SUN, Paper
from hub.cost.report import Report
from hub.cost.rows import Row, rows_of
from hub.cost.typeface import printable
from hub.cost.words import Words

BOTTOM = HEIGHT - 62
WITH_COST = (334.0, 376.0, 438.0, 500.0, RIGHT)
WITHOUT_COST = (380.0, 425.0, 0.0, 490.0, RIGHT)


class Spacing(NamedTuple):
    """Heights in points."""

    row: float
    chart: float
    leading: float  # of the notes


WIDE = Spacing(row=15.5, chart=128.0, leading=12.5)
CLOSE = Spacing(row=13.5, chart=84.0, leading=11.5)


def render_pdf(report: Report, words: Words, made: int) -> bytes:
    """The file. made: Unix ms. Takes some 50 ms of a core, 75 ms of several pages, and imports reportlab: call it in a
    thread."""
    # How many pages there are is known at the end.
    spacing, pages = WIDE, pages_of(report, words, made, WIDE)
    if pages > 1 and (fewer := pages_of(report, words, made, CLOSE)) < pages:  # no page for a few lines
        spacing, pages = CLOSE, fewer
    return _Print(report, words, made, spacing, pages).draw()


def pages_of(report: Report, words: Words, made: int, spacing: Spacing) -> int:
    """How many pages it takes so."""
    tried = _Print(report, words, made, spacing, pages=0)
    tried.draw()
    return tried.paper.page


class _Print:
    """One run over all pages; `_y` is where the next thing goes."""

    def __init__(self, report: Report, words: Words, made: int, spacing: Spacing, pages: int) -> None:
        self._report = report
        self._words = words
        self._made = report.period.local(made)
        self._spacing = spacing
        self._pages = pages
        title = words.say("report-title" if report.price is not None else "report-title-energy")
        self._title = title
        self.paper = Paper(title=f"{title}, {words.label(report.period)}", author=report.home, language=words.language)
        self._y = MARGIN

    def draw(self) -> bytes:
        self._head()
        if self._report.empty:
            self._y += 24
            self.paper.text(MARGIN, self._y, self._words.say("report-empty"), 11)
            self._y += 20
        else:
            self._sums()
            self._chart()
            self._table()
        self._notes()
        self._foot()
        return self.paper.done()

    def _head(self) -> None:
        paper, report, words = self.paper, self._report, self._words
        paper.box(MARGIN, self._y - 11, 14, 14, fill=INK, radius=3.6)
        paper.box(MARGIN + 4, self._y - 7.4, 2.2, 6.8, fill=SUN)
        paper.box(MARGIN + 7.8, self._y - 7.4, 2.2, 6.8, fill="#FFFFFF")
        paper.text(MARGIN + 20, self._y, "Smart Plug AI", 10, bold=True)
        paper.text(RIGHT, self._y, report.home, 10, colour=INK2, align="right", width=240)
        self._y += 42
        paper.text(MARGIN, self._y, self._title, 21, bold=True)
        paper.text(RIGHT, self._y, words.label(report.period), 14, bold=True, align="right")
        self._y += 17
        id = "report-so-far" if report.period.running else "report-measured"
        days = words.say(id, days=words.covered(report.period), zone=report.period.zone.replace("_", " "))
        paper.text(MARGIN, self._y, days, 9.5, colour=INK2)
        self._y += 12

    def _sums(self) -> None:
        """Money first, then energy, and how that is beside the period before."""
        paper, report, words = self.paper, self._report, self._words
        now, before = report.total.now, report.total.before
        self._y += 36
        energy, _, unit = words.energy(now.mwh or 0.0).partition("\u00a0")
        x = MARGIN
        if now.cost is not None:
            x = paper.text(x, self._y, words.money(now.cost), 34, bold=True) + 26
        x = paper.text(x, self._y, energy, 34, bold=now.cost is None)
        paper.text(x + 5, self._y, unit, 15, colour=INK2)
        self._y += 19
        if report.total.change is not None:
            paper.text(MARGIN, self._y, words.compared(report.period, report.total.change), 11, bold=True)
            values = {"name": words.label_before(report.period), "energy": words.energy(before.mwh or 0.0)}
            if before.cost is not None:
                text = words.say("report-before-cost", **values, cost=words.money(before.cost))
            else:
                text = words.say("report-before", **values)
            self._y += 14
            x = paper.text(MARGIN, self._y, text, 9.5, colour=INK2)
            if report.not_compared:
                note = words.say("report-compared-of", count=report.total.comparable)
                paper.text(x + 12, self._y, note, 9.5, colour=INK2)
        elif before.mwh is None or report.not_compared:
            text = words.say("report-nothing-before", name=words.label_before(report.period))
            paper.text(MARGIN, self._y, text, 9.5, colour=INK2)
        self._y += 14

    def _chart(self) -> None:
        paper = self.paper
        self._y += 20
        paper.text(MARGIN, self._y, self._words.say("report-by", kind=self._report.period.kind), 12, bold=True)
        draw_key(paper, self._report, self._words, RIGHT, self._y)
        top = self._y + 22
        draw_bars(paper, self._report, self._words, (MARGIN, top, RIGHT, top + self._spacing.chart))
        self._y = top + self._spacing.chart + 26

    def _table(self) -> None:
        self._y += 16
        self.paper.text(MARGIN, self._y, self._words.say("report-where"), 12, bold=True)
        self._y += 18
        self._columns()
        rows = rows_of(self._report, self._words)
        for n, row in enumerate(rows):
            # A room is not parted from its first plug, nor the whole from the last.
            needed = self._spacing.row * (2 if row.kind == "room" or n == len(rows) - 2 else 1)
            if self._y + needed > BOTTOM:
                self._turn()
                self._columns()
            self._row(row)
        self._y += 6

    def _columns(self) -> None:
        words, report = self._words, self._report
        names = [
            words.say("report-column-energy"),
            words.say("report-column-share"),
            words.say("report-column-cost"),
            words.say("report-column-before", kind=report.period.kind, name=words.short_before(report.period)),
            words.say("report-column-change"),
        ]
        for x, name in zip(self._places, names, strict=True):
            if x:
                self.paper.text(x, self._y, name, 8, colour=INK3, align="right", width=60)
        self._y += 5.5
        self.paper.line(MARGIN, self._y, RIGHT, self._y, colour=EDGE)

    @property
    def _places(self) -> tuple[float, ...]:
        return WITH_COST if self._report.total.now.cost is not None else WITHOUT_COST

    def _row(self, row: Row) -> None:
        paper = self.paper
        bold = row.kind != "plug"
        if row.kind == "all":
            paper.line(MARGIN, self._y + 1, RIGHT, self._y + 1, colour=INK, width=1.2)
            self._y += 1.5
        elif row.kind != "plug":
            self._y += 3
        y = self._y + self._spacing.row - 4
        indent = 12.0 if row.kind == "plug" and self._rooms else 0.0
        x = MARGIN + indent
        if row.beside:
            x = paper.text(x, y, row.beside, 9.5, bold=True, width=150) + 9
        name = printable(row.name, row.key)
        plain = bool(row.beside) or not bold
        paper.text(x, y, name, 9.5, bold=not plain, width=self._places[0] - x - 52)
        for x, text in zip(self._places, (row.energy, row.share, row.cost, row.before, row.change), strict=True):
            if x:
                strong = bold and text != "–"
                colour = INK if bold or x == self._places[0] or x == self._places[2] else INK2
                paper.text(x, y, text, 9.5, bold=strong, align="right", colour=colour)
        self._y += self._spacing.row
        if row.kind != "all":
            paper.line(MARGIN + indent, self._y, RIGHT, self._y, colour=LINE, width=0.5)

    @property
    def _rooms(self) -> bool:
        return any(line.name is not None for line in self._report.rooms)

    def _notes(self) -> None:
        paper = self.paper
        size, leading = 9.0, self._spacing.leading
        lines = [paper.wrapped(note, size, RIGHT - MARGIN - 12) for note in notes_of(self._report, self._words)]
        if self._y + 40 + leading * sum(map(len, lines)) > BOTTOM:
            self._turn()
        self._y += 24
        paper.text(MARGIN, self._y, self._words.say("report-notes"), 12, bold=True)
        self._y += 4
        for note in lines:
            self._y += 3
            paper.text(MARGIN, self._y + leading - 1, "–", size, colour=INK3)
            for text in note:
                self._y += leading
                paper.text(MARGIN + 12, self._y, text, size, colour=INK2)

    def _turn(self) -> None:
        self._foot()
        self.paper.turn()
        paper = self.paper
        paper.text(MARGIN, MARGIN, f"{self._title}, {self._words.label(self._report.period)}", 9, colour=INK3)
        paper.text(RIGHT, MARGIN, self._report.home, 9, colour=INK3, align="right", width=240)
        self._y = MARGIN + 26

    def _foot(self) -> None:
        paper, words = self.paper, self._words
        y = HEIGHT - 34
        paper.line(MARGIN, y - 13, RIGHT, y - 13)
        made = words.say("report-made", date=words.date(self._made), time=words.clock(self._made))
        paper.text(MARGIN, y, made, 8, colour=INK3)
        page = words.say("report-page", page=paper.page, pages=self._pages or paper.page)
        paper.text(RIGHT, y, page, 8, colour=INK3, align="right")
