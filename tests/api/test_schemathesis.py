"""What the document says is what the hub does: requests made from it, as an admin, a user and a guest."""

import logging
from pathlib import Path

import pytest

from hub.api.openapi import document
from hub.api.rest import ROUTES
from hub.clock import Clock
from tests.api.fuzzing import attack
from tests.api.house import ROLES, House

EXAMPLES = {"admin": 2, "user": 4, "guest": 4}  # drawn for each route; `script/bench --only fuzz-api` draws many more


@pytest.mark.timeout(1200)  # half a minute of work, on a machine that does other things besides
@pytest.mark.parametrize("role", ROLES)
async def test_every_answer_is_documented_and_none_is_a_breakdown(
    tmp_path: Path, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="aiohttp.server")  # some of what is sent is not HTTP
    house = House(tmp_path, Clock())
    await house.start()
    await house.move_in()
    plugs = {}
    for number in range(3):
        plug = plugs[f"plug-{number}"] = await house.plug(f"plug-{number}", room="Hall")
        house.status(plug)
    # A plug that does not answer is a 504 after five seconds, as documented; these answer.
    house.broker.answer = lambda hardware_id, message: house.status(plugs[hardware_id], command_id=message["id"])
    # The edges of each parameter, one by one, are the same for everybody.
    phases = ("examples", "coverage", "fuzzing") if role == "admin" else ("examples", "fuzzing")
    found = await attack(house, document(ROUTES, "0.1.0"), role, examples=EXAMPLES[role], phases=phases)
    await house.stop()
    assert "\n\n".join(found.failures) == ""
    assert found.answers.total() > 3 * len(ROUTES)
    assert found.answers[200] > 20  # it was not turned away at the door
