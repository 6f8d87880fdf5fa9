"""What the command line says: sentences by id, in the language of the terminal."""

import os
import sys

from hub.messages import LANGUAGES, HubError, Message, render


def language() -> str:
    """Language of the terminal's locale, English where it is not one of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return value[:2] if value[:2] in LANGUAGES else "en"
    return "en"


def sentence(id: str, /, **values: object) -> str:
    """The sentence in the terminal's language."""
    return render(Message(id, values), language())


def say(id: str, /, **values: object) -> None:
    """Print a sentence."""
    print(sentence(id, **values), flush=True)


def complain(error: HubError) -> None:
    """Print an error for people on standard error."""
    print(render(error.message, language()), file=sys.stderr, flush=True)
