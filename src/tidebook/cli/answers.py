"""From what the reader answers to rows, totals and notes, one function per command."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.cli.output import Answer, Column, Record
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.views import (
        FindingView,
        Freshness,
        LotsView,
        LotView,
        PositionsView,
        PositionView,
        TransactionsPage,
        TransactionView,
    )
    from tidebook.model.portfolios import Portfolio


def freshness_record(freshness: Freshness) -> Record:
    """Return what an answer rests on."""
    return {
        "as_of": freshness.as_of,
        "known_at": freshness.known_at,
        "generation": freshness.generation,
        "series_generation": freshness.series_generation,
        "valuation_version": freshness.valuation_version,
        "status": freshness.status,
    }


def freshness_note(freshness: Freshness) -> str:
    """Return what an answer rests on, as one line."""
    known = freshness.known_at
    return (
        f"as of {freshness.as_of or 'no day'}, known at {known.isoformat() if known else 'now'}, "
        f"generation {freshness.generation}, {freshness.status.lower()}"
    )


def positions_answer(view: PositionsView, security_id: str | None = None) -> Answer:
    """Return a portfolio's positions with their totals and coverage.

    With a security named, only its position is listed; the totals remain those of the portfolio.
    """
    base = view.portfolio.base_currency
    records = [
        _position_record(position)
        for position in view.positions
        if security_id in {None, position.security_id}
    ]
    total: Record = {
        "security_id": "portfolio",
        "market_value_base": view.market_value_base,
        "cost_base": view.cost_base,
        "unrealised_base": view.unrealised_base,
        "realised_base": view.realised_base,
    }
    margined = _on_margin(view)
    counted = (Column("counted_value_base", f"counted {base}", "amount"),) if margined else ()
    covered = "nothing to cover" if view.coverage is None else decimal_text(view.coverage)
    reasons = tuple(
        f"{position.security_id}: {position.valuation.reason}"
        for position in view.positions
        if position.valuation.reason
    )
    return Answer(
        title_of("positions", view.portfolio),
        (
            Column("security_id", "security"),
            Column("name", "name"),
            Column("quantity", "quantity", "exact"),
            Column("price", "price", "exact"),
            Column("price_currency", ""),
            Column("price_date", "price of"),
            Column("cost_base", f"cost {base}", "amount"),
            Column("market_value_base", f"value {base}", "amount"),
            *counted,
            Column("unrealised_base", f"unrealised {base}", "amount"),
            Column("realised_base", f"realised {base}", "amount"),
        ),
        records,
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "base_currency": base,
            "freshness": {**freshness_record(view.freshness), "coverage": view.coverage},
            "positions": records,
            "totals": {name: value for name, value in total.items() if name != "security_id"},
        },
        {**total, "counted_value_base": view.market_value_base},
        (
            f"{freshness_note(view.freshness)}, coverage {covered}",
            *margined,
            *reasons,
        ),
    )


def _on_margin(view: PositionsView) -> tuple[str, ...]:
    """Return why cost and value of some positions are not in the total, where there are any."""
    held = [one.security_id for one in view.positions if one.instrument.is_margined]
    if not held:
        return ()
    named = ", ".join(held)
    return (f"held on margin, {named} cost nothing and count in the total with their gain",)


def _position_record(position: PositionView) -> Record:
    valuation, value = position.valuation, position.valuation.value
    quote = valuation.quote
    return {
        "security_id": position.security_id,
        "name": position.instrument.name,
        "currency": position.instrument.currency,
        "quantity": position.quantity,
        "cost_local": position.cost_local,
        "cost_base": position.cost_base,
        "price": quote.price if quote else None,
        "price_currency": quote.currency if quote else None,
        "price_date": quote.on if quote else None,
        "rate_to_base": valuation.rate_to_base,
        "market_value_local": value.local if value else None,
        "market_value_base": value.base if value else None,
        "counted_value_base": value.counted_base if value else None,
        "unrealised_local": value.unrealised_local if value else None,
        "unrealised_base": value.unrealised_base if value else None,
        "realised_local": position.realised_local,
        "realised_base": position.realised_base,
        "position_date": position.position_date,
        "epoch": position.epoch,
        "reprocessing": position.reprocessing,
        "valuation_status": str(valuation.status),
        "valuation_reason": valuation.reason,
    }


def lots_answer(view: LotsView) -> Answer:
    """Return a portfolio's open lots."""
    portfolio, freshness = view.portfolio, view.freshness
    base = portfolio.base_currency
    records = [_lot_record(lot) for lot in view.lots]
    total: Record = {
        "security_id": "total",
        "cost_base": sum_of(records, "cost_base"),
        "unrealised_base": None
        if any(lot.value is None for lot in view.lots)
        else sum_of(records, "unrealised_base"),
    }
    reasons = sorted({f"{lot.security_id}: {lot.reason}" for lot in view.lots if lot.reason})
    return Answer(
        title_of("open lots", portfolio),
        (
            Column("security_id", "security"),
            Column("lot_id", "lot"),
            Column("opened_on", "opened"),
            Column("quantity", "quantity", "exact"),
            Column("unit_cost_local", "unit cost", "amount"),
            Column("cost_local", "cost", "amount"),
            Column("currency", ""),
            Column("cost_base", f"cost {base}", "amount"),
            Column("unrealised_base", f"unrealised {base}", "amount"),
            Column("days_held", "days", "exact"),
            Column("term", "term"),
            Column("long_term_from", "long from"),
        ),
        records,
        {
            "portfolio_id": portfolio.portfolio_id,
            "base_currency": base,
            "freshness": freshness_record(freshness),
            "lots": records,
            "totals": {name: value for name, value in total.items() if name != "security_id"},
        },
        total,
        (*reasons, freshness_note(freshness)),
    )


