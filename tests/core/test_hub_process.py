"""The hub as a process of tests: whatever happens to them, it leaves nothing behind."""

import gc

import pytest

from hub.testing.process import HubProcess


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
