"""The figures of where accounts stand, by the walk of the rules over books of leaves."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from tidebook.compliance.buying_power import DAY_TRADING_BUYING_POWER
from tidebook.compliance.limits import POSITION_SIZE_LIMIT
from tidebook.compliance.policies import AccountPolicy
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.accounts import standings_in
from tidebook.engine.explaining.figures import Scope
from tidebook.engine.explaining.marked_book import marked_policies, marked_rebuilt
from tidebook.engine.explaining.redrawn import Told, redrawn
from tidebook.engine.users import portfolios_of
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.compliance.account_standing import AccountStanding, Concentration
    from tidebook.compliance.bound import Call, OpenDeficit
    from tidebook.compliance.trades import Known
    from tidebook.engine.compliance.accounts import Standings
    from tidebook.engine.compliance.ports import Household
    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library

_POSITION: Final = "position_"
_POWER: Final = (DAY_TRADING_BUYING_POWER, "2001-09-28")
_LIMIT: Final = (POSITION_SIZE_LIMIT, "1")


def explain_standing(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of where an account, or a household, stands.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If there is no such account or currency, or no such row in it.
    """
    ids = [one.portfolio_id for one in portfolios_of(library.reader, question.user_id or "")]
    household = library.compliance.household(ids)
    as_of = question.as_of or library.now.astimezone(UTC).date()
    plain = standings_in(rebuilt(household.facts), household.policies, as_of)
    told = _told(plain, question, figure)
    again = _told(_again(household, figure, as_of), question, figure)
    of = question.portfolio_id or question.currency
    label = f"{figure.name.replace('_', ' ')} of {of} on {as_of}"
    return redrawn(told, again, label)


def _again(household: Household, figure: Figure, as_of: date) -> Standings:
    """Return the standings drawn once more, of numbers that remember where they came from."""
    rule = _LIMIT if figure.name.startswith(_POSITION) else _POWER
    policies = dict(household.policies)
    for portfolio_id in household.facts.facts.portfolios:
        policies = marked_policies(policies, portfolio_id, rule, AccountPolicy())
    return standings_in(marked_rebuilt(rebuilt(household.facts)), policies, as_of)


def _told(found: Standings, question: Question, figure: Figure) -> Told:
    if figure.scope is Scope.HOUSEHOLD:
        for one in found.together:
            if one.currency == question.currency:
                if figure.name == "equity":
                    return _known(one.equity, one.currency)
                return _held(one.concentrations, question, figure, one.currency)
        raise UnknownSubjectError(f"accounts in {question.currency}", None)
    for view in found.accounts:
        if view.standing.account.account_id == question.portfolio_id:
            currency = view.standing.account.currency
            if figure.name.startswith(_POSITION):
                return _held(view.concentrations, question, figure, currency)
            return _of_account(view.standing, question, figure)
    raise UnknownSubjectError("this account among those of the user", question.portfolio_id)


def _of_account(one: AccountStanding, question: Question, figure: Figure) -> Told:
    currency, power, margin = one.account.currency, one.bound.buying_power, one.bound.margin
    name, _, brought = figure.name.partition("_brought")
    del brought
    if name == "equity":
        return _known(one.equity, currency)
    if name == "cash":
        return _known(one.cash, currency)
    if name == "deficit":
        return _asked(() if margin is None else margin.open, question, figure, currency)
    if power is None:
        raise UnknownSubjectError("a buying power within the day", question.portfolio_id)
    if name == "call":
        return _asked(power.calls, question, figure, currency)
    if name == "multiple":
        return Told(power.multiple, "times")
    return _known(power.limit, currency)


def _asked(
    found: Sequence[Call] | Sequence[OpenDeficit],
    question: Question,
    figure: Figure,
    currency: str,
) -> Told:
    row = question.row or 0
    if row >= len(found):
        raise UnknownSubjectError(f"a row {row} of them", question.portfolio_id)
    one = found[row]
    return Told(one.brought if figure.name.endswith("_brought") else one.amount, currency)


def _held(
    found: Sequence[Concentration], question: Question, figure: Figure, currency: str
) -> Told:
    row = question.row or 0
    if row >= len(found):
        raise UnknownSubjectError(f"a row {row} of its positions", question.portfolio_id)
    one = found[row]
    if figure.name == "position_value":
        return Told(one.value, currency, one.why)
    if figure.name == "position_limit":
        return Told(one.limit_pct, "percent")
    return Told(one.percent, "percent", one.why)


def _known(known: Known, currency: str) -> Told:
    return Told(known.value, currency, known.why)
