"""An authority and what it issues for this hub, each in a file: made, renewed, replaced when damaged."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.auth.certificates.names import PLAIN, Names, host_label
from hub.auth.certificates.x509 import (
    Pair,
    Span,
    from_text,
    is_issued_by,
    issue,
    make_authority,
    names_of,
    permitted_names,
    span_of,
    to_text,
)
from hub.auth.secret_file import write_secret
from hub.broker.tls import Certificate

log = logging.getLogger("hub.auth")

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No hub with this code ran before: where the clock is not certain, the time is at least this."""
RENEW_BEFORE = timedelta(days=30)
OLDEST = datetime(2020, 2, 1, tzinfo=UTC)
DOUBTFUL = timedelta(days=1826)


class Issuer:
    """`ensure` is blocking and the only thing that writes. Files: NAME-ca.pem and NAME.pem, readable by the hub only.

    label: how the authority is called where people see it. damaged: files that were set aside.
    """

    name = ""

    def __init__(self, folder: Path, label: str) -> None:
        self._folder = folder
        self._label = label
        self._authority: Pair | None = None
        self._leaf: Pair | None = None
        self.damaged: list[str] = []

    @property
    def authority(self) -> Pair:
        """The authority; made by the first `ensure`."""
        assert self._authority is not None
        return self._authority

    @property
    def leaf(self) -> Pair:
        """What it issued last."""
        assert self._leaf is not None
        return self._leaf

    @property
    def files(self) -> Certificate:
        """Where a server finds it: certificate and key are in one file."""
        return Certificate(self._leaf_file, self._leaf_file)

    @property
    def is_there(self) -> bool:
        """Are both made, or read?"""
        return self._authority is not None and self._leaf is not None

    def load(self) -> None:
        """Read what is there. Blocking."""
        self._authority = self._authority or self._read(self._authority_file)
        self._leaf = self._leaf or self._read(self._leaf_file)

    def ensure(self, names: Names, now: datetime, floor: datetime, *, certain: bool, anew: bool = False) -> bool:
        """Make what is missing and renew what is due; True where there is another certificate now. Blocking.

        now: by the hub's clock. floor: it is not earlier than this, whatever the clock says. anew: issue in any case.
        """
        floor = max(floor, RELEASED)
        now = max(now, OLDEST)
        if not certain:
            now = min(now, floor + DOUBTFUL)  # a clock that nobody trusts may stand decades ahead
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.load()
        authority = self._authority
        if authority is None or self._is_at_its_end(authority, now, certain=certain):
            authority = self._make_authority(now, floor, certain=certain)
            write_secret(self._authority_file, to_text(authority))
            self._authority = authority
        wanted = permitted_names(authority.certificate, names)
        if (
            not anew
            and self._leaf is not None
            and not self._is_due(self._leaf, authority, wanted, now, certain=certain)
        ):
            return False
        outer, inner = span_of(authority.certificate), self._span(now, floor, certain=certain)
        leaf = issue(authority, wanted, Span(max(outer.begin, inner.begin), min(outer.end, inner.end)))
        write_secret(self._leaf_file, to_text(leaf))
        self._leaf = leaf
        return True

    @property
    def _authority_file(self) -> Path:
        return self._folder / f"{self.name}-ca.pem"

    @property
    def _leaf_file(self) -> Path:
        return self._folder / f"{self.name}.pem"

    def _read(self, file: Path) -> Pair | None:
        try:
            return from_text(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            aside = file.with_name(f"{file.name}.damaged")
            file.replace(aside)
            log.error("%s cannot be read (%s); it is kept as %s and made anew", file, error, aside)
            self.damaged.append(str(aside))
            return None

    def _is_due(self, leaf: Pair, authority: Pair, wanted: Names, now: datetime, *, certain: bool) -> bool:
        if names_of(leaf.certificate).lacks(wanted) or not is_issued_by(leaf.certificate, authority.certificate):
            return True
        begin, end = span_of(leaf.certificate)
        return certain and not begin <= now < end - RENEW_BEFORE

    def _is_at_its_end(self, authority: Pair, now: datetime, *, certain: bool) -> bool:
        return certain and now >= span_of(authority.certificate).end - RENEW_BEFORE

    def _make_authority(self, now: datetime, floor: datetime, *, certain: bool) -> Pair:
        raise NotImplementedError

    def _span(self, now: datetime, floor: datetime, *, certain: bool) -> Span:
        raise NotImplementedError


class BrowserIssuer(Issuer):
    """For browsers: it can vouch for names and addresses of a house only, and what it issues ends within 397 days."""

    name = "web"
    BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
    YEARS = timedelta(days=3652)
    LEAF = timedelta(days=397)  # browsers take no longer ones
    BACK = timedelta(days=2)  # a phone's clock may be behind
    DOUBT = timedelta(days=180)  # before the time of an uncertain clock; the rest is after it

    def __init__(self, folder: Path, label: str, extra: Iterable[str] = ()) -> None:
        """`extra`: names beside the house's own for which it shall be able to vouch."""
        super().__init__(folder, label)
        self._extra = tuple(extra)

    def _make_authority(self, now: datetime, floor: datetime, *, certain: bool) -> Pair:
        begin = now if certain else max(now, floor)
        own = [name for name in (PLAIN, host_label(), *self._extra) if name is not None and not _is_address(name)]
        return make_authority(self._label, Span(self.BEGIN, begin + self.YEARS), own)

    def _span(self, now: datetime, floor: datetime, *, certain: bool) -> Span:
        begin = now - self.BACK
        if not certain:
            begin = max(floor - self.BACK, now - self.DOUBT)
        return Span(begin, begin + self.LEAF)


class PlugIssuer(Issuer):
    """For plugs: without limits of names, and valid from where a plug's clock begins until long after its life."""

    name = "plugs"
    SPAN = Span(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

    def _is_due(self, leaf: Pair, authority: Pair, wanted: Names, now: datetime, *, certain: bool) -> bool:
        return super()._is_due(leaf, authority, wanted, now, certain=False)

    def _is_at_its_end(self, authority: Pair, now: datetime, *, certain: bool) -> bool:
        return False

    def _make_authority(self, now: datetime, floor: datetime, *, certain: bool) -> Pair:
        return make_authority(self._label, self.SPAN, None)

    def _span(self, now: datetime, floor: datetime, *, certain: bool) -> Span:
        return self.SPAN


def _is_address(text: str) -> bool:
    return ":" in text or text.replace(".", "").isdigit()
