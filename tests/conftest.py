"""What holds for all tests: no example that Hypothesis draws is timed, because a loaded machine would fail it; and the
garbage collector never again walks over what the imports and the collection of the tests brought."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator]
def pytest_collection() -> Generator[None, object, object]:
    """All tests and their modules are 300,000 objects that stay; a full round over them takes half a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
