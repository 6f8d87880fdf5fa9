"""Tariffs: what energy costs."""

from typing import Protocol

from hub.plugins.contract import Float64, Int64

MWH_IN_KWH = 1e6


class Tariff(Protocol):
    """The price of a kWh at every moment."""

    def cost(self, start: Int64, mwh: Float64) -> Float64:
        """What the energy of each bucket costs, in the home's currency; NaN where the energy is not known.

        start: Unix ms at which each bucket begins; mwh: its import. Quarters of an hour, or longer ones within which
        the price does not change.
        """


class FlatTariff:
    """One price for every kWh."""

    def __init__(self, price: float) -> None:
        self.price = price

    def cost(self, start: Int64, mwh: Float64) -> Float64:
        """As the interface says."""
        return mwh / MWH_IN_KWH * self.price


def tariff_of(price: float | None) -> FlatTariff | None:
    """The tariff of a home; None where nobody has said what a kWh costs."""
    return None if price is None else FlatTariff(price)
