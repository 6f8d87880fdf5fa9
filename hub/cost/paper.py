"""Paper: an A4 canvas with the product's type and colours. Measures are points from the top left corner."""

import io
from typing import Any

from hub.cost.typeface import REGULAR, load, printable, runs

WIDTH, HEIGHT = 595.28, 841.89
MARGIN = 48.0
RIGHT = WIDTH - MARGIN
INK, INK2, INK3 = "#15181A", "#484E51", "#5F6669"
EDGE, LINE, SUNK = "#7B817D", "#DCDFD9", "#F1F2EF"
USE, USE_RUNNING, USE_SOFT, SUN = "#2F45D8", "#8D99E9", "#EEF0FC", "#F2C230"


class Paper:
    """Blocking; made and used in one thread. reportlab is imported here, at use: it takes 15 MB."""

    def __init__(self, *, title: str, author: str, language: str) -> None:
        from reportlab.pdfgen.canvas import Canvas

        load()
        self._file = io.BytesIO()
        self._canvas: Any = Canvas(self._file, pagesize=(WIDTH, HEIGHT), lang=language, initialFontName=REGULAR[0])
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("Smart Plug AI")
        self.page = 1

    def text(self, x: float, y: float, text: str, size: float = 9.5, **look: Any) -> float:
        """A line of text with its baseline at y; returns where it ends. look: bold, colour, align ("left", "right",
        "middle"), width (the most that it may take: longer text ends in an ellipsis)."""
        text = printable(text)
        bold = bool(look.get("bold"))
        if (most := look.get("width")) is not None and self.width(text, size, bold=bold) > most:
            while text and self.width(f"{text}…", size, bold=bold) > most:
                text = text[:-1].rstrip()
            text += "…"
        width = self.width(text, size, bold=bold)
        align = look.get("align", "left")
        left = x - (width if align == "right" else width / 2 if align == "middle" else 0)
        self._canvas.setFillColor(look.get("colour", INK))
        at = left
        for font, scale, part in runs(text, bold=bold):
            self._canvas.setFont(font, size * scale)
            self._canvas.drawString(at, HEIGHT - y, part)
            at += float(self._canvas.stringWidth(part, font, size * scale))
        return left + width

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """How long a line is."""
        measured = self._canvas.stringWidth
        return float(sum(measured(part, font, size * scale) for font, scale, part in runs(printable(text), bold=bold)))

    def wrapped(self, text: str, size: float, width: float) -> list[str]:
        """The text in lines."""
        lines: list[str] = []
        for word in printable(text).split(" "):  # a number stays with its unit: only plain spaces part
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def line(self, x0: float, y0: float, x1: float, y1: float, *, colour: str = LINE, width: float = 0.6) -> None:
        """A straight line."""
        self._canvas.setStrokeColor(colour)
        self._canvas.setLineWidth(width)
        self._canvas.setDash()
        self._canvas.line(x0, HEIGHT - y0, x1, HEIGHT - y1)

    def box(  # noqa: PLR0917
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str | None = None,
        stroke: str | None = None,
        *,
        dash: tuple[float, float] | None = None,
        radius: float = 0.0,
        pen: float = 0.7,
    ) -> None:
        """A rectangle whose upper left corner is x, y."""
        canvas = self._canvas
        if fill is not None:
            canvas.setFillColor(fill)
        if stroke is not None:
            canvas.setStrokeColor(stroke)
            canvas.setLineWidth(pen)
            canvas.setDash(*dash) if dash else canvas.setDash()
        radius = min(radius, width / 2, height / 2)
        canvas.roundRect(
            x, HEIGHT - y - height, width, height, radius, stroke=int(stroke is not None), fill=int(fill is not None)
        )

    def turn(self) -> None:
        """The next page."""
        self._canvas.showPage()
        self.page += 1

    def done(self) -> bytes:
        """The whole file."""
        self._canvas.showPage()
        self._canvas.save()
        return self._file.getvalue()
