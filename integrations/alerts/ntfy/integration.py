"""The hooks of the ntfy plugin."""

import re
from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from hub.plugins import Hub, Message, Notifier, hookimpl
from hub.plugins.validators import Text, Validator, Web, Wrong
from integrations.alerts.ntfy.notifier import NtfyNotifier
from integrations.alerts.ntfy.sentences import DE, EN

api = 1


@hookimpl
def plughub_config_schema() -> vol.Schema:
    """Server, topic, and a login where the server wants one: a token, or user and password."""
    return vol.Schema(
        vol.All(
            {
                vol.Required("topic"): Topic(),
                vol.Optional("server", default="https://ntfy.sh"): Web(),
                vol.Optional("token"): Text(),
                vol.Optional("user"): Text(),
                vol.Optional("password"): Text(),
            },
            _one_login,
        )
    )


class Topic(Validator):
    """What ntfy takes as a topic."""

    expected = Message("ntfy-expected-topic")

    def check(self, value: Any) -> str:
        """Letters, digits, - and _."""
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", value):
            raise ValueError
        return str(value)


def _one_login(section: dict[str, Any]) -> dict[str, Any]:
    if "token" in section and ("user" in section or "password" in section):
        raise Wrong("ntfy-expected-one-login")
    for one, other in (("user", "password"), ("password", "user")):
        if one in section and other not in section:
            raise vol.RequiredFieldInvalid("required key not provided", path=[other])
    return section


@hookimpl
def plughub_sentences() -> Mapping[str, Mapping[str, str]]:
    """Why a message was not delivered."""
    return {"en": EN, "de": DE}


@hookimpl
def plughub_notifier(hub: Hub, config: Mapping[str, Any]) -> Notifier:
    """One topic on one server."""
    return NtfyNotifier(
        server=config["server"],
        topic=config["topic"],
        token=config.get("token"),
        user=config.get("user"),
        password=config.get("password"),
    )
