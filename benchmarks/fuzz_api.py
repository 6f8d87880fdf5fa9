"""Many requests made from the API's document, right and wrong ones, as an admin, a user and a guest."""

import tempfile
from pathlib import Path

from hub.api.openapi import document
from hub.api.rest import ROUTES
from hub.clock import Clock

Row = dict[str, object]
EXAMPLES, QUICK_EXAMPLES = 200, 10  # drawn for each route, beside the edges of each parameter


async def fuzz_api(quick: bool) -> list[Row]:
    """Prints each answer that the document does not have; about 20 minutes."""
    from tests.api.fuzzing import attack
    from tests.api.house import ROLES, House

    rows: list[Row] = []
    for seed, role in enumerate(ROLES):
        with tempfile.TemporaryDirectory() as folder:
            house = House(Path(folder), Clock())
            await house.start()
            await house.move_in()
            for number in range(3):
                house.status(await house.plug(f"plug-{number}", room="Hall"))
            examples = QUICK_EXAMPLES if quick else EXAMPLES
            found = await attack(house, document(ROUTES, "0.1.0"), role, examples=examples, seed=seed)
            await house.stop()
        print("\n\n".join(found.failures))
        wrong = len(found.failures)
        rows += [
            {"name": f"requests as {role}", "value": found.answers.total(), "unit": ""},
            {"name": f"of these answered otherwise than documented, as {role}", "value": wrong, "unit": ""}
            | {"at_most": 0, "met": wrong == 0},
        ]
    return rows
