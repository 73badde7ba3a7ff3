"""The shapes of the query answers: from views to JSON, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.replies import (
    Json,
    amount,
    amount_or_null,
    day_or_null,
    instant,
    instant_or_null,
)
from tidebook.engine.measuring.performance import day_coverage

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.book.series import PortfolioDay
    from tidebook.book.valuation import Valuation
    from tidebook.engine.views import (
        EntryView,
        FindingView,
        Freshness,
        HistoryView,
        LotView,
        PositionsView,
        PositionView,
        SeriesView,
        TransactionsPage,
        TransactionView,
    )
    from tidebook.model.facts import Price, Rate
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio


def freshness_of(freshness: Freshness) -> Json:
    """Return what an answer rests on."""
    return {
        "as_of": day_or_null(freshness.as_of),
        "known_at": instant_or_null(freshness.known_at),
        "generation": freshness.generation,
        "series_generation": freshness.series_generation,
        "valuation_version": freshness.valuation_version,
        "status": freshness.status,
    }


def covered(freshness: Freshness, coverage: Decimal | None) -> Json:
    """Return what an answer rests on, with how much of the value was priced."""
    return {**freshness_of(freshness), "coverage": amount_or_null(coverage)}


def portfolio_of(portfolio: Portfolio) -> Json:
    """Return a portfolio under the names of its ingestion."""
    return {
        "portfolio_id": portfolio.portfolio_id,
        "name": portfolio.name,
        "base_currency": portfolio.base_currency,
        "open_date": portfolio.open_date.isoformat(),
        "close_date": day_or_null(portfolio.close_date),
        "risk_exposure": portfolio.risk_exposure,
        "investment_time_horizon": portfolio.investment_time_horizon,
        "portfolio_type": portfolio.portfolio_type,
        "objective": portfolio.objective,
        "booking_center": portfolio.booking_center,
        "cif_id": portfolio.cif_id,
        "is_leverage_allowed": portfolio.is_leverage_allowed,
        "advisor_id": portfolio.advisor_id,
        "status": portfolio.status,
        "cost_basis_method": portfolio.cost_method.value,
        "settlement": portfolio.settlement.value,
        "time_zone": portfolio.time_zone,
        "allow_short": portfolio.allow_short,
        "cost_basis_method_changes": [
            {"from": change.on.isoformat(), "method": change.method.value}
            for change in portfolio.cost_method_changes
        ],
        "taxpayer_id": portfolio.taxpayer_id,
        "short_term_tax_rate": amount(portfolio.tax_rates.short_term),
        "long_term_tax_rate": amount(portfolio.tax_rates.long_term),
        "long_term_months": portfolio.tax_rates.long_term_months,
    }


def positions_of(view: PositionsView) -> Json:
    """Return a portfolio's positions, their total, and how much of it was priced."""
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "base_currency": view.portfolio.base_currency,
        "positions": [_position(position) for position in view.positions],
        "totals": {
            "market_value": amount(view.market_value_base),
            "cost_basis": amount(view.cost_base),
            "unrealized_gain_loss": amount_or_null(view.unrealised_base),
            "realized_gain_loss": amount(view.realised_base),
        },
        "freshness": covered(view.freshness, view.coverage),
    }


def _position(position: PositionView) -> Json:
    instrument = position.instrument
    return {
        "security_id": position.security_id,
        "quantity": amount(position.quantity),
        "instrument_name": instrument.name,
        "isin": instrument.isin,
        "currency": instrument.currency,
        "asset_class": instrument.asset_class,
        "position_date": position.position_date.isoformat(),
        "cost_basis": amount(position.cost_base),
        "cost_basis_local": amount(position.cost_local),
        "realized_gain_loss": amount(position.realised_base),
        "realized_gain_loss_local": amount(position.realised_local),
        "valuation": valuation_of(position.valuation),
        "epoch": position.epoch,
        "reprocessing_status": "REPROCESSING" if position.reprocessing else "CURRENT",
    }


