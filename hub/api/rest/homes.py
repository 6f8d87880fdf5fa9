"""The home of whoever asks."""

from hub.api.rest.auth import EXAMPLE_HOME, home_view
from hub.api.routing import AnyCall, Route
from hub.api.types.people import Home

TAG = "homes"


async def current_home(call: AnyCall) -> Home:
    """GET /homes/current"""
    people = call.services.people
    return home_view(people.home(call.principal.home) or people.first_home)


ROUTES = (
    Route(
        method="GET",
        path="/homes/current",
        summary="The home that you are signed in to",
        tag=TAG,
        handler=current_home,
        role="guest",
        answer=Home,
        answer_example=EXAMPLE_HOME,
    ),
)
