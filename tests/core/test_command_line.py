"""The command line explains itself: each command and action says what it does, each word and option what it is for."""

import argparse
from collections.abc import Iterator

import pytest

from hub.cli import COMMANDS, parser_of


def below(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from below(child)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_complete(command: str) -> None:
    commands = next(one for one in parser_of(command)._actions if isinstance(one, argparse._SubParsersAction))
    for parser in below(commands.choices[command]):
        assert parser.description, f"{parser.prog} does not say what it does"
        for action in parser._actions:
            told = action.help or isinstance(action, argparse._SubParsersAction)
            assert told, f"{parser.prog}: nothing says what {action.option_strings or action.dest} is for"
