"""Where plugins come from, what makes one unusable, and that each is shown by name while the rest goes on."""

import pytest

from tests.plugins.conftest import NOTIFIER, House, Write

GOOD = NOTIFIER + "\n@hookimpl\ndef plughub_notifier(hub, config):\n    return Notifier_()\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no luck')", "plugin-import"),
        ("import no_such_module_anywhere", "plugin-import"),
        ("import sys; sys.exit(3)", "plugin-import"),
        ("def broken(:", "plugin-syntax"),
        ("x = 1", "plugin-api-missing"),
        ("api = 2", "plugin-api-newer"),
        ("api = 0", "plugin-api-unknown"),
        ("api = True", "plugin-api-unknown"),
        ("api = '1'", "plugin-api-unknown"),
        ("api = [1]", "plugin-api-unknown"),
        (
            "from hub.plugins import hookimpl\napi = 1\n@hookimpl\ndef plughub_notifer(hub): pass",
            "plugin-hook-unknown",
        ),
        (
            "from hub.plugins import hookimpl\napi = 1\n@hookimpl\ndef plughub_notifier(hub, colour): pass",
            "plugin-hooks",
        ),
    ],
)
async def test_unusable_plugins(house: House, plugin: Write, code: str, reason: str) -> None:
    plugin("bad", code, head="")
    plugin("good", GOOD)
    await house.start("integrations:\n  good:\n")
    assert house.info("bad").state == "failed"
    assert house.reason("bad") == reason
    assert [event.plugin for event in house.failures] == ["bad"]
    assert list(house.manager.notifiers()) == ["good"]


async def test_syntax_error_says_where(house: House, plugin: Write) -> None:
    plugin("bad", "\n\ndef broken(:\n", head="")
    await house.start()
    reason = house.info("bad").reason
    assert reason is not None
    assert reason.values["place"] == "bad.py:3"


async def test_unknown_hook_names_the_nearest(house: House, plugin: Write) -> None:
    plugin("bad", "@hookimpl\ndef plughub_notifer(hub): pass\n")
    await house.start()
    reason = house.info("bad").reason
    assert reason is not None
    assert reason.values == {"hook": "plughub_notifer", "nearest": "plughub_notifier"}


async def test_folder_with_its_own_modules(house: House, plugin: Write) -> None:
    plugin("pack/__init__.py", "from .helper import VALUE\nassert VALUE == 7\n")
    plugin("pack/helper.py", "VALUE = 7\n", head="")
    plugin("split/integration.py", "from .helper import VALUE\nassert VALUE == 8\n")
    plugin("split/helper.py", "VALUE = 8\n", head="")
    await house.start()
    assert [(info.name, info.state) for info in house.manager.plugins()] == [("pack", "loaded"), ("split", "loaded")]


async def test_what_is_no_plugin_is_left_alone(house: House, plugin: Write) -> None:
    plugin("_draft", "raise RuntimeError")
    plugin(".hidden.py", "raise RuntimeError")
    plugin("notes.txt", "raise RuntimeError")
    plugin("data/readme.md", "raise RuntimeError")
    await house.start()
    assert house.manager.plugins() == []


async def test_a_plugin_cannot_stand_in_for_a_library(house: House, plugin: Write) -> None:
    plugin("json", "")
    await house.start()
    import json

    assert house.info("json").state == "loaded"
    assert json.loads("1") == 1


async def test_name_that_is_none(house: House, plugin: Write) -> None:
    plugin("My-Plugin", "")
    await house.start()
    assert house.reason("My-Plugin") == "plugin-name"


async def test_distribution(house: House, distribution: Write) -> None:
    distribution("plughub-lamp", "lamp", GOOD)
    await house.start("integrations:\n  lamp: {}\n")
    info = house.info("lamp")
    assert (info.state, info.origin, info.shipped) == ("loaded", "plughub-lamp 1.2", False)
    assert info.hooks == ("plughub_notifier",)
    assert list(house.manager.notifiers()) == ["lamp"]


async def test_name_taken(house: House, plugin: Write, distribution: Write) -> None:
    distribution("plughub-lamp", "lamp", "")
    plugin("lamp", "raise RuntimeError('is never imported')")
    await house.start()
    first, second = house.manager.plugins()
    assert (first.state, second.state) == ("loaded", "failed")
    assert second.reason is not None
    assert second.reason.id == "plugin-name-taken"
    assert second.reason.values["origin"] == "plughub-lamp 1.2"


async def test_the_hubs_own_plugins_come_first_and_stay_in_safe_mode(
    house: House, plugin: Write, distribution: Write
) -> None:
    distribution("a-third-party", "disk", "")
    distribution("smartplug-hub", "disk", "")
    plugin("own", "raise RuntimeError('is never imported')")
    await house.start(safe_mode=True)
    states = {info.origin: (info.state, info.reason and info.reason.id) for info in house.manager.plugins()}
    assert states["smartplug-hub 1.2"] == ("loaded", None)
    assert states["a-third-party 1.2"] == ("failed", "plugin-name-taken")
    assert house.info("own").state == "disabled"
    assert house.reason("own") == "plugin-safe-mode"


async def test_disabled(house: House, plugin: Write) -> None:
    plugin("bad", "raise RuntimeError('is never imported')")
    await house.start("plugins:\n  disabled: [bad]\nintegrations:\n  bad: {any: thing}\n")
    assert (house.info("bad").state, house.reason("bad")) == ("disabled", "plugin-disabled")
    assert house.loaded is not None
    assert house.loaded.problems == []
    assert house.failures == []


async def test_all_that_can_go_wrong_at_once(house: House, plugin: Write, distribution: Write) -> None:
    """A start with one plugin of each kind of failure: each is shown by its name, and the good ones run."""
    distribution("plughub-lamp", "lamp", GOOD)
    plugin("at_import", "raise RuntimeError")
    plugin("no_api", "", head="")
    plugin("newer", "api = 99", head="")
    plugin("syntax", "def broken(:", head="")
    plugin("in_hook", "@hookimpl\ndef plughub_notifier():\n    raise RuntimeError\n")
    plugin("slow", "@hookimpl\nasync def plughub_notifier():\n    await asyncio.Event().wait()\n")
    plugin("section", GOOD)
    plugin("good", GOOD)
    names = ["at_import", "in_hook", "lamp", "slow", "good"]
    await house.start("integrations:\n  section: {a: 1}\n" + "".join(f"  {name}:\n" for name in names))
    assert {info.name: info.reason.id for info in house.manager.plugins() if info.reason is not None} == {
        "at_import": "plugin-import",
        "no_api": "plugin-api-missing",
        "newer": "plugin-api-newer",
        "syntax": "plugin-syntax",
        "in_hook": "plugin-raised",
        "slow": "plugin-slow",
        "section": "plugin-section",
    }
    assert {event.plugin for event in house.failures} == {
        info.name for info in house.manager.plugins() if info.state == "failed"
    }
    assert sorted(house.manager.notifiers()) == ["good", "lamp"]
