"""What the trees are drawn from: booked facts, the market, and the rates between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.policies import key_rules
from tidebook.book.trees.positions import ValueRates
from tidebook.book.trees.steps import Key
from tidebook.engine.explaining.gathering import Gathering
from tidebook.engine.explaining.linking import Linked
from tidebook.model.instruments import Instrument, built_in_instrument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from tidebook.book.trees.steps import Step
    from tidebook.book.valuation import Valuation
    from tidebook.engine.explaining.rates import Rates
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import MarketView
    from tidebook.model.portfolios import Portfolio


class Evidence(NamedTuple):
    """The steps of a portfolio's keys, each with the fact behind it, and the market."""

    portfolio: Portfolio
    steps: dict[str, list[Step]]
    market: MarketView
    rates: Rates

    def key(self, security_id: str, currency: str | None = None) -> Key:
        """Return a key; its currency is the instrument's unless another one is named."""
        steps = self.steps.get(security_id, [])
        booked = steps[0].currency if steps else self.portfolio.base_currency
        return key_of(self.portfolio, security_id, self.market, booked, currency)

    def value_rates(self, key: Key, valuation: Valuation, on: date | None) -> ValueRates:
        """Return where the rates of a valuation come from."""
        quote = valuation.quote
        if quote is None or on is None:
            return ValueRates()
        return ValueRates(
            self.rates.tree(quote.currency, key.currency, on),
            self.rates.tree(key.currency, key.base_currency, on),
        )


def evidence(
    reader: FigureReader,
    portfolio_id: str,
    *,
    through: date | None = None,
    known_at: datetime | None = None,
    security_id: str | None = None,
) -> Evidence:
    """Return the evidence under a portfolio's figures up to a day, or under those of one key.

    A key is moved by facts in its own security alone, and by what was carried to it, unless it is
    cash: facts in every other security move that.
    """
    only = None if security_id is None or _is_cash(reader, security_id, known_at) else security_id
    gathered = Gathering(reader, through, known_at)
    gathered.take(portfolio_id, only)
    market, portfolio = gathered.market(), gathered.owner(portfolio_id)

    def key(owner: Portfolio, named: str, booked: str) -> Key:
        return key_of(owner, named, market, booked, booked)

    linked = Linked(gathered, key)
    wanted = [named for pid, named in gathered.entries if pid == portfolio_id]
    steps = {
        named: linked.steps((portfolio_id, named))
        for named in wanted
        if security_id in {None, named}
    }
    return Evidence(portfolio, steps, market, gathered.rates)


def key_of(
    portfolio: Portfolio,
    security_id: str,
    market: MarketView,
    booked: str,
    currency: str | None,
) -> Key:
    """Return a key of a portfolio; of one that no fact introduced, id and currency are known."""
    instrument = (
        market.instruments.get(security_id)
        or built_in_instrument(security_id, booked)
        or Instrument(security_id, security_id, booked, "")
    )
    rules = key_rules(portfolio, security_id, instrument)
    return Key(
        portfolio.portfolio_id,
        security_id,
        currency or instrument.currency,
        portfolio.base_currency,
        rules.lots,
        instrument.is_cash,
        instrument.multiplier,
        instrument.is_margined,
        rules,
    )


def _is_cash(reader: FigureReader, security_id: str, known_at: datetime | None) -> bool:
    found = reader.instruments([security_id], known_at=known_at)
    known = found[0] if found else built_in_instrument(security_id, "")
    return known is not None and known.is_cash


def steps_until(steps: Sequence[Step], last: Step) -> list[Step]:
    """Return the steps of a key up to one of them, in their order."""
    return [step for step in sorted(steps, key=lambda one: one.order) if step.order <= last.order]
