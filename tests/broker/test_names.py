"""What a name nobody is known by looks like in a log: names are shown, secrets never."""

import pytest

from hub.broker.names import shown_name


@pytest.mark.parametrize(
    "name", ["plug-1", "shelly-plug-C45BBE478F09", "aabbccddeeff", "node_red.2", "77aa01b2c3d4e5f6"]
)
def test_names_are_shown(name: str) -> None:
    assert shown_name(name, name) == name


@pytest.mark.parametrize(
    "secret",
    [
        "9f3c07e1" * 8,
        "9F3C07E1" * 8,
        "plughub_q3Xv-7Rt_w9LkZ2bN8sYcA",
        "7Q2M-XK4P-9TRB-3WZD",
        "7Q2MXK4P9TRB3WZD",
        "Sesame@Open 2026 street",
        "copper lantern riddle",
        "x" * 41,
        "ä\n",
    ],
)
def test_secrets_are_not(secret: str) -> None:
    assert shown_name(secret, secret) == f"({len(secret)} letters)"


@pytest.mark.parametrize("client_id", ["", "kitchen-tablet", "Sesame2026"])
def test_a_password_of_one_word_is_not_either(client_id: str) -> None:
    """It has the form of a name, but no device calls itself so."""
    assert shown_name("sesame2026", client_id) == "(10 letters)"


def test_no_name_is_none() -> None:
    assert shown_name("", "") == ""
