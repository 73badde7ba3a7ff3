"""Where the accounts of a household stand: what binds each, and how concentrated they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.account_standing import concentrations, limit_on
from tidebook.compliance.trades import Known
from tidebook.compliance.walking import Walk
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Markets, books_of
from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidebook.compliance.account_standing import AccountStanding, Concentration
    from tidebook.compliance.policies import AccountPolicy
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.engine.compliance.ports import Household


class AccountView(NamedTuple):
    """Where one account stands, and how much of its equity each issuer is."""

    standing: AccountStanding
    concentrations: tuple[Concentration, ...]


class Together(NamedTuple):
    """What the accounts in one currency hold together; the lowest of their limits counts."""

    currency: str
    equity: Known
    concentrations: tuple[Concentration, ...]


class Standings(NamedTuple):
    """Where the accounts of a household stand at the close of a day, and what binds them then."""

    as_of: date
    accounts: tuple[AccountView, ...]
    together: tuple[Together, ...]


def account_standings(household: Household, as_of: date) -> Standings:
    """Return where the accounts of a household stand when a day is over.

    What was booked up to the end of the day counts, and what binds an account is what binds it on
    the day after.
    """
    return standings_in(rebuilt(household.facts), household.policies, as_of)


def standings_in(made: Rebuilt, policies: Mapping[str, AccountPolicy], as_of: date) -> Standings:
    """Return the same of books that were made already."""
    markets = Markets(made.rests_on)
    transactions = {fact.transaction_id: fact for fact in made.rests_on.facts.transactions}
    after = as_of + timedelta(days=1)
    found: list[AccountStanding] = []
    for portfolio_id in sorted(made.rests_on.facts.portfolios):
        books = books_of(made, portfolio_id, policies, transactions, markets)
        entries = [entry for entry in books.entries if entry.posting.on <= as_of]
        entries.sort(key=lambda entry: entry.posting.order)
        walk = Walk(books)
        with exact():
            for _ in walk.along(entries, date.max, after):
                pass
        found.append(walk.stand(after))
    return Standings(as_of, tuple(map(_view, found)), _together(found))


def _view(one: AccountStanding) -> AccountView:
    limit_pct = limit_on(one.account, one.on)
    return AccountView(one, concentrations(one.positions, one.equity, limit_pct))


def _together(standings: Sequence[AccountStanding]) -> tuple[Together, ...]:
    by_currency: dict[str, list[AccountStanding]] = {}
    for one in standings:
        by_currency.setdefault(one.account.currency, []).append(one)
    found: list[Together] = []
    for currency, several in by_currency.items():
        missing = next((one.equity for one in several if one.equity.value is None), None)
        with exact():
            equity = missing or Known(sum((one.equity.value or ZERO for one in several), ZERO))
        limit_pct = min(limit_on(one.account, one.on) for one in several)
        held = [position for one in several for position in one.positions]
        found.append(Together(currency, equity, concentrations(held, equity, limit_pct)))
    return tuple(found)
