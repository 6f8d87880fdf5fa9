"""Every secret of a home goes through a hub that logs all it can, and is then looked for in the log and on the disk."""

import asyncio
import base64
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from benchmarks.mqtt import Plug, connect
from hub.testing.process import EMAIL, PASSWORD, HubProcess

CONFIGURATION = """
hub: {log: {level: debug, levels: {amqtt: debug, aiohttp: debug, sqlalchemy: debug, asyncio: debug, uvloop: debug}}}
network: {mdns: false}
backup: {passphrase: !secret backup_passphrase}
"""
PASSPHRASE, OTHER, MISTAKE = "a grey woollen hat", "seven dry branches", "typed-in-the-wrong-field"
CODE = "0123456789ABCDEF"


async def test_no_secret_is_in_the_log_or_readable_on_the_disk() -> None:
    hub = HubProcess(CONFIGURATION)
    (hub.config / "secrets.yaml").write_text(f"backup_passphrase: {PASSPHRASE}\n")
    try:
        await hub.start()
        code = (hub.data / "setup-code.txt").read_text().strip()
        await hub.set_up()
        secrets = await live(hub)
        await hub.call("POST", "/backups", {})
        command_line = (hub.data / "api.key").read_text()
        log = hub.output()
        assert "debug" in log
        for name, secret in secrets.items():
            assert secret not in log, name
        for key in ("token.key", "api.key"):
            assert (hub.data / key).read_text().strip() not in log
        assert log.count(code) == 1  # written once on purpose, for who has no screen; it serves once
        assert await hub.stop() == 0
        stored = b"".join(path.read_bytes() for path in hub.data.rglob("*") if path.is_file())
        for name, secret in secrets.items():
            if name not in ("backup passphrase",):
                assert secret.encode() not in stored, name
        assert command_line.encode() not in stored
        with closing(sqlite3.connect(hub.data / "registry.sqlite")) as connection:
            assert connection.execute("select count(*) from audit_logs").fetchone()[0] > 5
        private_files(hub.data)
    finally:
        await hub.close()


async def live(hub: HubProcess) -> dict[str, str]:
    """Use everything that is secret; all of it by name."""
    secrets = {"password": PASSWORD, "other password": OTHER, "mistake": MISTAKE, "backup passphrase": PASSPHRASE}
    program = {"X-Plughub-Client": "program"}
    async with aiohttp.ClientSession(hub.url + "/", headers=program) as http:

        async def post(path: str, body: Mapping[str, object]) -> dict[str, str]:
            async with http.post(path, json=body, headers={"Authorization": f"Bearer {hub.token}"}) as answer:
                return dict(await answer.json(content_type=None)) if answer.status != 204 else {}

        await post("auth/login", {"email": MISTAKE, "password": OTHER})
        session = await post("auth/login", {"email": EMAIL, "password": PASSWORD})
        again = await post("auth/refresh", {"refresh_token": session["refresh_token"]})
        secrets |= {"access token": session["access_token"], "refresh token": session["refresh_token"]}
        secrets["refreshed"] = again["refresh_token"]
        body = {"name": "Node-RED", "scopes": ["read"], "password": PASSWORD}
        secrets["API key"] = (await hub.call("POST", "/account/keys", body))["text"]
        secrets["link"] = (await post("invitations", {"role": "guest"}))["link"].rpartition("#")[2]
        joining = {"token": secrets["link"], "name": "Ben", "email": "ben@home.example", "password": OTHER}
        await post("auth/join", joining)
        begun = await post("account/second-factor", {"password": PASSWORD})
        secrets["second factor"] = begun["secret"]
        totp = TOTP(base64.b32decode(begun["secret"]), 6, SHA1(), 30)
        codes = await post("account/second-factor/confirm", {"code": totp.generate(int(time.time())).decode()})
        secrets |= {f"recovery code {number}": code for number, code in enumerate(codes["codes"])}
    _, secrets["MQTT secret"] = await hub.add_plug("plug-1")
    client = {"name": "node-red", "read": ["smartplug/#"]}
    secrets["MQTT client"] = (await hub.call("POST", "/mqtt-clients", client))["secret"]
    await hub.call("POST", "/devices", {"device_id": "plug-2", "name": "Lamp", "pairing_code": CODE})
    secrets["pairing code"] = CODE
    plug = Plug("plug-1", secrets["MQTT secret"], qos=1)
    [plug] = await connect("127.0.0.1", hub.mqtt_port, [plug])
    plug.publish()
    while not plug.acknowledged:
        await asyncio.sleep(0.01)
    plug.transport.close()
    return secrets


def private_files(data: Path) -> None:
    """What the hub writes is its own."""
    for path in data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
