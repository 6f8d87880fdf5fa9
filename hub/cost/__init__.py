"""Cost: energy and money of a day, week, month or year beside those of the one before, as figures and as a page."""

from hub.cost.figures import Figures
from hub.cost.outlets import ReportOutlet
from hub.cost.period import KINDS, Kind, Period, period_of
from hub.cost.reading import read_figures
from hub.cost.report import Amount, Hours, Line, Report, assemble
from hub.cost.tariff import FlatTariff, Tariff, tariff_of
from hub.cost.words import Words

__all__ = [
    "KINDS",
    "Amount",
    "Figures",
    "FlatTariff",
    "Hours",
    "Kind",
    "Line",
    "Period",
    "Report",
    "ReportOutlet",
    "Tariff",
    "Words",
    "assemble",
    "period_of",
    "read_figures",
    "tariff_of",
]
