"""Words: numbers, money, dates and the names of periods, as people read them in English and German."""

from datetime import datetime

from hub.cost.period import Kind, Period
from hub.messages import Message, render

NBSP = "\u00a0"
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
WHOLE = frozenset(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF"))
THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
PRICE_DIGITS = 4
MWH_IN_KWH = 1e6
ALIKE = 0.005
"""A smaller change is none: it rounds to 0 %."""


class Words:
    """In one language ("en" or "de") and currency (ISO 4217)."""

    def __init__(self, language: str, currency: str) -> None:
        self.language = language
        self.currency = currency

    def say(self, id: str, /, **values: object) -> str:
        """The sentence."""
        return render(Message(id, values), self.language)

    def decimal(self, value: float, digits: int) -> str:
        """With thousands apart; a minus that is a minus."""
        text = f"{value:,.{digits}f}"
        if self.language == "de":
            text = text.translate({ord(","): ".", ord("."): ","})
        return text.replace("-", "\u2212") if text.strip("-0,.") else text.replace("-", "")

    @property
    def money_digits(self) -> int:
        """Decimals of the currency."""
        return 0 if self.currency in WHOLE else 3 if self.currency in THOUSANDTHS else 2

    def money(self, amount: float, digits: int | None = None) -> str:
        """€70.98, 70,98 €, CHF 70.98."""
        number = self.decimal(amount, self.money_digits if digits is None else digits)
        symbol = SYMBOLS.get(self.currency)
        if self.language == "de":
            return f"{number}{NBSP}{symbol or self.currency}"
        return f"{symbol}{number}" if symbol else f"{self.currency}{NBSP}{number}"

    def price(self, price: float) -> str:
        """Of a kWh: euros under 1 in cents."""
        if self.currency == "EUR" and 0 < price < 1:
            digits = 1 if round(price * 1000) == round(price * 1e5) / 100 else 2
            return f"{self.decimal(price * 100, digits)}{NBSP}ct"
        needed = next((n for n in range(self.money_digits, PRICE_DIGITS) if round(price, n) == price), PRICE_DIGITS)
        return self.money(price, needed)

    def energy(self, mwh: float, digits: int | None = None) -> str:
        """In kWh; normally two decimals under 1, one under 1,000, none above."""
        kwh = mwh / MWH_IN_KWH
        return f"{self.decimal(kwh, energy_digits(kwh) if digits is None else digits)}{NBSP}kWh"

    def power(self, watts: float) -> str:
        """W, from 1,000 kW."""
        if watts >= 999.5:
            return f"{self.decimal(watts / 1000, 2)}{NBSP}kW"
        return f"{self.decimal(watts, 0)}{NBSP}W"

    def percent(self, fraction: float) -> str:
        """The number alone, whole."""
        return self.decimal(abs(fraction) * 100, 0)

    def share(self, fraction: float) -> str:
        """The number alone: something is not nothing."""
        value = fraction * 100
        return f"<{self.decimal(0.1, 1)}" if 0 < value < 0.05 else self.decimal(value, 1 if value < 9.95 else 0)

    def month(self, at: datetime) -> str:
        """October."""
        return self.say("report-month", month=at.month)

    def date(self, at: datetime) -> str:
        """21 October 2026."""
        return self.say("report-date", day=at.day, month=self.month(at), year=at.year)

    def clock(self, at: datetime) -> str:
        """13:24."""
        return f"{at:%H:%M}"

    def label(self, period: Period) -> str:
        """The period's name, with its year."""
        return self.named(period.kind, period.local(period.start), period.local(period.end - 1))

    def label_before(self, period: Period) -> str:
        """The name of the period before."""
        return self.named(period.kind, period.local(period.before_start), period.local(period.start - 1))

    def short_before(self, period: Period) -> str:
        """The same, without the year where it goes without saying."""
        start, year = period.local(period.before_start), period.local(period.start).year
        if period.kind == "month" and start.year == year:
            return self.month(start)
        if period.kind == "day":
            return f"{start.day}{'.' if self.language == 'de' else ''} {self.month(start)}"
        return self.label_before(period)

    def named(self, kind: Kind, first: datetime, last: datetime) -> str:
        """Saturday, 21 October 2026; 19–25 October 2026; October 2026; 2026."""
        if kind == "year":
            return str(first.year)
        if kind == "month":
            return self.say("report-date-month", month=self.month(first), year=first.year)
        if kind == "day":
            weekday = self.say("report-weekday", weekday=first.weekday())
            return self.say("report-date-day", weekday=weekday, day=first.day, month=self.month(first), year=first.year)
        return self.days(first, last)

    def days(self, first: datetime, last: datetime) -> str:
        """From one date to another; one where they are the same."""
        if first.date() == last.date():
            return self.date(first)
        if (first.year, first.month) == (last.year, last.month):
            values = {"from": first.day, "to": last.day, "month": self.month(first), "year": first.year}
            return self.say("report-days", **values)
        return self.say("report-dates", **{"from": self.date(first), "to": self.date(last)})

    def covered(self, period: Period) -> str:
        """The dates of what is in it: up to today where it runs."""
        last = max(period.until - 1, period.start)
        return self.days(period.local(period.start), period.local(last))

    def than(self, period: Period) -> str:
        """What it is compared with, as the end of a sentence."""
        id = "report-than-so-far" if period.running else "report-than"
        return self.say(id, kind=period.kind, name=self.short_before(period))

    def compared(self, period: Period, change: float) -> str:
        """6 % less than October."""
        direction = "less" if change <= -ALIKE else "more" if change >= ALIKE else "other"
        return self.say("report-compared", direction=direction, percent=self.percent(change), than=self.than(period))

    def bucket(self, period: Period, at: int) -> str:
        """The short name of a bucket below an axis."""
        local = period.local(at)
        if period.kind == "day":
            return f"{local.hour:02}"
        if period.kind == "week":
            return f"{self.say('report-weekday-short', weekday=local.weekday())} {local.day}"
        return str(local.day) if period.kind == "month" else self.say("report-month-short", month=local.month)


def energy_digits(kwh: float) -> int:
    """Decimals of a column of energies whose sum is this."""
    return 2 if abs(kwh) < 10 else 1 if abs(kwh) < 1000 else 0
