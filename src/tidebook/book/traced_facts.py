"""A book whose numbers are marked, so that what is computed from it remembers where it came from.

Entries are leaves: each amount of one is a figure by itself, ``entry.*``, that goes on to the lots
and facts below it. So are the terms of transactions, prices, rates and splits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.book.derivation import Source, SourceKind
from tidebook.model.actions import ActionType
from tidebook.model.markets import over_splits
from tidebook.model.money import ONE
from tidebook.model.traced import marked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Lot
    from tidebook.book.postings import Effect, Posting
    from tidebook.book.series import Market
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import PriceQuotes, RateTable, Split

_REPORTED: Final = ("quantity", "price", "gross", "fee", "tax", "accrued_interest")


def marked_transaction(fact: Transaction) -> Transaction:
    """Return a transaction whose amounts are leaves."""
    terms = fact._asdict()
    changed = {
        name: leaf(
            terms[name],
            f"{name.replace('_', ' ')} of {fact.transaction_id}",
            fact.security_id if name == "quantity" else fact.trade_currency,
            Source(SourceKind.TRANSACTION, fact.transaction_id),
        )
        for name in _REPORTED
    }
    if fact.fx_rate is not None:
        label = f"rate recorded with {fact.transaction_id}"
        source = Source(SourceKind.TRANSACTION, fact.transaction_id)
        changed["fx_rate"] = leaf(fact.fx_rate, label, "", source)
    return fact._replace(**changed)


def marked_entry(entry: Entry, base_currency: str) -> Entry:
    """Return an entry whose amounts are leaves, each the figure of its name."""
    marks = _Marks(entry.posting, base_currency)
    local = entry.posting.currency
    return entry._replace(
        posting=marks.posting(),
        quantity=marks.of(entry.quantity, "units moved by", marks.unit, "quantity"),
        cost_local=marks.of(entry.cost_local, "cost moved by", local, "cost_local"),
        cost_base=marks.of(entry.cost_base, "cost moved by", base_currency, "cost"),
        opens=tuple(marks.lot(lot, "opened by", "") for lot in entry.opens),
        matches=tuple(marks.lot(lot, "taken by", "matched_") for lot in entry.matches),
        realised_local=marks.maybe(entry.realised_local, local, "realised_local"),
        realised_base=marks.maybe(entry.realised_base, base_currency, "realised"),
        realised_price=marks.maybe(entry.realised_price, base_currency, "realised_price"),
        realised_currency=marks.maybe(entry.realised_currency, base_currency, "realised_currency"),
    )


def marked_market(market: Market) -> Market:
    """Return prices and rates as leaves."""
    return market._replace(
        prices=marked_prices(market.prices), rates=marked_rates(market.rates), vectors={}
    )


def marked_prices(prices: Mapping[str, PriceQuotes]) -> Mapping[str, PriceQuotes]:
    """Return prices as leaves, carried over the splits that they were carried over."""
    return {security_id: _marked_quotes(security_id, each) for security_id, each in prices.items()}


def marked_rates(rates: RateTable) -> RateTable:
    """Return exchange rates as leaves."""

    def mark(pair: tuple[str, str], on: date, rate: Decimal) -> Decimal:
        name = "/".join(pair)
        return leaf(rate, f"rate {name} of {on}", "", Source(SourceKind.RATE, name, on))

    return rates.mapped(mark)


class _Marks:
    """Marks the amounts of one entry."""

    def __init__(self, posting: Posting, base_currency: str) -> None:
        self.original = posting
        self.unit = posting.security_id
        self.base = base_currency
        self.words = f"{posting.transaction_id} on {posting.security_id}"

    def of(self, value: Decimal, words: str, unit: str, column: str) -> Decimal:
        return leaf(value, f"{words} {self.words}", unit, self._source(column))

    def maybe(self, value: Decimal | None, unit: str, column: str) -> Decimal | None:
        return None if value is None else self.of(value, "gain realised by", unit, column)

    def lot(self, lot: Lot, words: str, prefix: str) -> Lot:
        label = f"of lot {lot.lot_id} {words}"
        local, base = (f"{prefix}cost_local", f"{prefix}cost") if prefix else ("", "")
        column = f"{prefix}quantity" if prefix else ""
        return lot._replace(
            quantity=self.of(lot.quantity, f"units {label}", self.unit, column),
            cost_local=self.of(lot.cost_local, f"cost {label}", self.original.currency, local),
            cost_base=self.of(lot.cost_base, f"cost {label}", self.base, base),
        )

    def posting(self) -> Posting:
        one = self.original
        flow = one.flow
        if flow is not None:
            flow = flow._replace(
                cash_amount=self.of(flow.cash_amount, "cash moved by", "", "cash_amount"),
                position_flow=self.of(flow.position_flow, "capital moved by", "", "position_flow"),
            )
        rate = one.fx_rate
        if rate != ONE:
            rate = self.of(rate, "rate to the base currency at", "", "fx_rate")
        return one._replace(
            quantity=self.of(one.quantity, "units of", self.unit, "quantity"),
            amount=self.of(one.amount, "amount of", one.currency, ""),
            amount_base=self.of(one.amount_base, "amount of", self.base, ""),
            fx_rate=rate,
            flow=flow,
            flow_base=self.of(one.flow_base, "flow of", self.base, ""),
            effect=None if one.effect is None else self._effect(one.effect),
        )

    def _effect(self, effect: Effect) -> Effect:
        def rate(value: Decimal, words: str) -> Decimal:
            return value if value == ONE else self.of(value, words, "", "")

        return effect._replace(
            costs=self.of(effect.costs, "costs of", self.original.currency, ""),
            fraction=rate(effect.fraction, "part of the cost that is carried by"),
            to_local=rate(effect.to_local, "rate to the currency of the other key at"),
            to_base=rate(effect.to_base, "rate to the base currency of the other key at"),
        )

    def _source(self, column: str) -> Source:
        one = self.original
        if column:
            return Source(
                SourceKind.ENTRY, one.transaction_id, column=column, portfolio_id=one.portfolio_id
            )
        kind = SourceKind.ACTION if isinstance(one.type, ActionType) else SourceKind.TRANSACTION
        return Source(kind, one.transaction_id)


def _marked_quotes(security_id: str, quoted: PriceQuotes) -> PriceQuotes:
    prices = tuple(
        leaf(
            price,
            f"price of {security_id} on {on}",
            currency,
            Source(SourceKind.PRICE, security_id, on),
        )
        for on, price, currency in zip(*quoted[:3], strict=True)
    )
    splits = {split.action_id: split for each in quoted.carried for split in each.splits}
    ordered = sorted(splits.values(), key=lambda split: split.on)
    return over_splits(
        quoted._replace(prices=prices, carried=()), [_marked_split(one) for one in ordered]
    )


def _marked_split(split: Split) -> Split:
    source = Source(SourceKind.ACTION, split.action_id)
    return split._replace(
        new_units=leaf(split.new_units, f"new units of {split.action_id}", "", source),
        old_units=leaf(split.old_units, f"old units of {split.action_id}", "", source),
    )


def leaf(value: Decimal, label: str, unit: str, source: Source) -> Decimal:
    """Return a number as a leaf; zero is left as it is, for nothing follows from it."""
    return marked(value, label, unit, source) if value else value
