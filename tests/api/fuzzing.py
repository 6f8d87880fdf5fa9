"""schemathesis against a served house: requests drawn from the document, right and wrong ones, every answer checked."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from hub.auth.principal import system
from hub.messages import HubError
from tests.api.house import House

MEANT = ["2xx", "401", "403", "404", "409", "410", "422", "429"]
"""What a request that fits its schema may still be told: its values mean nothing here (422), or no more (410)."""
PHASES = ("examples", "coverage", "fuzzing")


class Found(NamedTuple):
    """answers: how many by status; failures: a few lines each."""

    answers: Counter[int]
    failures: Sequence[str]


async def attack(
    house: House, document: dict[str, Any], role: str, *, examples: int, seed: int = 1, phases: Sequence[str] = PHASES
) -> Found:
    """Throw requests at a house in somebody's name, with every check that schemathesis has; beside the event loop."""
    url = f"http://127.0.0.1:{house.server.port}"
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "continue-on-failure": True,
            "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True, "database": "none"},
            "checks": {"positive_data_acceptance": {"expected-statuses": MEANT}},
            "phases": {name: {"enabled": name in phases} for name in (*PHASES, "stateful")},
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.auth(refresh_interval=None)(bearer(house, role, asyncio.get_running_loop()))
    return await asyncio.to_thread(run, schema)


def bearer(house: House, role: str, loop: asyncio.AbstractEventLoop) -> type:
    """Signs each request in; anew where the fuzzer has ended its own session, as somebody else where it has removed or
    degraded itself."""
    token = ""

    async def sign_in() -> str:
        hub, number = system(house.home), secrets.token_hex(4)
        user = await house.people.add(hub, email=f"fuzzer-{number}@example.org", name="fuzzer", role=role)
        return (await house.tokens.issue(user, house.identity.homes.first)).access_token

    class Bearer:
        def get(self, _case: Any, _context: Any) -> str:
            nonlocal token
            try:
                holds = house.tokens.access(token).principal.role == role
            except HubError:
                holds = False
            if not holds:
                token = asyncio.run_coroutine_threadsafe(sign_in(), loop).result(timeout=30)
            return token

        def set(self, case: Any, data: str, _context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    return Bearer


def run(schema: Any) -> Found:
    """Blocking."""
    answers: Counter[int] = Counter()
    failures: dict[tuple[Any, ...], str] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for interaction in event.recorder.interactions.values():
                if interaction.response is not None:
                    answers[interaction.response.status_code] += 1
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure, label = check.failure_info.failure, event.recorder.label
                        text = f"{label}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}"
                        failures.setdefault((label, check.name, failure.title), text)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            error = getattr(event, "value", None) or event.exception
            failures.setdefault((str(error),), f"{getattr(event, 'label', '')}: {error!r}")
    return Found(answers, list(failures.values()))
