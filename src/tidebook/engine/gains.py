"""The realised gains of a portfolio: told from its entries, lot by lot, with their totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.actions import carried_fraction
from tidebook.book.gains import Disposal, Terms, gains_of, totals, totals_by
from tidebook.book.lots import Lot
from tidebook.model.actions import applied_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tidebook.book.gains import Gain, GainTotals
    from tidebook.engine.views import BookedEntry, EntriesView, Freshness
    from tidebook.model.actions import CorporateAction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio


class GainsReport(NamedTuple):
    """Realised gains by the day on which they were realised, and their sums.

    ``by_year`` is under the year of that day. ``tax_reason`` says why no tax is told; None where
    it is.
    """

    portfolio: Portfolio
    freshness: Freshness
    gains: tuple[Gain, ...]
    total: GainTotals
    by_term: Mapping[str, GainTotals]
    by_security: Mapping[str, GainTotals]
    by_year: Mapping[str, GainTotals]
    tax_reason: str | None


def gains_report(
    view: EntriesView, *, start: date | None = None, end: date | None = None
) -> GainsReport:
    """Return the gains that entries realised between two days, both included.

    Args:
        view: Entries of a portfolio; those that realised nothing are passed over.
        start: The first day; None for the beginning.
        end: The last day; None for the end.
    """
    terms = terms_of(view.portfolio, view.instruments, view.actions)
    found = [gain for _, gains in gains_by_entry(view, start=start, end=end) for gain in gains]
    found.sort(key=_closed_on)
    return GainsReport(
        view.portfolio,
        view.freshness,
        tuple(found),
        totals(found),
        totals_by(found, lambda gain: gain.term.value),
        totals_by(found, lambda gain: gain.security_id),
        totals_by(found, year_of),
        terms.tax_reason,
    )


def gains_by_entry(
    view: EntriesView, *, start: date | None = None, end: date | None = None
) -> list[tuple[BookedEntry, tuple[Gain, ...]]]:
    """Return the entries that realised gains between two days, each with its gains by lot."""
    terms = terms_of(view.portfolio, view.instruments, view.actions)
    told = [
        (booked, gains_of(disposal, terms))
        for booked in view.entries
        if (start is None or booked.on >= start) and (end is None or booked.on <= end)
        if (disposal := _disposal(booked)) is not None
    ]
    return [(booked, gains) for booked, gains in told if gains]


def year_of(gain: Gain) -> str:
    """Return the year in which a gain was realised."""
    return f"{gain.closed_on.year:04}"


def _closed_on(gain: Gain) -> date:
    return gain.closed_on


def terms_of(
    portfolio: Portfolio, instruments: Iterable[Instrument], actions: Iterable[CorporateAction]
) -> Terms:
    """Return what beside a portfolio's entries decides on their gains."""
    known = tuple(instruments)
    return Terms(
        portfolio.tax_rates,
        frozenset(one.security_id for one in known if one.is_margined),
        frozenset(one.security_id for one in known if one.is_cash),
        {
            applied_id(action.action_id, portfolio.portfolio_id): carried_fraction(action)
            for action in actions
        },
    )


def _disposal(booked: BookedEntry) -> Disposal | None:
    entry = booked.entry
    local, base = entry.realised_local, entry.realised_base
    price, currency = entry.realised_price, entry.realised_currency
    if local is None or base is None or price is None or currency is None:
        return None
    return Disposal(
        entry.security_id,
        booked.transaction_id,
        booked.type,
        booked.on,
        entry.currency,
        entry.fx_rate,
        tuple(Lot(*part) for part in entry.matches),
        tuple(Lot(*part) for part in entry.opens),
        (local, base, price, currency),
    )
