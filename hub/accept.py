"""What a request's Accept fields ask for (RFC 9110, 12.4 and 12.5)."""

from hub.messages import LANGUAGES

GZIP_NAMES = ("gzip", "x-gzip")


def weights(header: str | None) -> dict[str, float]:
    """Each member in small letters with its weight from 0 (not wanted) to 1; one that cannot be read is left out."""
    found: dict[str, float] = {}
    for member in (header or "").split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        quality = next((text for text in parameters if text.startswith("q=")), "q=1")
        try:
            weight = float(quality.removeprefix("q="))
        except ValueError:
            continue
        if name and 0 <= weight <= 1:
            found[name] = weight
    return found


def takes_gzip(header: str | None) -> bool:
    """May the answer to a request with this Accept-Encoding be packed with gzip?"""
    asked = weights(header)
    named = [asked[name] for name in GZIP_NAMES if name in asked]
    return max(named, default=asked.get("*", 0.0)) > 0


def reader_language(header: str | None) -> str:
    """The best known language of an Accept-Language header; English when it names none."""
    best, most = LANGUAGES[0], 0.0
    for name, weight in weights(header).items():
        code = name.partition("-")[0]
        if code in LANGUAGES and weight > most:
            best, most = code, weight
    return best
