"""The plugin surface is documented and tested, hook by hook, and its names are pinned."""

import re
from pathlib import Path

import pytest

import hub.plugins
from hub.plugins import hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("plughub_"))
DOCS = (ROOT / "docs" / "plugins.md").read_text()
TESTS = "\n".join(
    path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path.name != Path(__file__).name
)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_page_and_a_test(hook: str) -> None:
    page = re.search(rf"^### `{hook}\((.*)\)`$(.*?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL)
    assert page, f"docs/plugins.md has no heading for {hook}"
    assert "Since 0." in page[2]
    assert "```python" in page[2]
    assert f"def {hook}(" in TESTS or f'"{hook}"' in TESTS


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_types_an_example_and_a_version(hook: str) -> None:
    specification = getattr(hookspecs, hook)
    said = specification.__doc__ or ""
    assert "Since 0." in said
    assert "@hookimpl" in said
    parameters = specification.__code__.co_varnames[: specification.__code__.co_argcount]
    assert set(specification.__annotations__) == {*parameters, "return"}


def test_documented_parameters_are_the_real_ones() -> None:
    for hook in HOOKS:
        specification = getattr(hookspecs, hook)
        parameters = specification.__code__.co_varnames[: specification.__code__.co_argcount]
        assert f"### `{hook}({', '.join(parameters)})`" in DOCS


def test_no_page_of_a_hook_that_is_none() -> None:
    assert sorted(re.findall(r"^### `(plughub_\w+)\(", DOCS, re.MULTILINE)) == HOOKS


def test_public_names_are_all_there() -> None:
    assert all(hasattr(hub.plugins, name) for name in hub.plugins.__all__)
    assert {"hookimpl", "Hub", "HubError", "Notifier", "DeviceDriver", "HistoryStore", "Sample"} <= set(
        hub.plugins.__all__
    )


def test_every_type_of_the_contract_is_part_of_the_surface() -> None:
    from hub.plugins import contract

    types = {name for name, value in vars(contract).items() if getattr(value, "__module__", "") == contract.__name__}
    assert types <= set(hub.plugins.__all__)


def test_every_event_is_part_of_the_surface() -> None:
    from hub import events

    kinds = {
        name for name, value in vars(events).items() if isinstance(value, type) and issubclass(value, events.Event)
    }
    assert kinds <= set(hub.plugins.__all__)
