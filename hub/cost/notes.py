"""Notes below a printed report: what is estimated, missing or not compared, so that no number claims too much."""

from hub.cost.report import Report
from hub.cost.typeface import MARK, printable
from hub.cost.words import Words


def notes_of(report: Report, words: Words) -> list[str]:
    """Sentences, what can be wrong before what is merely worth knowing."""
    total, unknown, period = report.total, report.unknown, report.period
    notes = []
    estimated = total.now.estimated_mwh
    if estimated > 0 and total.now.mwh:
        share = words.share(estimated / total.now.mwh)
        notes.append(words.say("report-note-estimated", energy=words.energy(estimated), percent=share))
    if unknown.count:
        hours = words.decimal(unknown.hours, 1 if unknown.hours < 10 else 0)
        notes.append(words.say("report-note-unknown", count=unknown.count, hours=hours))
    if unknown.open:
        notes.append(words.say("report-note-open", count=unknown.open))
    if report.since is not None:
        notes.append(words.say("report-note-since", date=words.date(period.local(report.since))))
    if not notes and not report.empty:
        notes.append(words.say("report-note-all-measured"))
    if period.running and total.change is not None:
        until = period.local(period.before_until)
        moment = f"{words.date(until)}, {words.clock(until)}"
        notes.append(words.say("report-note-running", name=words.label_before(period), until=moment))
    if report.not_compared and total.change is not None:
        notes.append(words.say("report-note-not-compared", count=report.not_compared))
    if report.price is None:
        notes.append(words.say("report-note-no-price"))
    else:
        notes.append(words.say("report-note-price", price=words.price(report.price)))
    return [*notes, *_worth_knowing(report, words), words.say("report-note-plugs"), *_unprintable(report, words)]


def _unprintable(report: Report, words: Words) -> list[str]:
    """Why a name is not there as people wrote it."""
    names = [report.home, *(line.name or "" for line in (*report.rooms, *report.devices))]
    return [words.say("report-note-letters", mark=MARK)] if any(MARK in printable(name) for name in names) else []


def _worth_knowing(report: Report, words: Words) -> list[str]:
    hours, period = report.hours, report.period
    if hours is None:
        return []
    at = period.local(hours.highest)
    values = {"from": words.clock(at), "to": words.clock(period.local(hours.highest + 3_600_000))}
    notes = [words.say("report-note-highest", energy=words.energy(hours.highest_mwh), date=words.date(at), **values)]
    if hours.base_w is not None and hours.base_mwh is not None and hours.base_w >= 0.5:
        power, energy = words.power(hours.base_w), words.energy(hours.base_mwh)
        if report.price is None:
            notes.insert(0, words.say("report-note-base", power=power, energy=energy))
        else:
            cost = words.money(hours.base_mwh / 1e6 * report.price)
            notes.insert(0, words.say("report-note-base-cost", power=power, energy=energy, cost=cost))
    return notes
