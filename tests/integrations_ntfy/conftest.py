"""Fixtures of plugin authors, and a port on which nobody listens."""

import socket

import pytest

from hub.testing.plugins import hub

__all__ = ["hub"]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
