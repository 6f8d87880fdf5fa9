"""Common passwords: would somebody who tries the usual ones find it soon?"""

import re
from functools import cache
from pathlib import Path

WORDS_FILE = Path(__file__).parent / "common_words.txt"
PASSWORDS_FILE = Path(__file__).parent / "common_passwords.txt"
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "a1b2c3d4e5f6g7h8i9j0",
    "q1w2e3r4t5y6u7i8o9p0",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "!@#$%^&*()",
)
RUNS = frozenset(
    row[begin : begin + length]
    for line in ROWS
    for row in (line, line[::-1])
    for length in range(3, 17)
    for begin in range(len(row) - length + 1)
)
LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
SAME = re.compile(r"(.)\1+")
YEAR = re.compile(r"(19|20)\d\d")
LONGEST_PIECE = 16
SHORTEST_OWN = 4
WORD_COST = 2
LEAST_COST = 7  # "Password8471" costs 6


def is_common(password: str, *own: str) -> bool:
    """True for what many use, and for what is made of few usual pieces: well-known words (letters written as digits
    undone), runs over the keyboard or the alphabet, years, one character again and again, and the person's `own` name
    or address."""
    plain = password.casefold()
    if plain in common_passwords():
        return True
    own_words = {word for text in own for word in split_words(text) if len(word) >= SHORTEST_OWN}
    return any(cost(unit(form), own_words) < LEAST_COST for form in (plain, plain.translate(LEET)))


def cost(plain: str, own: set[str]) -> int:
    """How much there is to guess, in characters: the cheapest way to cut the text into pieces."""
    words = common_words()
    best = [0] * (len(plain) + 1)
    for end in range(1, len(plain) + 1):
        best[end] = best[end - 1] + 1
        for begin in range(max(0, end - LONGEST_PIECE), end - 1):
            piece = plain[begin:end]
            if piece in own or piece in RUNS or SAME.fullmatch(piece) or YEAR.fullmatch(piece):
                best[end] = min(best[end], best[begin] + 1)
            elif piece in words:
                best[end] = min(best[end], best[begin] + WORD_COST)
    return best[-1]


def unit(plain: str) -> str:
    """What is repeated, where a text is one thing several times: "abcabc" is "abc"."""
    length = (plain + plain).find(plain, 1)
    return plain[:length]


def split_words(text: str) -> list[str]:
    """The words of a name or an address."""
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


@cache
def common_words() -> frozenset[str]:
    """The words of the shipped list, lower case."""
    return _listed(WORDS_FILE)


@cache
def common_passwords() -> frozenset[str]:
    """The most used ones that would be long enough, lower case."""
    return _listed(PASSWORDS_FILE)


def _listed(file: Path) -> frozenset[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
