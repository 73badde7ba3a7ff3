"""What users' portfolios hold and did, read with every number a leaf that names its own figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Source, SourceKind
from tidebook.book.series import PortfolioDay
from tidebook.book.traced_facts import leaf, marked_transaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.engine.figure_reader import HoldingsReader
    from tidebook.engine.queries import TransactionQuery
    from tidebook.engine.views import (
        EntriesView,
        EntryView,
        PositionsView,
        PositionView,
        SeriesView,
        TransactionsPage,
    )
    from tidebook.model.instruments import Instrument

Part = tuple[str, "date", "Decimal", "Decimal", "Decimal"]


class MarkedReader:
    """A reader whose amounts are leaves; its methods are those of ``HoldingsReader``."""

    def __init__(self, reader: HoldingsReader) -> None:
        """Read what ``reader`` reads."""
        self._reader = reader

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        """Return the valued positions of a portfolio."""
        view = self._reader.positions(
            portfolio_id, as_of=as_of, known_at=known_at, include_closed=include_closed
        )
        return marked_positions(view)

    def entries(  # noqa: PLR0913 - the question has this many parts
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
        realised: bool = False,
    ) -> EntriesView:
        """Return entries of a portfolio."""
        view = self._reader.entries(
            portfolio_id,
            security_id=security_id,
            start=start,
            as_of=as_of,
            known_at=known_at,
            realised=realised,
        )
        base = view.portfolio.base_currency
        return view._replace(
            entries=tuple(
                one._replace(entry=_marked_entry(one.entry, one.transaction_id, portfolio_id, base))
                for one in view.entries
            )
        )

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        """Return a page of a portfolio's transactions."""
        page = self._reader.transactions(query)
        base = page.portfolio.base_currency
        return page._replace(
            transactions=tuple(
                view._replace(
                    transaction=marked_transaction(view.transaction),
                    entries=tuple(
                        _marked_entry(
                            entry, view.transaction.transaction_id, query.portfolio_id, base
                        )
                        for entry in view.entries
                    ),
                )
                for view in page.transactions
            )
        )

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        """Return instruments, by id."""
        return self._reader.instruments(security_ids, known_at=known_at)


def marked_series(view: SeriesView) -> SeriesView:
    """Return a daily series whose amounts are leaves, each the figure of its day and column."""
    portfolio_id, unit = view.portfolio.portfolio_id, view.portfolio.base_currency
    names = PortfolioDay._fields[1:]

    def marked(row: PortfolioDay) -> PortfolioDay:
        amounts = (
            leaf(
                amount,
                f"{name.replace('_', ' ')} of {portfolio_id} on {row.on}",
                unit,
                Source(SourceKind.DAY, portfolio_id, row.on, column=name),
            )
            for name, amount in zip(names, row[1:], strict=True)
        )
        return PortfolioDay(row.on, *amounts)

    return view._replace(days=tuple(map(marked, view.days)), prepared=None)


def marked_positions(view: PositionsView) -> PositionsView:
    """Return positions whose values and costs, and whose totals, are leaves."""
    portfolio_id, on = view.portfolio.portfolio_id, view.freshness.as_of
    unit = view.portfolio.base_currency

    def total(value: Decimal, name: str) -> Decimal:
        source = Source(SourceKind.PORTFOLIO, portfolio_id, on, column=name)
        return leaf(value, f"{name} of portfolio {portfolio_id}", unit, source)

    unrealised = view.unrealised_base
    return view._replace(
        positions=tuple(_marked_position(one, portfolio_id, unit, on) for one in view.positions),
        cost_base=total(view.cost_base, "cost"),
        realised_base=total(view.realised_base, "realised"),
        unrealised_base=None if unrealised is None else total(unrealised, "unrealised"),
    )


def _marked_position(
    one: PositionView, portfolio_id: str, unit: str, on: date | None
) -> PositionView:
    def of(value: Decimal, name: str) -> Decimal:
        source = Source(
            SourceKind.POSITION, one.security_id, on, column=name, portfolio_id=portfolio_id
        )
        return leaf(value, f"{name} of {one.security_id} in {portfolio_id}", unit, source)

    value = one.valuation.value
    if value is not None:
        value = value._replace(
            base=of(value.base, "value"), unrealised_base=of(value.unrealised_base, "unrealised")
        )
    return one._replace(
        cost_base=of(one.cost_base, "cost"), valuation=one.valuation._replace(value=value)
    )


def _marked_entry(entry: EntryView, identity: str, portfolio_id: str, base: str) -> EntryView:
    local = entry.currency

    def of(value: Decimal, name: str, unit: str) -> Decimal:
        source = Source(SourceKind.ENTRY, identity, column=name, portfolio_id=portfolio_id)
        label = f"{name.replace('_', ' ')} of {identity} on {entry.security_id}"
        return leaf(value, label, unit, source)

    def maybe(value: Decimal | None, name: str, unit: str) -> Decimal | None:
        return None if value is None else of(value, name, unit)

    def part(one: Part, prefix: str) -> Part:
        lot_id, opened_on, quantity, cost_local, cost_base = one
        return (
            lot_id,
            opened_on,
            of(quantity, f"{prefix}quantity", entry.security_id),
            of(cost_local, f"{prefix}cost_local", local),
            of(cost_base, f"{prefix}cost", base),
        )

    return entry._replace(
        realised_local=maybe(entry.realised_local, "realised_local", local),
        realised_base=maybe(entry.realised_base, "realised", base),
        realised_price=maybe(entry.realised_price, "realised_price", base),
        realised_currency=maybe(entry.realised_currency, "realised_currency", base),
        fx_rate=of(entry.fx_rate, "fx_rate", "") if entry.fx_rate != 1 else entry.fx_rate,
        position_flow=maybe(entry.position_flow, "position_flow", ""),
        matches=tuple(part(one, "matched_") for one in entry.matches),
        opens=tuple(part(one, "") for one in entry.opens),
    )
