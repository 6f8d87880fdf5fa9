"""A distributor whose certificate this process and those that it starts trust."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.updates.parts import Distributor


@pytest.fixture
async def distributor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Distributor]:
    there = Distributor(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(there.files.certificate))
    await there.start()
    yield there
    await there.stop()
