"""Runs every tests/firmware/device/check_*.py under MicroPython and under CPython."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.firmware import pythons

CHECKS = sorted(path.name for path in pythons.DEVICE.glob("check_*.py"))


@pytest.mark.parametrize("name", pythons.NAMES)
@pytest.mark.parametrize("check", CHECKS)
async def test_check(check: str, name: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *pythons.command(name, check, str(tmp_path)),
        cwd=pythons.DEVICE,
        env=pythons.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 240)
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    text = out.decode() + err.decode()
    assert process.returncode == 0, text
    counted = re.search(r"^(\d+) tests, 0 failed$", out.decode(), re.MULTILINE)
    assert counted is not None and int(counted[1]) > 0, text
    assert "Warning" not in err.decode() and "never retrieved" not in err.decode(), text
