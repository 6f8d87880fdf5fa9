"""Each plugin's section of the configuration, checked by its own schema: plughub_config_schema, plughub_sentences."""

import pytest

from hub.config import ConfigurationError
from hub.messages import Message, render
from tests.config.conftest import lines, places
from tests.plugins.conftest import NOTIFIER, House, Write

LAMP = (
    NOTIFIER
    + """
import voluptuous as vol
from hub.plugins.validators import Whole
@hookimpl
def plughub_config_schema():
    return vol.Schema({
        vol.Required("topic"): str,
        vol.Optional("level", default=3): Whole(1, 5),
        vol.Optional("mode"): vol.In(["loud", "quiet"]),
        vol.Optional("size"): vol.All(vol.Coerce(int), vol.Range(min=1, max=9)),
        vol.Optional("server"): vol.Url(),
        vol.Optional("short"): vol.Length(max=3),
        vol.Optional("rooms"): [{vol.Required("name"): str}],
    })
@hookimpl
def plughub_notifier(hub, config):
    made = Notifier_()
    made.config = config
    return made
"""
)


async def test_checked_section_with_its_defaults(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start("integrations:\n  lamp:\n    topic: x\n")
    assert house.loaded is not None
    assert house.loaded.configuration().integrations == {"lamp": {"topic": "x", "level": 3}}
    assert list(house.manager.notifiers()) == ["lamp"]


async def test_mistakes_have_places_and_only_stop_that_plugin(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start(
        """\
        integrations:
          lamp:
            levl: 3
            level: 9
            mode: laud
            size: many
            server: nowhere
            short: too long
            rooms:
              - nam: x
        """
    )
    assert house.loaded is not None
    known = "Possible here: level, mode, rooms, server, short, size, topic."
    assert lines(house.loaded) == [
        "configuration.yaml:2:3: The setting “topic” is missing. It takes text.",
        f"configuration.yaml:3:5: There is no setting “levl” here. {known} Did you mean “level”?",
        "configuration.yaml:4:12: “9” is not possible for “level”. It takes a whole number from 1 to 5.",
        "configuration.yaml:5:11: “laud” is not possible for “mode”. Possible values: loud, quiet."
        " Did you mean “loud”?",
        "configuration.yaml:6:11: “many” is not possible for “size”. It takes a whole number from 1 to 9.",
        "configuration.yaml:7:13: “nowhere” is not possible for “server”."
        " It takes an address of the web, as in https://example.com.",
        "configuration.yaml:8:12: “too long” is not possible for “short”."
        " What is wrong: length of value must be at most 3.",
        "configuration.yaml:10:9: The setting “name” is missing. It takes text.",
        "configuration.yaml:10:9: There is no setting “nam” here. Possible here: name. Did you mean “name”?",
    ]
    assert (house.info("lamp").state, house.reason("lamp")) == ("failed", "plugin-section")
    assert house.manager.notifiers() == {}
    assert house.loaded.configuration().integrations == {}


async def test_unreadable_value_in_a_section_is_the_plugins_mistake(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start("integrations:\n  lamp:\n    topic: !secret nobody\n")
    assert house.loaded is not None
    assert places(house.loaded) == [("configuration.yaml:3:12", "config-secret-unknown")]
    assert house.loaded.configuration().integrations == {}
    assert house.reason("lamp") == "plugin-section"


async def test_mistake_of_the_hub_itself_stops_the_start(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start("netwrok: {}\nintegrations:\n  lamp: {topc: x}\n")
    assert house.loaded is not None
    with pytest.raises(ConfigurationError) as raised:
        house.loaded.configuration()
    assert len(raised.value.problems) == 3


async def test_section_of_an_unknown_plugin(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start("integrations:\n  lmp: {}\n")
    assert house.loaded is not None
    assert lines(house.loaded) == [
        "configuration.yaml:2:3: There is no plugin “lmp”. Possible here: lamp. Did you mean “lamp”?"
    ]


async def test_plugin_without_a_schema_takes_an_empty_section(house: House, plugin: Write) -> None:
    plugin("plain", NOTIFIER + "@hookimpl\ndef plughub_notifier(hub, config):\n    return Notifier_()\n")
    plugin("other", "")
    await house.start("integrations:\n  plain:\n  other: {a: 1}\n")
    assert house.loaded is not None
    assert places(house.loaded) == [("configuration.yaml:3:11", "config-key-unknown")]
    assert list(house.manager.notifiers()) == ["plain"]


@pytest.mark.parametrize(
    "schema",
    [
        "@hookimpl\ndef plughub_config_schema():\n    raise ValueError('no schema')",
        "@hookimpl\ndef plughub_config_schema():\n    def check(section):\n        raise KeyError('in the schema')\n"
        "    return check",
        "@hookimpl\nasync def plughub_config_schema():\n    return {}",
    ],
)
async def test_schema_that_raises(house: House, plugin: Write, schema: str) -> None:
    plugin("bad", schema)
    await house.start("integrations:\n  bad: {a: 1}\n")
    assert house.info("bad").state == "failed"


async def test_no_section_no_notifier(house: House, plugin: Write) -> None:
    plugin("lamp", LAMP)
    await house.start()
    assert house.info("lamp").state == "loaded"
    assert house.manager.notifiers() == {}


async def test_sentences(house: House, plugin: Write) -> None:
    plugin(
        "lamp",
        "@hookimpl\ndef plughub_sentences():\n"
        "    return {'en': {'lamp-dark': 'The lamp {name} is dark.'}, 'de': {'lamp-dark': '{name} ist dunkel.'}}\n",
    )
    await house.start()
    assert render(Message("lamp-dark", {"name": "A"})) == "The lamp A is dark."
    assert render(Message("lamp-dark", {"name": "A"}), "de") == "A ist dunkel."
