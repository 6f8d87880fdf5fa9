"""Logins and topic rules through Mosquitto's dynamic security plugin."""

import asyncio

import pytest

from hub.broker.external import dynsec as dynsec_module
from hub.broker.interface import Login
from tests.broker_external.mosquitto import HUB, Mosquitto
from tests.broker_external.parts import Made, Side

PANEL = Login("client", "panel", ("smartplug/#",), ("smartplug/+/control",))


class Home:
    """The logins that the hub has, and its broker."""

    def __init__(self) -> None:
        self.logins: dict[str, Login] = {}
        self.side: Side | None = None

    def add(self, login: Login, secret: str | None) -> None:
        """As registry and access do it; without a secret: it was made while nobody listened."""
        self.logins[login.name] = login
        if self.side is not None and secret is not None:
            self.side.broker.login_changed(login.name, secret)

    def remove(self, name: str) -> None:
        del self.logins[name]
        assert self.side is not None
        self.side.broker.login_changed(name, None)


async def begun(made: Made, dynamic: Mosquitto, home: Home) -> Side:
    home.side = await made.side(
        dynamic,
        "plug-one",
        "plug-two",
        logins=home.logins.values,
        prepare=lambda side: setattr(home, "side", side),
    )
    return home.side


async def may(dynamic: Mosquitto, name: str, secret: str, topic: str) -> str:
    """yes, no, or stranger (the login is refused)."""
    arguments = ("-V", "5", "-q", "1", "-t", topic, "-m", '{"status":"on"}')
    code, said = await dynamic.run("mosquitto_pub", *arguments, login=(name, secret))
    if "Publish" in said and "Not authorized" in said:
        return "no"
    return "stranger" if code else "yes"


async def written(dynamic: Mosquitto, name: str, secret: str) -> None:
    """Until this login works."""
    async with asyncio.timeout(20):
        while await may(dynamic, name, secret, "nowhere") == "stranger":
            await asyncio.sleep(0.05)


async def refused(dynamic: Mosquitto, name: str, secret: str) -> None:
    """Until this login does not work."""
    async with asyncio.timeout(20):
        while await may(dynamic, name, secret, "nowhere") != "stranger":
            await asyncio.sleep(0.05)


