"""Versions as they are compared: 1.10.0 is newer than 1.9.0, and 1.9.0 newer than 1.9.0-rc.1."""

import re

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(.*)", re.ASCII)
RELEASE = r"^\d{1,6}\.\d{1,6}\.\d{1,6}$"
"""How a version that is out is written."""


def is_newer(version: str, than: str) -> bool:
    """False where one of them is no version."""
    first, second = _parts(version), _parts(than)
    return first is not None and second is not None and first > second


def _parts(version: str) -> tuple[int, int, int, bool] | None:
    """The last: is it out, not on its way?"""
    said = _VERSION.fullmatch(version)
    return said and (int(said[1]), int(said[2]), int(said[3] or 0), not said[4])
