"""What the command line says: sentences by id, in the language of the terminal."""

import sys

from hub.messages import HubError, Message, environment_language, render


def sentence(id: str, /, **values: object) -> str:
    """The sentence in the terminal's language."""
    return render(Message(id, values), environment_language())


def say(id: str, /, **values: object) -> None:
    """Print a sentence."""
    print(sentence(id, **values), flush=True)


def complain(error: HubError) -> None:
    """Print an error for people on standard error."""
    print(render(error.message, environment_language()), file=sys.stderr, flush=True)