def valuation_of(valuation: Valuation) -> Json:
    """Return a valuation; what is undefined is null, and ``reason`` says why."""
    quote, value = valuation.quote, valuation.value
    return {
        "market_price": None if quote is None else amount(quote.price),
        "price_date": None if quote is None else quote.on.isoformat(),
        "price_currency": None if quote is None else quote.currency,
        "fx_rate": amount_or_null(valuation.rate_to_base),
        "market_value": None if value is None else amount(value.base),
        "counted_value": None if value is None else amount(value.counted_base),
        "unrealized_gain_loss": None if value is None else amount(value.unrealised_base),
        "market_value_local": None if value is None else amount(value.local),
        "unrealized_gain_loss_local": None if value is None else amount(value.unrealised_local),
        "status": valuation.status.value,
        "reason": valuation.reason,
    }


def history_of(view: HistoryView) -> Json:
    """Return how a position came to be, change by change."""
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "security_id": view.security_id,
        "positions": [
            {
                "position_date": change.on.isoformat(),
                "transaction_id": change.transaction_id,
                "type": change.type.value,
                "leg": change.leg,
                "quantity": amount(change.quantity),
                "cost_basis": amount(change.cost_base),
                "cost_basis_local": amount(change.cost_local),
                "valuation": valuation_of(valuation),
                "epoch": change.epoch,
            }
            for change, valuation in view.changes
        ],
        "freshness": freshness_of(view.freshness),
    }


def lot_of(lot: LotView) -> Json:
    """Return one open lot; ``reason`` says why what it is worth is null."""
    value = lot.value
    return {
        "security_id": lot.security_id,
        "lot_id": lot.lot_id,
        "opened_on": lot.opened_on.isoformat(),
        "quantity": amount(lot.quantity),
        "cost_basis": amount(lot.cost_base),
        "cost_basis_local": amount(lot.cost_local),
        "unit_cost": amount(lot.unit_cost_base),
        "unit_cost_local": amount(lot.unit_cost_local),
        "currency": lot.currency,
        "days_held": lot.held.days_held,
        "term": lot.held.term.value,
        "long_term_from": day_or_null(lot.held.long_term_from),
        "market_value": None if value is None else amount(value.base),
        "market_value_local": None if value is None else amount(value.local),
        "unrealized_gain_loss": None if value is None else amount(value.unrealised_base),
        "unrealized_gain_loss_local": None if value is None else amount(value.unrealised_local),
        "reason": lot.reason,
    }


def transactions_of(page: TransactionsPage) -> Json:
    """Return a page of transactions and what each did to the book."""
    return {
        "portfolio_id": page.portfolio.portfolio_id,
        "total": page.total,
        "skip": page.skip,
        "limit": page.limit,
        "transactions": [transaction_of(view) for view in page.transactions],
        "freshness": freshness_of(page.freshness),
    }


def transaction_of(view: TransactionView) -> Json:
    """Return a transaction, what it did to the book, and what is to be said about it."""
    fact = view.transaction
    main, gaining, flowing = view.main, view.gaining, view.flowing
    when = fact.traded_at
    return {
        "transaction_id": fact.transaction_id,
        "transaction_date": day_or_null(fact.trade_date) if when is None else instant(when),
        "business_date": view.business_date.isoformat(),
        "settlement_date": day_or_null(fact.settlement_date),
        "transaction_type": fact.type.value,
        "instrument_id": fact.instrument_id,
        "security_id": fact.security_id,
        "quantity": amount(fact.quantity),
        "price": amount(fact.price),
        "gross_transaction_amount": amount(fact.gross),
        "trade_currency": fact.trade_currency,
        "currency": fact.currency,
        "trade_fee": amount(fact.fee),
        "tax": amount(fact.tax),
        "accrued_interest": amount(fact.accrued_interest),
        "transaction_fx_rate": amount_or_null(fact.fx_rate if main is None else main.fx_rate),
        "net_cost": None if main is None else amount(main.cost_base),
        "net_cost_local": None if main is None else amount(main.cost_local),
        "realized_gain_loss": None if gaining is None else amount_or_null(gaining.realised_base),
        "realized_gain_loss_local": (
            None if gaining is None else amount_or_null(gaining.realised_local)
        ),
        "cashflow": None if flowing is None else _cashflow(flowing),
        "lots": [
            {"lot_id": choice.lot_id, "quantity": amount(choice.quantity)} for choice in fact.lots
        ],
        "to_portfolio_id": fact.to_portfolio_id,
        "to_security_id": fact.to_security_id,
        "to_quantity": amount(fact.to_quantity),
        "note": fact.note,
        "version": view.version,
        "status": view.status,
        "recorded_at": instant(view.recorded_at),
        "entries": [entry_of(entry) for entry in view.entries],
        "findings": [finding_of(finding) for finding in view.findings],
    }


