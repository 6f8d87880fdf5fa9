"""plughub certificate, on a hub that runs and on one that is stopped."""

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

from hub.testing.process import HubProcess


async def plughub(hub: HubProcess, *arguments: str) -> tuple[int, str]:
    """Exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", "certificate", *arguments, "--data", str(hub.data)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def shown(hub: HubProcess) -> Any:
    code, said = await plughub(hub, "show", "--json")
    assert code == 0, said
    return json.loads(said[said.index("{") :])


async def test_certificates_on_the_command_line(tmp_path: Path) -> None:
    hub = HubProcess()
    try:
        code, said = await plughub(hub, "export")
        assert code == 1
        assert "no certificates here yet" in said
        await hub.start()
        running = await shown(hub)
        assert await plughub(hub, "renew") == (0, "New certificates are in use.\n")
        renewed = await shown(hub)
        assert await hub.stop() == 0
        stopped = await shown(hub)
        assert stopped == renewed
        for name in ("web", "mqtt"):
            assert renewed[name]["authority"] == running[name]["authority"]
            assert renewed[name]["certificate"] != running[name]["certificate"]
        code, said = await plughub(hub, "renew")
        assert code == 0
        assert "from its next start on" in said
        again = await shown(hub)
        assert again["web"]["authority"] == running["web"]["authority"]
        assert again["web"]["certificate"] != renewed["web"]["certificate"]
        code, said = await plughub(hub, "show")
        assert code == 0
        assert again["web"]["certificate"]["fingerprint"] in said
        assert "plughub.local" in said
        _, text = await plughub(hub, "export", "--of", "mqtt")
        file = tmp_path / "plugs.der"
        code, said = await plughub(hub, "export", "--of", "mqtt", "--format", "der", "--out", str(file))
        assert code == 0, said
        assert ssl.DER_cert_to_PEM_cert(file.read_bytes()) == text
    finally:
        await hub.close()
