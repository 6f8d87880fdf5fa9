"""Makes the fonts of the printed report, hub/cost/fonts/*.ttf, out of what the web app and Debian ship.

    python3 -m venv fonts && fonts/bin/pip install fonttools==4.68.0 brotli==1.2.1
    fonts/bin/python script/report_fonts.py

It needs `npm ci` in frontend/ (Hanken Grotesk) and `apt install fonts-dejavu-core` (Greek, Cyrillic, some signs).
"""

import io
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.merge import Merger
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

ROOT = Path(__file__).parents[1]
HANKEN = ROOT / "frontend" / "node_modules" / "@fontsource-variable" / "hanken-grotesk"
DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
DEJAVU_LICENCE = Path("/usr/share/doc/fonts-dejavu-core/copyright")
FONTS = ROOT / "hub" / "cost" / "fonts"
PARTS = ("latin", "latin-ext", "vietnamese")
WEIGHTS = {"Regular": 400, "SemiBold": 600}
OTHER_WEIGHTS = {"Regular": "DejaVuSans.ttf", "Bold": "DejaVuSans-Bold.ttf"}
OTHER_SCRIPTS = (
    *range(0x0370, 0x03E2),  # Greek
    *range(0x0400, 0x0460),  # Cyrillic
    *range(0x048A, 0x0530),
    *range(0x2070, 0x208F),  # raised and lowered digits
    *range(0x2190, 0x2194),  # arrows
    *(0x2126, 0x221A, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265),
)
LATIN = (
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0180),
    *range(0x0192, 0x0193),
    *range(0x0218, 0x021C),
    *range(0x02C6, 0x02DE),
    *range(0x1E80, 0x1E86),
    *range(0x1E9E, 0x1E9F),
    *range(0x1EA0, 0x1EFA),
    *(0x01A0, 0x01A1, 0x01AF, 0x01B0, 0x1EF2, 0x1EF3),
    *range(0x2010, 0x2040),
    *range(0x20A0, 0x20C1),
    *(0x2113, 0x2122, 0x2212, 0x2215),
)


def main() -> None:
    """Every file, with its licence beside it."""
    FONTS.mkdir(exist_ok=True)
    for style, weight in WEIGHTS.items():
        _save(_hanken(weight), "Hanken Grotesk", style, LATIN, FONTS / f"HankenGrotesk-{style}.ttf")
    for style, file in OTHER_WEIGHTS.items():
        _save(TTFont(DEJAVU / file), "DejaVu Sans", style, OTHER_SCRIPTS, FONTS / f"DejaVuSans-{style}.ttf")
    shutil.copyfile(HANKEN / "LICENSE", FONTS / "HankenGrotesk-LICENCE.txt")
    shutil.copyfile(DEJAVU_LICENCE, FONTS / "DejaVuSans-LICENCE.txt")


def _hanken(weight: int) -> TTFont:
    """One weight of all parts as one font."""
    files = []
    for part in PARTS:
        font = TTFont(HANKEN / "files" / f"hanken-grotesk-{part}-wght-normal.woff2")
        font = instantiateVariableFont(font, {"wght": weight})
        font.flavor = None
        for table in ("GSUB", "GPOS", "GDEF", "STAT", "avar"):
            if table in font:
                del font[table]
        made = io.BytesIO()
        font.save(made)
        files.append(made)
    for file in files:
        file.seek(0)
    return Merger().merge(files)


def _save(font: TTFont, family: str, style: str, letters: tuple[int, ...], path: Path) -> None:
    """Only these letters, and only what a PDF needs of them."""
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.drop_tables += ["FFTM", "DSIG", "meta"]
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=letters)
    chosen.subset(font)
    for id, text in ((1, f"{family} {style}"), (2, "Regular"), (4, f"{family} {style}")):
        font["name"].setName(text, id, 3, 1, 0x409)
    font["name"].setName(f"{family.replace(' ', '')}-{style}", 6, 3, 1, 0x409)
    font.save(path)
    print(f"{path.relative_to(ROOT)}: {len(font.getBestCmap())} letters, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
