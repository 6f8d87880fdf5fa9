"""Secrets that somebody types."""

import getpass
import sys

from hub.messages import HubError


def ask_secret(question: str, missing: HubError) -> str:
    """What is typed, unseen. Raises `missing` where nobody sits at a terminal, or they end the input."""
    if not sys.stdin.isatty():
        raise missing
    try:
        return getpass.getpass(question)
    except EOFError as error:
        print(file=sys.stderr)
        raise missing from error
