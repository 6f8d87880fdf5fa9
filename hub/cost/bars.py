"""The bar chart of a printed report: what was used, and the period before as an outline; reads well without colour."""

import math

import numpy as np

from hub.cost.paper import EDGE, INK2, INK3, LINE, USE, USE_RUNNING, USE_SOFT, Paper
from hub.cost.report import Report
from hub.cost.words import MWH_IN_KWH, NBSP, Words

FEW = 12  # buckets that can all be named


def draw_bars(paper: Paper, report: Report, words: Words, area: tuple[float, float, float, float]) -> None:
    """Into the area x0, top, x1, baseline; the names of the buckets stand below it."""
    x0, top, x1, base = area
    now, before, estimated = (
        np.nan_to_num(values) / MWH_IN_KWH
        for values in (report.total.by_bucket, report.before_by_bucket, report.total.estimated)
    )
    highest = max(float(now.max()), float(before.max()), 1e-6)
    step = line_step(highest)
    height = (base - top) / (highest * 1.06)
    lines = int(highest * 1.02 / step)
    for n in range(1, lines + 1):
        y = base - n * step * height
        paper.line(x0, y, x1, y, colour=LINE)
        label = words.decimal(n * step, _digits(step))
        paper.text(x0, y - 3, f"{label}{NBSP}kWh" if n == lines else label, 7.5, colour=INK3)
    slot = (x1 - x0 - 34) / len(now)
    every = 1 if len(now) <= FEW else 3 if report.period.kind == "day" else 7
    for n, at in enumerate(report.edges[:-1].tolist()):
        left = x0 + 34 + n * slot
        if before[n] > 0:
            tall = before[n] * height
            paper.box(left + slot * 0.14, base - tall, slot * 0.72, tall, stroke=EDGE, pen=0.6)
        running = at < report.period.until < int(report.edges[n + 1])
        if (sure := max(now[n] - estimated[n], 0.0)) > 0:
            tall = max(sure * height, 0.8)
            paper.box(left + slot * 0.26, base - tall, slot * 0.48, tall, fill=USE_RUNNING if running else USE)
        if estimated[n] > 0:
            tall = max(estimated[n] * height, 1.5)
            paper.box(
                left + slot * 0.26,
                base - sure * height - tall,
                slot * 0.48,
                tall,
                USE_SOFT,
                USE,
                dash=(2, 1.6),
            )
        named = n % every == 0
        if len(now) > FEW:
            paper.line(left + slot / 2, base, left + slot / 2, base + (5 if named else 2.5), colour=INK3)
        if named:
            paper.text(left + slot / 2, base + 14, words.bucket(report.period, at), 8, colour=INK2, align="middle")
    paper.line(x0, base, x1, base, colour=EDGE, width=0.8)


def draw_key(paper: Paper, report: Report, words: Words, x: float, y: float) -> None:
    """What the marks mean, ending at x."""
    marks = [(words.label(report.period), "now")]
    if report.total.before.mwh is not None:
        marks.append((words.label_before(report.period), "before"))
    if report.total.now.estimated_mwh > 0:
        marks.append((words.say("report-key-estimated"), "estimated"))
    for name, kind in reversed(marks):
        x -= paper.width(name, 8)
        paper.text(x, y, name, 8, colour=INK2)
        x -= 13
        if kind == "now":
            paper.box(x, y - 7, 8, 8, fill=USE)
        elif kind == "before":
            paper.box(x + 0.4, y - 6.6, 7.2, 7.2, stroke=EDGE, pen=0.8)
        else:
            paper.box(x + 0.4, y - 6.6, 7.2, 7.2, USE_SOFT, USE, dash=(2, 1.6))
        x -= 14


def line_step(highest: float) -> float:
    """The distance of two or three round lines."""
    magnitude = 10.0 ** math.floor(math.log10(highest))
    steps = (factor * magnitude for factor in (5, 2.5, 2, 1, 0.5, 0.25))
    return next((step for step in steps if highest * 1.02 / step >= 2), magnitude / 4)


def _digits(step: float) -> int:
    return next((n for n in range(4) if abs(round(step, n) - step) < 1e-9), 4)