def _cashflow(entry: EntryView) -> Json | None:
    if entry.classification is None:
        return None
    return {
        "amount": amount_or_null(entry.cash_amount),
        "position_flow": amount_or_null(entry.position_flow),
        "currency": entry.currency,
        "classification": entry.classification,
        "timing": entry.timing,
        "is_position_flow": True,
        "is_portfolio_flow": entry.is_portfolio_flow,
        "calculationType": "NET",
    }


def entry_of(entry: EntryView) -> Json:
    """Return what one fact did to one key."""
    return {
        "security_id": entry.security_id,
        "leg": entry.leg,
        "epoch": entry.epoch,
        "quantity": amount(entry.quantity),
        "cost_basis": amount(entry.cost_base),
        "cost_basis_local": amount(entry.cost_local),
        "realized_gain_loss": amount_or_null(entry.realised_base),
        "realized_gain_loss_local": amount_or_null(entry.realised_local),
        "realized_price_effect": amount_or_null(entry.realised_price),
        "realized_fx_effect": amount_or_null(entry.realised_currency),
        "fx_rate": amount(entry.fx_rate),
        "currency": entry.currency,
        "matches": [
            {
                "lot_id": lot_id,
                "opened_on": opened_on.isoformat(),
                "quantity": amount(quantity),
                "cost_local": amount(cost_local),
                "cost_base": amount(cost_base),
            }
            for lot_id, opened_on, quantity, cost_local, cost_base in entry.matches
        ],
    }


def finding_of(finding: Finding) -> Json:
    """Return a finding: what is wrong with a fact, and what would put it right."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "transaction_id": finding.transaction_id,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "waits_for": finding.waits_for,
    }


def placed_finding_of(view: FindingView) -> Json:
    """Return an open finding and the key it is about."""
    return {
        **finding_of(view.finding),
        "portfolio_id": view.portfolio_id,
        "security_id": view.security_id,
        "business_date": view.business_date.isoformat(),
        "recorded_at": instant(view.recorded_at),
    }


def series_json(view: SeriesView) -> Json:
    """Return the daily series of a portfolio, in base currency."""
    last = view.days[-1] if view.days else None
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "base_currency": view.portfolio.base_currency,
        "inception": day_or_null(view.inception),
        "days": [_day(day) for day in view.days],
        "freshness": covered(view.freshness, None if last is None else day_coverage(last)),
    }


def _day(day: PortfolioDay) -> Json:
    return {
        "date": day.on.isoformat(),
        "bod_market_value": amount(day.bod_market_value),
        "bod_cashflow": amount(day.bod_cashflow),
        "eod_cashflow": amount(day.eod_cashflow),
        "eod_market_value": amount(day.eod_market_value),
        "fees": amount(day.fees),
        "unpriced_cost": amount(day.unpriced_cost),
    }


def instrument_of(instrument: Instrument) -> Json:
    """Return an instrument."""
    return {
        "security_id": instrument.security_id,
        "name": instrument.name,
        "isin": instrument.isin,
        "currency": instrument.currency,
        "product_type": instrument.product_type,
        "asset_class": instrument.asset_class,
        "sector": instrument.sector,
        "country_of_risk": instrument.country_of_risk,
        "multiplier": amount(instrument.multiplier),
        "underlying_id": instrument.underlying_id,
        "option_right": None if instrument.option_right is None else instrument.option_right.value,
        "strike": amount_or_null(instrument.strike),
        "expires_on": day_or_null(instrument.expires_on),
    }


def price_of(price: Price) -> Json:
    """Return a closing price."""
    return {
        "security_id": price.security_id,
        "price_date": price.on.isoformat(),
        "price": amount(price.price),
        "currency": price.currency,
    }


def rate_of(rate: Rate) -> Json:
    """Return a quoted exchange rate: units of the one currency for one of the other."""
    return {
        "from_currency": rate.source,
        "to_currency": rate.target,
        "rate_date": rate.on.isoformat(),
        "rate": amount(rate.rate),
    }
