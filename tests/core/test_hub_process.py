"""The hub as a process of tests: whatever happens to them, it leaves nothing behind."""

import gc
import subprocess
import sys

import pytest

from hub.testing.process import HubProcess, free_port


def test_a_folder_that_nobody_closes_goes() -> None:
    hub = HubProcess()
    folder = hub.folder
    assert folder.exists()
    del hub
    gc.collect()
    assert not folder.exists()


async def test_a_hub_that_does_not_start_does_not_go_on() -> None:
    hub = HubProcess("nonsense: true\n")
    try:
        with pytest.raises(RuntimeError, match="nonsense"):
            await hub.start()
        assert not hub.running
    finally:
        await hub.close()
    assert not hub.folder.exists()


def test_a_port_is_given_once_and_by_one_process() -> None:
    mine = [free_port() for _ in range(150)]
    program = "from hub.testing.process import free_port\nprint(*(free_port() for _ in range(150)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    theirs = [int(port) for port in done.stdout.split()]
    assert len({*mine, *theirs}) == 300
