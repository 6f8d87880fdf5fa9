"""plughub certificate, on a hub that runs and on one that is stopped."""

import argparse
import asyncio
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.auth.certificates import BrowserIssuer, PlugIssuer, fingerprint
from hub.auth.certificates.issuer import RELEASED
from hub.auth.certificates.service import FOLDER
from hub.cli import certificate
from hub.messages import HubError
from hub.testing.process import HubProcess
from tests.certificates.parts import NAMES


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


async def test_certificates_on_the_command_line() -> None:
    hub = HubProcess()
    try:
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
    finally:
        await hub.close()


def test_what_people_read(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def said(*arguments: str) -> str:
        parser = argparse.ArgumentParser()
        certificate.configure(parser)
        assert certificate.run(parser.parse_args([*arguments, "--data", str(tmp_path)])) == 0
        return capfdbinary.readouterr().out.decode()

    for action in ("renew", "export"):
        with pytest.raises(HubError) as refused:
            said(action)
        assert refused.value.id == "cli-certificate-none"
    issuers = [kind(tmp_path / FOLDER, "Smart Plug AI") for kind in (BrowserIssuer, PlugIssuer)]
    for issuer in issuers:
        issuer.ensure(NAMES, RELEASED, RELEASED, certain=True)
    shown = said("show")
    for issuer in issuers:
        assert fingerprint(issuer.authority.certificate) in shown
        assert fingerprint(issuer.leaf.certificate) in shown
    assert "plughub.local, pi.lan, 192.168.1.20" in shown
    (tmp_path / FOLDER / "plugs.pem").write_text("damage")
    assert "cannot be read" in said("show")
    file = tmp_path / "plugs.der"
    assert said("export", "--of", "mqtt", "--format", "der", "--out", str(file))
    assert ssl.DER_cert_to_PEM_cert(file.read_bytes()) == said("export", "--of", "mqtt")
    with pytest.raises(HubError):
        said("export", "--out", str(tmp_path / "no" / "folder"))
