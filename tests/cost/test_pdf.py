"""The printed page: what stands on it, in both languages, over several pages; read back from the file itself."""

import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from hub.cost import Words
from hub.cost.notes import notes_of
from hub.cost.pdf import CLOSE, WIDE, pages_of, render_pdf
from hub.cost.rows import rows_of
from hub.cost.typeface import FONTS, printable, runs
from tests.cost.parts import QUARTER, MeteredHome, at, noisy, quarters

HomeAt = Callable[..., MeteredHome]
FONT = re.compile(rb"/Name /(\S+) .*?/ToUnicode (\d+) 0 R", re.DOTALL)
OBJECT = re.compile(rb"^(\d+) 0 obj$(.*?)^endobj$", re.DOTALL | re.MULTILINE)
LETTER = re.compile(rb"<(\w\w)> <(\w{4})>")
LINE = re.compile(rb"^BT (.*?) ET$", re.DOTALL | re.MULTILINE)
PIECE = re.compile(rb"/(\S+) [\d.]+ Tf|\(((?:\\\)|.)*?)\) Tj", re.DOTALL)
ESCAPE = re.compile(rb"\\([0-7]{3}|.)")


@pytest.fixture(autouse=True)
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Page streams as they are written."""
    monkeypatch.setattr("reportlab.rl_config.pageCompression", 0)


def texts(pdf: bytes) -> list[str]:
    """Every text on every page in the order in which it was written, as a reader copies it; where fonts take turns,
    in parts."""
    objects = {int(number): body for number, body in OBJECT.findall(pdf)}
    fonts = {}
    for body in objects.values():
        if (font := FONT.search(body)) is not None:
            letters = LETTER.findall(objects[int(font[2])])
            fonts[font[1]] = {int(code, 16): chr(int(letter, 16)) for code, letter in letters}
    found = []
    for line in LINE.findall(pdf):
        text, font = "", b""
        for name, shown in PIECE.findall(line):
            font = name or font
            codes = ESCAPE.sub(lambda match: bytes([int(match[1], 8)]) if len(match[1]) == 3 else match[1], shown)
            text += "".join(fonts[font][code] for code in codes)
        found.append(text)
    return found


async def test_money_first_then_rooms_and_what_it_rests_on(home_at: HomeAt) -> None:
    home = home_at("2026-12-02T10:00")
    start = at("2026-10-01")
    for seed, name in enumerate(("fridge", "kettle", "lamp")):
        home.fill(name, noisy(start, at("2026-12-01"), seed))
    rooms = {"fridge": "Küche", "kettle": "Küche", "lamp": None}
    report = await home.report("month", "2026-11", rooms=rooms)
    for language, expected in (
        (
            "en",
            ("Energy and cost", "November 2026", "Küche", "Without a room", "Everything was measured", "Page 1 of 1"),
        ),
        ("de", ("Energie und Kosten", "November 2026", "Küche", "Ohne Raum", "Alles wurde gemessen", "Seite 1 von 1")),
    ):
        words = Words(language, "EUR")
        shown = texts(render_pdf(report, words, home.clock.now()))
        for text in expected:
            assert any(line.startswith(text) for line in shown), text
        cost = words.money(report.total.now.cost or 0).replace("\u00a0", " ")
        assert shown.index(cost) < shown.index("Küche")
        assert ("€" in cost) and shown.count(cost) == 2
        assert any("30.0 ct" in line or "30,0 ct" in line for line in shown)
        assert shown.count("/") == 0


async def test_the_rows_add_up_as_they_are_printed(home_at: HomeAt) -> None:
    home = home_at("2026-12-02T10:00")
    names = [f"plug {n}" for n in range(9)]
    for seed, name in enumerate(names):
        home.fill(name, noisy(at("2026-10-01"), at("2026-12-01"), seed, watts=seed * 7 + 0.3))
    report = await home.report("month", "2026-11", rooms={name: f"room {n % 4}" for n, name in enumerate(names)})
    rows = rows_of(report, Words("en", "EUR"))
    for column in ("energy", "cost", "share", "before"):

        def number(text: str) -> float:
            return float(re.sub(r"[^\d.]", "", text))

        printed = [(row.kind, number(getattr(row, column))) for row in rows]
        whole = printed[-1][1]
        assert sum(value for kind, value in printed if kind in ("plug", "only")) == pytest.approx(whole)
        assert sum(value for kind, value in printed if kind in ("room", "only")) == pytest.approx(whole)
        room = None
        for kind, value in [*printed, ("room", 0.0)]:
            if kind != "plug":
                assert room is None or room == pytest.approx(0)
                room = value if kind == "room" else None
            elif room is not None:
                room -= value


async def test_many_plugs_fill_pages_and_each_has_its_number(home_at: HomeAt) -> None:
    home = home_at("2026-11-02T10:00")
    names = {f"plug {n}": f"room {n // 3}" for n in range(90)}
    for seed, name in enumerate(names):
        home.fill(name, noisy(at("2026-11-01"), home.clock.now(), seed))
    pdf = render_pdf(await home.report("month", rooms=names), Words("en", "EUR"), home.clock.now())
    shown = texts(pdf)
    pages = [text for text in shown if text.startswith("Page ")]
    assert len(pages) >= 3
    assert pages == [f"Page {n} of {len(pages)}" for n in range(1, len(pages) + 1)]
    assert shown.count("Change") >= len(pages) - 1
    assert {name.title() for name in names} <= set(shown)


async def test_no_page_is_for_a_few_lines_that_fit_more_closely(home_at: HomeAt) -> None:
    home, words, names = home_at("2026-12-02T10:00"), Words("en", "EUR"), dict[str, str | None]()
    while True:
        home.fill(name := f"plug {len(names)}", quarters(at("2026-11-01"), np.full(96, 1000.0)))
        names[name] = None
        report = await home.report("month", "2026-11", rooms=names)
        if pages_of(report, words, home.clock.now(), WIDE) == 2:  # by one plug
            break
    assert pages_of(report, words, home.clock.now(), CLOSE) == 1
    shown = texts(render_pdf(report, words, home.clock.now()))
    assert [text for text in shown if text.startswith("Page ")] == ["Page 1 of 1"]


def test_plugs_that_are_not_heard_are_told_of_in_their_number() -> None:
    words = Words("en", "EUR")
    assert "What they measure meanwhile" in words.say("report-note-open", count=15)
    assert "What it measures meanwhile" in words.say("report-note-open", count=1)


async def test_without_price_without_data(home_at: HomeAt) -> None:
    home = home_at("2026-12-02T10:00")
    nothing = texts(
        render_pdf(await home.report("month", "2026-11", rooms={}, price=None), Words("en", "EUR"), home.clock.now())
    )
    assert "Nothing was measured in this time." in nothing
    assert not any("€" in text or "0.0" in text for text in nothing)
    home.fill("lamp", quarters(at("2026-11-20"), np.full(960, 1000.0)))
    report = await home.report("month", "2026-11", rooms={"lamp": None}, price=None)
    shown = texts(render_pdf(report, Words("en", "EUR"), home.clock.now()))
    assert "Energy" in shown
    assert "Cost" not in shown
    assert any(text.startswith("Nothing to compare with: October") for text in shown)
    assert not any("€" in text for text in shown)


async def test_notes_say_what_can_be_wrong(home_at: HomeAt) -> None:
    home = home_at("2026-11-21T13:30")
    count = (home.clock.now() - at("2026-10-01")) // QUARTER
    estimated = np.zeros(count)
    estimated[-8:] = 1000.0
    home.fill("fridge", quarters(at("2026-10-01"), np.full(count, 1000.0), estimated))
    notes = notes_of(await home.report("month", rooms={"fridge": None}), Words("en", "EUR"))
    assert notes[0].startswith("0.01\u00a0kWh (0.4 %) is estimated")
    assert any("up to 21 October 2026, 13:30" in note for note in notes)
    assert not any("Everything" in note for note in notes)


async def test_names_of_all_europe_are_shown_and_every_font_is_in_the_file(home_at: HomeAt) -> None:
    home = home_at("2026-11-02T10:00")
    rooms = {"Łazienka": "Şömine", "Wärmepumpe – 20 °C": "Łódź", "Холодильник": "Кухня", "Ψυγείο": "Κουζίνα"}
    for seed, name in enumerate(rooms):
        home.fill(name, noisy(at("2026-11-01"), home.clock.now(), seed))
    pdf = render_pdf(await home.report("month", rooms=rooms), Words("en", "EUR"), home.clock.now())
    assert {*rooms, *rooms.values()} <= set(texts(pdf))
    named = set(re.findall(rb"/BaseFont /(\S+)", pdf))
    assert {name.partition(b"+")[2] for name in named} == {path.stem.encode() for path in FONTS.glob("*.ttf")}
    assert pdf.count(b"/FontFile2 ") == len(named)
    assert len(pdf) < 150_000


def test_letters_that_no_font_has() -> None:
    for text in ("Kühlschrank 5 €", "Łódź čaj", "Холодильник", "Ψυγείο", "−5 %", "≤ 5\u00a0W → ½"):
        assert printable(text) == text
    assert printable("e\u0301\u0300") == "é"
    assert printable("② ﬁn\u3000al") == "2 fin al"
    assert printable("Lamp 💡 on") == "Lamp on"
    assert printable("客厅 lamp") == "(?) lamp"
    assert printable("客厅灯", "lamp") == printable("💡", "lamp") == "lamp"


@pytest.mark.parametrize(
    ("home_name", "rooms", "said"),
    [
        ("Home", {"fridge": "Küche", "холодильник": "Κουζίνα"}, False),
        ("Home", {"冰箱": None, "lamp": None}, True),
        ("Home", {"fridge": "厨房", "lamp": "غرفة"}, True),
        ("我的家", {"fridge": "Kitchen"}, True),
        ("Home", {"客厅 lamp 💡": None}, True),
        ("Home", {"Lamp 💡": "Kitchen"}, False),  # a picture is no word that is missing
    ],
)
async def test_a_report_says_why_a_name_is_not_as_people_wrote_it(
    home_at: HomeAt, home_name: str, rooms: dict[str, str | None], said: bool
) -> None:
    home = home_at("2026-11-02T10:00")
    for seed, name in enumerate(rooms):
        home.fill(name, noisy(at("2026-11-01"), home.clock.now(), seed))
    report = await home.report("month", rooms=rooms)
    report.home = home_name
    for language, sentence in (("en", "Some names have letters"), ("de", "Manche Namen haben Buchstaben")):
        shown = " ".join(texts(render_pdf(report, Words(language, "EUR"), home.clock.now())))
        assert (sentence in shown) == said
        assert said or "(?)" not in shown
        notes = notes_of(report, Words(language, "EUR"))
        assert sum(note.startswith(sentence) for note in notes) == said


def test_each_part_of_a_line_has_a_font_that_has_its_letters() -> None:
    parts = list(runs("TV Кухня 2", bold=True))
    assert [(run.font, run.text) for run in parts] == [
        ("HankenGrotesk-SemiBold", "TV "),
        ("DejaVuSans-Bold", "Кухня"),
        ("HankenGrotesk-SemiBold", " 2"),
    ]


def test_the_fonts_are_small_and_have_their_licences() -> None:
    assert sum(path.stat().st_size for path in FONTS.glob("*.ttf")) < 200_000
    for family in {path.stem.partition("-")[0] for path in FONTS.glob("*.ttf")}:
        assert (FONTS / f"{family}-LICENCE.txt").is_file()


@pytest.mark.parametrize(
    ("language", "currency", "amount", "price"),
    [
        ("en", "EUR", "€1,234.50", "25.7\u00a0ct"),
        ("de", "EUR", "1.234,50\u00a0€", "25,7\u00a0ct"),
        ("en", "CHF", "CHF\u00a01,234.50", "CHF\u00a00.257"),
        ("de", "USD", "1.234,50\u00a0$", "0,257\u00a0$"),
        ("en", "JPY", "¥1,234", "¥0.257"),
    ],
)
def test_money(language: str, currency: str, amount: str, price: str) -> None:
    words = Words(language, currency)
    assert words.money(1234.5).replace("1,235", "1,234") == amount
    assert words.price(0.257) == price


def test_the_hub_starts_without_the_library_for_pdf() -> None:
    code = "import sys, hub.app, hub.api.rest; sys.exit('reportlab' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
