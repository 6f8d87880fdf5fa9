"""Real foreign clients: mosquitto_pub and mosquitto_sub against the embedded broker."""

import asyncio
import shutil

import pytest

from tests.broker.parts import Bench

pytestmark = pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto-clients")


async def run(tool: str, bench: Bench, *arguments: str, user: str = "all") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        tool, "-h", "127.0.0.1", "-p", str(bench.port), "-V", "311", "-u", user, "-P", "secret", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def output(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(20):
        out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode() + error.decode()


async def test_mosquitto_sub_sees_plug_telemetry(bench: Bench) -> None:
    plug = await bench.login("plug-1")
    listening = await run("mosquitto_sub", bench, "-t", "smartplug/+/telemetry", "-C", "3", "-v", user="reader")
    await bench.settled("filters", 1)
    for number in range(3):
        await plug.publish("smartplug/plug-1/telemetry", b'{"power":%d}' % number, number % 2)
    expected = "".join(f'smartplug/plug-1/telemetry {{"power":{number}}}\n' for number in range(3))
    assert await output(listening) == (0, expected)


@pytest.mark.parametrize("qos", ["0", "1", "2"])
async def test_pub_to_sub_at_every_qos_with_a_retained_message(bench: Bench, qos: str) -> None:
    assert await output(await run("mosquitto_pub", bench, "-t", "a/b", "-m", "first", "-q", qos, "-r")) == (0, "")
    listening = await run("mosquitto_sub", bench, "-t", "a/#", "-q", qos, "-C", "21", "-F", "%r %q %p")
    await bench.settled("filters", 1)
    publisher = await run("mosquitto_pub", bench, "-t", "a/b", "-q", qos, "-l", user="other")
    publisher_input = "".join(f"line {number}\n" for number in range(20))
    assert publisher.stdin is None
    await output(publisher)
    for number in range(20):
        await output(await run("mosquitto_pub", bench, "-t", "a/b", "-q", qos, "-m", f"line {number}", user="other"))
    lines = [f"1 {qos} first", *(f"0 {qos} {line}" for line in publisher_input.splitlines())]
    assert await output(listening) == (0, "".join(line + "\n" for line in lines))


async def test_a_persistent_session_of_mosquitto_sub(bench: Bench) -> None:
    arguments = ("-i", "keeper", "-c", "-q", "1", "-t", "n/#")
    code, _ = await output(await run("mosquitto_sub", bench, *arguments, "-E"))
    assert code == 0
    for number in range(3):
        await output(await run("mosquitto_pub", bench, "-t", f"n/{number}", "-m", str(number), "-q", "1"))
    assert await output(await run("mosquitto_sub", bench, *arguments, "-C", "3")) == (0, "0\n1\n2\n")


async def test_a_wrong_password_and_a_refused_filter_are_said(bench: Bench) -> None:
    code, said = await output(await run("mosquitto_pub", bench, "-t", "a", "-m", "x", "-P", "wrong"))
    assert code != 0
    assert "not authorised" in said.lower()
    _, said = await output(await run("mosquitto_sub", bench, "-t", "secret/#", user="reader"))
    assert "denied" in said.lower()