def _lot_record(lot: LotView) -> Record:
    value = lot.value
    fields = {**lot._asdict(), **lot.held._asdict(), "term": lot.held.term.value}
    del fields["held"], fields["value"], fields["reason"]
    return {
        **fields,
        "market_value_local": value.local if value else None,
        "market_value_base": value.base if value else None,
        "unrealised_local": value.unrealised_local if value else None,
        "unrealised_base": value.unrealised_base if value else None,
        "reason": lot.reason,
    }


def transactions_answer(page: TransactionsPage) -> Answer:
    """Return a page of a portfolio's transactions."""
    records = [_transaction_record(view) for view in page.transactions]
    shown = f"{len(records)} of {page.total} transactions, skipping {page.skip}"
    return Answer(
        title_of("transactions", page.portfolio),
        (
            Column("business_date", "date"),
            Column("transaction_id", "transaction"),
            Column("version", "version", "exact"),
            Column("type", "type"),
            Column("security_id", "security"),
            Column("quantity", "quantity", "exact"),
            Column("price", "price", "exact"),
            Column("gross_transaction_amount", "gross", "amount"),
            Column("trade_currency", ""),
            Column("realised_base", f"realised {page.portfolio.base_currency}", "amount"),
            Column("status", "status"),
        ),
        records,
        {
            "portfolio_id": page.portfolio.portfolio_id,
            "base_currency": page.portfolio.base_currency,
            "freshness": freshness_record(page.freshness),
            "total": page.total,
            "skip": page.skip,
            "limit": page.limit,
            "transactions": records,
        },
        None,
        (shown, freshness_note(page.freshness)),
    )


def _transaction_record(view: TransactionView) -> Record:
    transaction = view.transaction
    gaining = view.gaining
    return {
        "transaction_id": transaction.transaction_id,
        "version": view.version,
        "business_date": view.business_date,
        "traded_at": transaction.traded_at,
        "type": str(transaction.type),
        "security_id": transaction.security_id,
        "quantity": transaction.quantity,
        "price": transaction.price,
        "gross_transaction_amount": transaction.gross,
        "trade_fee": transaction.fee,
        "tax": transaction.tax,
        "accrued_interest": transaction.accrued_interest,
        "trade_currency": transaction.trade_currency,
        "currency": transaction.currency,
        "realised_local": gaining.realised_local if gaining else None,
        "realised_base": gaining.realised_base if gaining else None,
        "recorded_at": view.recorded_at,
        "status": view.status,
        "findings": "; ".join(finding.sentence for finding in view.findings) or None,
    }


def findings_answer(portfolio_id: str, findings: Sequence[FindingView]) -> Answer:
    """Return what is to be said about a portfolio's facts."""
    records = [finding_record(view) for view in findings]
    waiting = sum(record["severity"] == "waiting" for record in records)
    return Answer(
        f"findings of portfolio {portfolio_id}",
        (
            Column("business_date", "date"),
            Column("transaction_id", "transaction"),
            Column("severity", "severity"),
            Column("code", "code"),
            Column("sentence", "finding"),
            Column("remedy", "remedy"),
        ),
        records,
        {"portfolio_id": portfolio_id, "findings": records},
        None,
        (f"{waiting} waiting, {len(records) - waiting} warnings",),
    )


def finding_record(view: FindingView) -> Record:
    """Return one finding."""
    finding = view.finding
    return {
        "transaction_id": finding.transaction_id,
        "portfolio_id": view.portfolio_id,
        "security_id": view.security_id,
        "business_date": view.business_date,
        "severity": str(finding.severity),
        "code": finding.code,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "waits_for": finding.waits_for,
    }


def sum_of(records: Sequence[Record], field: str) -> Decimal:
    """Return the exact sum of a field; rows in which it is undefined count nothing."""
    with exact():
        values = (record[field] for record in records)
        return sum((value for value in values if isinstance(value, Decimal)), ZERO)


def title_of(what: str, portfolio: Portfolio) -> str:
    """Return the heading of an answer about a portfolio."""
    name = f" ({portfolio.name})" if portfolio.name else ""
    return f"{what} of portfolio {portfolio.portfolio_id}{name}"
