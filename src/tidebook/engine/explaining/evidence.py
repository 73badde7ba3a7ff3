"""What the trees are drawn from: booked transactions, the market, and the rates between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Source, SourceKind, given
from tidebook.book.explain import ValueRates
from tidebook.book.lots import Match
from tidebook.book.policies import key_rules
from tidebook.book.postings import Leg
from tidebook.book.rate_trees import rate_tree
from tidebook.book.step_trees import Flow, Key, Step, StepRates
from tidebook.engine.ports import TransactionQuery
from tidebook.model.instruments import Instrument, built_in_instrument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.valuation import Valuation
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import EntryView, MarketView, TransactionView
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

_PAGE_ROWS: Final = 5000


class Evidence(NamedTuple):
    """The steps of a portfolio's keys, each with the fact behind it, and the market."""

    portfolio: Portfolio
    facts: tuple[TransactionView, ...]
    steps: dict[str, list[Step]]
    market: MarketView
    rates: Rates

    def instrument(self, security_id: str, currency: str) -> Instrument:
        """Return what is known of a key; of one that no fact introduced, id and currency."""
        return (
            self.market.instruments.get(security_id)
            or built_in_instrument(security_id, currency)
            or Instrument(security_id, security_id, currency, "")
        )

    def key(self, security_id: str, currency: str | None = None) -> Key:
        """Return a key; its currency is the instrument's unless another one is named."""
        steps = self.steps.get(security_id, [])
        booked = steps[0].currency if steps else self.portfolio.base_currency
        instrument = self.instrument(security_id, booked)
        return Key(
            self.portfolio.portfolio_id,
            security_id,
            currency or instrument.currency,
            self.portfolio.base_currency,
            key_rules(self.portfolio, security_id, instrument).lots,
            instrument.is_cash,
        )

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
    reader: Reader,
    portfolio_id: str,
    *,
    through: date | None = None,
    known_at: datetime | None = None,
    security_id: str | None = None,
) -> Evidence:
    """Return the evidence under a portfolio's figures up to a day, or under those of one key.

    A key is moved by transactions in its own security alone, unless it is cash: trades in every
    other security move that.
    """
    only = None if security_id is None or _is_cash(reader, security_id) else security_id
    portfolio, facts = _facts(reader, portfolio_id, only, through, known_at)
    keys = {entry.security_id for fact in facts for entry in fact.entries}
    market = reader.markets(sorted(keys), known_at=known_at)
    rates = Rates(market.rates)
    steps: dict[str, list[Step]] = defaultdict(list)
    for fact in facts:
        for entry in fact.entries:
            if security_id in {None, entry.security_id}:
                steps[entry.security_id].append(_step(fact, entry, portfolio.base_currency, rates))
    return Evidence(portfolio, tuple(facts), dict(steps), market, rates)


class Rates:
    """Draws the trees of rates, each pair and day once."""

    def __init__(self, table: RateTable) -> None:
        """Keep the rates."""
        self.table = table
        self._drawn: dict[tuple[str, str, date], Node | None] = {}

    def tree(self, source: str, target: str, on: date) -> Node | None:
        """Return where a rate comes from; None in one currency, or where none is known."""
        if source == target:
            return None
        key = (source, target, on)
        if key not in self._drawn:
            self._drawn[key] = rate_tree(self.table, source, target, on)
        return self._drawn[key]


def _is_cash(reader: Reader, security_id: str) -> bool:
    found = reader.instruments([security_id])
    known = found[0] if found else built_in_instrument(security_id, "")
    return known is not None and known.is_cash


def _facts(
    reader: Reader,
    portfolio_id: str,
    security_id: str | None,
    through: date | None,
    known_at: datetime | None,
) -> tuple[Portfolio, list[TransactionView]]:
    """Return the booked transactions of a portfolio, and the portfolio as it was known then."""
    found: list[TransactionView] = []
    while True:
        page = reader.transactions(
            TransactionQuery(
                portfolio_id,
                security_id,
                end=through,
                skip=len(found),
                limit=_PAGE_ROWS,
                descending=False,
                known_at=known_at,
            )
        )
        found += page.transactions
        if not page.transactions or len(found) >= page.total:
            return page.portfolio, found


def _step(fact: TransactionView, entry: EntryView, base: str, rates: Rates) -> Step:
    transaction, on, leg = fact.transaction, fact.business_date, Leg(entry.leg)
    trade = transaction.trade_currency
    used = _Used(transaction, fact.version, base, on, rates)
    to_base = used.tree(entry.currency, base)
    if to_base is not None and to_base.value != entry.fx_rate:
        to_base = used.as_booked(entry.currency, entry.fx_rate)
    return Step(
        transaction,
        fact.version,
        leg,
        on,
        entry.currency,
        entry.quantity,
        entry.cost_local,
        entry.cost_base,
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
        entry.fx_rate,
        tuple(Match(*match) for match in entry.matches),
        _flow(entry),
        StepRates(
            used.tree(trade, entry.currency),
            used.tree(trade, base),
            to_base,
        ),
    )


class _Used(NamedTuple):
    """The rates that one transaction was booked at: its own, or those of the day."""

    transaction: Transaction
    version: int
    base: str
    on: date
    rates: Rates

    def tree(self, source: str, target: str) -> Node | None:
        """Return where a rate comes from; None in one currency, or where it is not known now."""
        recorded = self.transaction.fx_rate
        pair = (self.transaction.trade_currency, self.base)
        if recorded is not None and source != target and (source, target) == pair:
            label = f"rate {source}/{target} recorded with the transaction"
            return given(label, recorded, "", self._fact)
        return self.rates.tree(source, target, self.on)

    def as_booked(self, source: str, rate: Decimal) -> Node:
        """Return a rate of the book that those known now do not give."""
        label = f"rate {source}/{self.base} as known when it was booked, {self.on}"
        return given(label, rate, "", self._fact)

    @property
    def _fact(self) -> Source:
        identity = self.transaction.transaction_id
        return Source(SourceKind.TRANSACTION, identity, version=self.version)


def _flow(entry: EntryView) -> Flow | None:
    if (
        entry.classification is None
        or entry.timing is None
        or entry.cash_amount is None
        or entry.position_flow is None
    ):
        return None
    return Flow(
        entry.classification,
        entry.timing,
        bool(entry.is_portfolio_flow),
        entry.cash_amount,
        entry.position_flow,
    )


def steps_until(steps: Sequence[Step], last: Step) -> list[Step]:
    """Return the steps of a key up to one of them, in their order."""
    return [step for step in sorted(steps, key=lambda one: one.order) if step.order <= last.order]
