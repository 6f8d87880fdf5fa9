"""Delivery: in order, again where it fails, within bounds, and a failure is seen until it works again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.alerts.delivery import MOST_WAITING, Delivery
from hub.bus import Bus
from hub.events import ProblemEnded, ProblemRaised
from hub.messages import HubError, Message, render
from hub.plugins import Notification
from hub.testing.clock import FakeClock


class Phone:
    """A notifier that refuses as often as it is told."""

    name = "phone"

    def __init__(self) -> None:
        self.tries = 0
        self.refusals = 0
        self.got: list[str] = []
        self.holding: asyncio.Event | None = None

    async def notify(self, notification: Notification) -> None:
        self.tries += 1
        if self.holding is not None:
            await self.holding.wait()
        if self.refusals:
            self.refusals -= 1
            raise HubError("ntfy-unreachable", server="http://x", detail="no route")
        self.got.append(notification.text)

    async def close(self) -> None:
        raise NotImplementedError


class Post:
    """A delivery with two notifiers, and the problems that it raised."""

    def __init__(self) -> None:
        self.bus, self.clock = Bus(), FakeClock()
        self.phone, self.tablet = Phone(), Phone()
        self.all = {"phone": self.phone, "tablet": self.tablet}
        self.delivery = Delivery(lambda: self.all, bus=self.bus, clock=self.clock)
        self.problems: list[ProblemRaised | ProblemEnded] = []
        self.bus.subscribe(ProblemRaised, self.problems.append, "test")
        self.bus.subscribe(ProblemEnded, self.problems.append, "test")

    def send(self, *texts: str) -> None:
        for text in texts:
            self.delivery.send(Notification("x", text))


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    yield post
    await post.delivery.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_to_all_in_order(post: Post) -> None:
    post.send("a", "b", "c")
    await post.clock.advance(0)
    assert post.phone.got == post.tablet.got == ["a", "b", "c"]
    assert post.problems == []


async def test_it_tries_again_and_nothing_overtakes(post: Post) -> None:
    post.phone.refusals = 3
    post.send("a")
    await post.clock.advance(1)
    post.send("b")
    await post.clock.advance(153)
    assert (post.phone.tries, post.phone.got) == (3, [])
    assert post.tablet.got == ["a", "b"], "one that fails holds up no other"
    await post.clock.advance(1)
    assert post.phone.got == ["a", "b"]
    assert post.problems == []


async def test_after_four_tries_it_is_a_problem_until_one_arrives(post: Post) -> None:
    post.phone.refusals = 4
    post.send("a")
    await post.clock.advance(200)
    [problem] = post.problems
    assert isinstance(problem, ProblemRaised)
    said = render(Message(problem.id, problem.values), "de")
    assert said.startswith("Alarme erreichen dich nicht über phone: ")
    post.send("b")
    await post.clock.advance(0)
    assert post.phone.got == ["b"]
    assert post.problems[1:] == [ProblemEnded(problem.id)]


async def test_two_that_fail_are_one_problem(post: Post) -> None:
    post.phone.refusals = post.tablet.refusals = 4
    post.send("a")
    await post.clock.advance(200)
    assert isinstance(post.problems[-1], ProblemRaised)
    assert post.problems[-1].values["notifiers"] == ["phone", "tablet"]
    del post.all["tablet"]
    post.send("b")
    await post.clock.advance(0)
    assert isinstance(post.problems[-1], ProblemEnded), "one that is switched off reaches nobody, and need not"


async def test_no_more_wait_than_the_bound(post: Post) -> None:
    post.phone.holding = asyncio.Event()
    post.send(*(str(number) for number in range(MOST_WAITING + 11)))
    await post.clock.advance(0)
    post.send("last")
    post.phone.holding.set()
    await post.clock.advance(0)
    while len(post.phone.got) < MOST_WAITING:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert post.phone.got[-1] == "last"
    assert len(post.phone.got) <= MOST_WAITING + 1


async def test_a_notifier_that_is_switched_off_meanwhile(post: Post) -> None:
    post.phone.refusals = 1
    post.send("a")
    await post.clock.advance(1)
    del post.all["phone"]
    await post.clock.advance(10)
    assert post.phone.tries == 1
    assert post.tablet.got == ["a"]


async def test_without_notifiers_nothing_happens(post: Post) -> None:
    post.all.clear()
    post.send("a")
    await post.clock.advance(0)
    assert post.problems == []
