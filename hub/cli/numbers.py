"""Numbers on the command line: what is none is said in a sentence, not by a name of Python."""

import argparse
import math

from hub.cli.speech import sentence


def whole(text: str) -> int:
    """For `add_argument(type=…)`. Raises ArgumentTypeError."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(sentence("cli-not-whole", text=text)) from None


def count(text: str) -> int:
    """How many of something: one at least. Raises ArgumentTypeError."""
    value = whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(sentence("cli-not-count", text=text))
    return value


def number(text: str) -> float:
    """The same with a fraction. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(sentence("cli-not-number", text=text))
    return value
