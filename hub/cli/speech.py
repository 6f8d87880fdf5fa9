"""What the command line says: sentences by id, in the language of the terminal."""

import json
import sys
from datetime import UTC, datetime

from hub.messages import HubError, Message, environment_language, render


def sentence(id: str, /, **values: object) -> str:
    """The sentence in the terminal's language."""
    return render(Message(id, values), environment_language())


def say(id: str, /, **values: object) -> None:
    """Print a sentence."""
    print(sentence(id, **values), flush=True)


def print_json(value: object) -> None:
    """For programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def local_time(at: int) -> str:
    """A moment (Unix ms) by the clock of this machine, to the minute; one that no calendar has as its number."""
    try:
        moment = datetime.fromtimestamp(at / 1000, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return f"? ({at})"
    return f"{moment:%Y-%m-%d %H:%M}"


def complain(error: HubError) -> None:
    """Print an error for people on standard error."""
    print(render(error.message, environment_language()), file=sys.stderr, flush=True)
