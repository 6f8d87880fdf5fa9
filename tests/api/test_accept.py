"""What a request's Accept fields ask for is what it gets."""

import pytest

from hub.accept import reader_language, takes_gzip
from tests.api.house import House

PATHS = ("/api/v1/openapi.json", "/api/v1/devices")


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        (None, False),
        ("gzip", True),
        ("GZIP; Q=0.5", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("gzip;q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("gzipped", False),
        ("gzip;q=x", False),
        ("gzip;q=nan", False),
        ("gzip;q=7", False),
        (";,;q=", False),
    ],
)
def test_takes_gzip(header: str | None, packed: bool) -> None:
    assert takes_gzip(header) == packed


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de; q=0.9", "de"),
        ("de; q=0.9, en; q=0.1", "de"),
        ("de ;q=0.4 , en ; q=0.8", "en"),
        ("de;q=0", "en"),
        ("DE-at", "de"),
        ("de;q=inf", "en"),
    ],
)
def test_blanks_around_a_weight(header: str, language: str) -> None:
    assert reader_language(header) == language


@pytest.mark.parametrize(("header", "packed"), [("gzip", True), ("gzip;q=0", False), ("identity", False)])
async def test_answers_say_what_they_depend_on(house: House, header: str, packed: bool) -> None:
    for number in range(5):
        await house.plug(f"plug-{number}")
    headers = {**await house.headers("admin"), "Accept-Encoding": header}
    for path in (*PATHS, "/api/v1/system/info"):
        async with house.http.get(path, headers=headers) as response:
            assert response.headers["Vary"] == "Accept-Encoding"
            if path in PATHS:
                assert (response.headers.get("Content-Encoding") == "gzip") == packed