async def test_the_hub_gives_itself_its_rights(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    side = await begun(made, dynamic, home)
    await side.until(lambda: side.broker.stats()["logins"] == 2)  # a new role ends its connection
    await side.ready()
    side.broker.retain("plug-one", "config", b"{}")
    await side.ready()
    code, said = await dynamic.run("mosquitto_sub", "-t", "smartplug/+/config", "-C", "1", "-W", "5", login=HUB)
    assert (code, said) == (0, "{}\n")
    assert not side.problems
    assert not any(event[0] == "raised" for event in side.heard.events)


async def test_a_plug_may_use_its_own_topics_only(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    side = await begun(made, dynamic, home)
    home.add(Login("plug", "plug-one"), "first")
    home.add(Login("plug", "plug-two"), "second")
    await written(dynamic, "plug-two", "second")
    for topic, allowed in (
        ("smartplug/plug-one/telemetry", "yes"),
        ("smartplug/plug-one/telemetry/minutes", "yes"),
        ("smartplug/plug-one/status", "yes"),
        ("smartplug/plug-one/ack", "no"),
        ("smartplug/plug-two/telemetry", "no"),
        ("$CONTROL/dynamic-security/v1", "no"),
    ):
        assert await may(dynamic, "plug-one", "first", topic) == allowed, topic
    assert await may(dynamic, "plug-one", "second", "smartplug/plug-one/telemetry") == "stranger"
    for topic, allowed in (("smartplug/plug-one/control", True), ("smartplug/plug-two/control", False)):
        arguments = ("-V", "5", "-t", topic, "-E")
        _, said = await dynamic.run("mosquitto_sub", *arguments, login=("plug-one", "first"))
        assert ("denied" in said or "Not authorized" in said or "not authorized" in said) is not allowed, said
    assert ("message", "plug-two", "telemetry", '{"status":"on"}', False) not in side.heard.events
    assert not side.problems
    security = side.broker._security
    assert security is not None
    await side.until(lambda: not security._fresh)  # no secret stays in memory


async def test_programs_have_the_topics_that_they_were_given(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    await begun(made, dynamic, home)
    home.add(PANEL, "secret")
    await written(dynamic, "panel", "secret")
    assert await may(dynamic, "panel", "secret", "smartplug/plug-one/control") == "yes"
    assert await may(dynamic, "panel", "secret", "smartplug/plug-one/status") == "no"
    home.remove("panel")
    await refused(dynamic, "panel", "secret")
    home.add(Login("client", "panel", (), ("smartplug/+/status",)), "another")
    await written(dynamic, "panel", "another")
    assert await may(dynamic, "panel", "another", "smartplug/plug-one/status") == "yes"
    assert await may(dynamic, "panel", "another", "smartplug/plug-one/control") == "no"


async def test_a_new_secret_and_the_end_cut_off_whoever_is_connected(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    side = await begun(made, dynamic, home)
    home.add(Login("plug", "plug-one"), "first")
    await written(dynamic, "plug-one", "first")

    async def stay(secret: str) -> asyncio.Task[tuple[int, str]]:
        arguments = ("-i", "plug-one", "-V", "5", "-t", "smartplug/plug-one/ack", "-W", "15")
        task = asyncio.create_task(dynamic.run("mosquitto_sub", *arguments, login=("plug-one", secret)))
        async with asyncio.timeout(10):
            while dynamic.log().count("Sending SUBACK to plug-one") != 1:
                await asyncio.sleep(0.02)
        return task

    connected = await stay("first")
    home.add(Login("plug", "plug-one"), "second")
    await written(dynamic, "plug-one", "second")
    await refused(dynamic, "plug-one", "first")
    async with asyncio.timeout(10):
        while "Client plug-one been disconnected" not in dynamic.log():
            await asyncio.sleep(0.02)
    connected.cancel()
    home.remove("plug-one")
    await refused(dynamic, "plug-one", "second")
    assert "plug-one" not in await dynamic.control("listClients")
    assert "plughub-plug-one" not in await dynamic.control("listRoles")
    assert not side.problems


async def test_a_login_made_while_the_broker_was_away_is_written_when_it_is_back(
    made: Made, dynamic: Mosquitto
) -> None:
    await dynamic.stop()
    home = Home()
    side = await begun(made, dynamic, home)
    await side.problem("external-broker-unreachable")
    home.add(Login("plug", "plug-one"), "first")
    home.add(Login("plug", "plug-two"), "gone soon")
    home.remove("plug-two")
    await dynamic.start()
    await written(dynamic, "plug-one", "first")
    await side.fine()
    assert "plug-two" not in await dynamic.control("listClients")


async def test_a_login_whose_secret_is_gone_is_a_problem_until_it_has_a_new_one(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    home.add(Login("plug", "plug-one"), None)
    side = await begun(made, dynamic, home)
    assert "plug-one" in await side.problem("external-logins-missing")
    home.add(Login("plug", "plug-one"), "anew")
    await side.fine()
    assert await may(dynamic, "plug-one", "anew", "smartplug/plug-one/telemetry") == "yes"


async def test_what_is_not_the_hubs_is_left_alone(made: Made, dynamic: Mosquitto) -> None:
    await dynamic.control("createClient", "heating", "-p", "theirs")
    home = Home()
    side = await begun(made, dynamic, home)
    home.add(Login("plug", "heating"), "mine")
    home.add(Login("plug", "plug-one"), "first")
    assert "heating" in await side.problem("external-logins-taken")
    await written(dynamic, "plug-one", "first")
    assert await may(dynamic, "heating", "mine", "x") == "stranger"
    assert await may(dynamic, "heating", "theirs", "x") != "stranger"
    home.remove("heating")
    await side.fine()
    assert "heating" in await dynamic.control("listClients")


async def test_two_hubs_keep_their_own_logins(made: Made, dynamic: Mosquitto) -> None:
    first, second = Home(), Home()
    await begun(made, dynamic, first)
    second.side = await made.side(dynamic, logins=second.logins.values, client_id="second-hub")
    first.add(Login("plug", "plug-one"), "one")
    await written(dynamic, "plug-one", "one")
    second.add(Login("plug", "plug-two"), "two")
    await written(dynamic, "plug-two", "two")
    first.add(Login("plug", "plug-three"), "three")
    await written(dynamic, "plug-three", "three")
    assert await may(dynamic, "plug-two", "two", "smartplug/plug-two/status") == "yes"
    assert await may(dynamic, "plug-one", "one", "smartplug/plug-one/status") == "yes"


async def test_many_logins_at_once(made: Made, dynamic: Mosquitto) -> None:
    home = Home()
    side = await begun(made, dynamic, home)
    for number in range(120):
        home.add(Login("plug", f"plug-{number:03}"), f"secret-{number}")
    await written(dynamic, "plug-119", "secret-119")
    assert await may(dynamic, "plug-057", "secret-57", "smartplug/plug-057/status") == "yes"
    for number in range(119):
        home.remove(f"plug-{number:03}")
    await refused(dynamic, "plug-118", "secret-118")
    assert await may(dynamic, "plug-119", "secret-119", "smartplug/plug-119/status") == "yes"
    assert not side.problems


async def test_a_broker_without_the_plugin_is_said_and_the_hub_works_on(
    made: Made, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynsec_module, "ANSWER_S", 0.3)
    side = await made.side(mosquitto, "plug-one", logins=list)
    await side.problem("external-dynsec-failed")
    side.broker.retain("plug-one", "config", b"{}")
    await mosquitto.publish("smartplug/plug-one/telemetry", "{}")
    await side.heard.event("message", "plug-one", "telemetry", "{}", False)
    code, said = await mosquitto.run("mosquitto_sub", "-t", "smartplug/+/config", "-C", "1", "-W", "5")
    assert (code, said) == (0, "{}\n")
