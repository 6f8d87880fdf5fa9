"""QR codes as SVG, made here: no other server ever sees a link of this hub."""

from io import BytesIO


def svg(text: str) -> str:
    """The code as an <svg> element without colours of its own; it scales."""
    import segno  # at use: most runs of the hub never show one

    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2, svgclass="qr", lineclass=None
    )
    return out.getvalue().decode()
