"""The pictures of README.md and docs/: each that is shown is there, each that is there is shown, and none is large."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
PICTURE = re.compile(r'(?:src|srcset)="([^":]+\.png)"')


def test_every_picture_is_there_and_shown() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {(page.parent / path).resolve() for page in pages for path in PICTURE.findall(page.read_text("utf-8"))}
    assert shown == set(IMAGES.glob("*.png"))
    assert all(picture.stat().st_size <= 150_000 for picture in shown)
