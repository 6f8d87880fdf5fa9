"""The typefaces of printed reports: which font shows which part of a text, and what stands for letters that none has.

Hanken Grotesk, as in the web app, has the Latin letters; DejaVu Sans the Greek and Cyrillic ones and some signs. Both
are in the folder `fonts` (script/report_fonts.py makes them), and go into a file with just the letters that it uses.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

FONTS = Path(__file__).with_name("fonts")
REGULAR = ("HankenGrotesk-Regular", "DejaVuSans-Regular")
BOLD = ("HankenGrotesk-SemiBold", "DejaVuSans-Bold")
SCALE = {"DejaVuSans-Regular": 0.92, "DejaVuSans-Bold": 0.92}  # its letters are taller than those of its neighbour
MARK = "(?)"
"""Stands for letters, however many in a row, of scripts that no font here has."""
LEFT_OUT = frozenset(("Mn", "Me", "Cc", "Cf", "Cs", "Co", "So", "Sk"))
"""Marks on letters and pictures: a word can be read without them."""

_loading = threading.Lock()


class Run(NamedTuple):
    """A part of a line that one font shows. scale: of the line's size."""

    font: str
    scale: float
    text: str


def runs(text: str, *, bold: bool = False) -> Iterator[Run]:
    """The parts of a printable text."""
    first, second = BOLD if bold else REGULAR
    letters = _letters()
    for known, part in groupby(text, lambda letter: ord(letter) in letters[first]):
        font = first if known else second
        yield Run(font, SCALE.get(font, 1.0), "".join(part))


def printable(text: str, instead: str = "") -> str:
    """What the fonts can show of it. Where no letter or digit is left, `instead` stands for it."""
    shown = "".join(_shown(letter) for letter in unicodedata.normalize("NFC", text))
    shown = re.sub(" {2,}", " ", re.sub("\ufffd+", MARK, shown)).strip(" ")
    plain = shown.replace(MARK, "")
    if instead and text.strip() and not any(letter.isalnum() for letter in plain):
        return instead
    return shown


def load() -> None:
    """Register the fonts with reportlab, once for the process. From any thread."""
    from reportlab.pdfbase import pdfmetrics

    with _loading:
        for name, font in _fonts().items():
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(font)


def _shown(letter: str) -> str:
    known = _letters()
    if any(ord(letter) in known[font] for font in REGULAR):
        return letter
    if letter.isspace():
        return " "
    if unicodedata.category(letter) in LEFT_OUT:
        return ""
    plain = unicodedata.normalize("NFKD", letter)
    if plain != letter:
        return "".join(_shown(part) for part in plain)
    return "\ufffd"


@cache
def _letters() -> dict[str, frozenset[int]]:
    """Font -> the code points that it has."""
    with _loading:
        return {name: frozenset(font.face.charToGlyph) for name, font in _fonts().items()}


@cache
def _fonts() -> dict[str, Any]:
    from reportlab.pdfbase.ttfonts import TTFont

    return {name: TTFont(name, str(FONTS / f"{name}.ttf")) for name in (*REGULAR, *BOLD)}
