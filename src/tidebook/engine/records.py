"""Records: facts as they travel through the log, JSON objects with decimals as strings.

One pair of functions per fact, and nothing else in the product knows these shapes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from tidebook.book.derivation import Source, SourceKind
from tidebook.engine.topics import RAW_MARKET_PRICES, RAW_TRANSACTIONS
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.money import PLACES, WHOLE_DIGITS, ZERO, decimal_text, storable
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ORIGIN: Final = "origin"
"""The field that says where a record was read from, such as ``trades.csv:12``."""
type_by_name = {member.value: member for member in TransactionType}

Record = dict[str, str | bool | None]


def transaction_record(transaction: Transaction) -> Record:
    """Return a transaction as a record of ``raw_transactions``; what is empty is left out."""
    at, day = transaction.traded_at, transaction.trade_date
    record: Record = {
        "transaction_id": transaction.transaction_id,
        "portfolio_id": transaction.portfolio_id,
        "security_id": transaction.security_id,
        "transaction_type": transaction.type.value,
        "transaction_date": at.isoformat() if at is not None else day.isoformat() if day else None,
        "quantity": decimal_text(transaction.quantity),
        "price": decimal_text(transaction.price),
        "gross_transaction_amount": decimal_text(transaction.gross),
        "trade_currency": transaction.trade_currency,
        "currency": transaction.currency,
    }
    if transaction.fee:
        record["trade_fee"] = decimal_text(transaction.fee)
    if transaction.tax:
        record["tax"] = decimal_text(transaction.tax)
    if transaction.accrued_interest:
        record["accrued_interest"] = decimal_text(transaction.accrued_interest)
    if transaction.fx_rate is not None:
        record["transaction_fx_rate"] = decimal_text(transaction.fx_rate)
    if transaction.instrument_id:
        record["instrument_id"] = transaction.instrument_id
    if transaction.settlement_date:
        record["settlement_date"] = transaction.settlement_date.isoformat()
    if transaction.note:
        record["note"] = transaction.note
    return record


def _number(text: str) -> Decimal:
    """Return the number of a field.

    Raises:
        ValueError: When it is not one, or none that can be stored.
    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        msg = f"{text!r} is not a number"
        raise ValueError(msg) from error
    # Plain digits that are few enough need no second look.
    if not (len(text) < PLACES and text.replace(".", "", 1).isdigit()) and not storable(value):
        msg = f"{text} is not finite, or has more than {WHOLE_DIGITS} digits before the point "
        msg += f"or more than {PLACES} after it"
        raise ValueError(msg)
    return value


def transaction_from(record: Mapping[str, str]) -> Transaction:
    """Return the transaction of a ``raw_transactions`` record."""
    get = record.get
    dated = record["transaction_date"]
    whole_day = len(dated) == len("2024-01-31")
    fee, tax, accrued, rate = (
        get("trade_fee"),
        get("tax"),
        get("accrued_interest"),
        get("transaction_fx_rate"),
    )
    settles = get("settlement_date")
    return Transaction(
        record["transaction_id"],
        record["portfolio_id"],
        record["security_id"],
        type_by_name[record["transaction_type"]],
        None if whole_day else datetime.fromisoformat(dated),
        date.fromisoformat(dated) if whole_day else None,
        _number(record["quantity"]),
        _number(record["price"]),
        _number(record["gross_transaction_amount"]),
        record["trade_currency"],
        record["currency"],
        _number(fee) if fee else ZERO,
        _number(tax) if tax else ZERO,
        _number(accrued) if accrued else ZERO,
        _number(rate) if rate else None,
        get("instrument_id", ""),
        date.fromisoformat(settles) if settles else None,
        get("note", ""),
    )


def origins_of(topic: str, records: Iterable[Mapping[str, str]]) -> list[tuple[Source, str]]:
    """Return the facts of a batch that say where they were read from, each with the file and line.

    An origin is no content: the same fact from another file is the same fact.
    """
    return [(_source(topic, record), record[ORIGIN]) for record in records if record.get(ORIGIN)]


def _source(topic: str, record: Mapping[str, str]) -> Source:
    if topic == RAW_TRANSACTIONS:
        return Source(SourceKind.TRANSACTION, record["transaction_id"])
    if topic == RAW_MARKET_PRICES:
        on = date.fromisoformat(record["priceDate"])
        return Source(SourceKind.PRICE, record["securityId"], on)
    on = date.fromisoformat(record["rateDate"])
    return Source(SourceKind.RATE, f"{record['fromCurrency']}/{record['toCurrency']}", on)


def portfolio_record(portfolio: Portfolio) -> Record:
    """Return a portfolio as a record of ``raw_portfolios``."""
    return {
        "portfolioId": portfolio.portfolio_id,
        "name": portfolio.name,
        "baseCurrency": portfolio.base_currency,
        "openDate": portfolio.open_date.isoformat(),
        "closeDate": portfolio.close_date.isoformat() if portfolio.close_date else None,
        "status": portfolio.status,
        "costBasisMethod": portfolio.cost_method.value,
        "settlement": portfolio.settlement.value,
        "timeZone": portfolio.time_zone,
        "allowShort": portfolio.allow_short,
        "riskExposure": portfolio.risk_exposure,
        "investmentTimeHorizon": portfolio.investment_time_horizon,
        "portfolioType": portfolio.portfolio_type,
        "objective": portfolio.objective,
        "bookingCenter": portfolio.booking_center,
        "cifId": portfolio.cif_id,
        "isLeverageAllowed": portfolio.is_leverage_allowed,
        "advisorId": portfolio.advisor_id,
    }


def portfolio_from(record: Mapping[str, str]) -> Portfolio:
    """Return the portfolio of a ``raw_portfolios`` record."""
    closed = record.get("closeDate")
    return Portfolio(
        portfolio_id=record["portfolioId"],
        base_currency=record["baseCurrency"],
        open_date=date.fromisoformat(record["openDate"]),
        name=record["name"],
        status=record["status"],
        cost_method=CostMethod(record["costBasisMethod"]),
        settlement=Settlement(record["settlement"]),
        time_zone=record["timeZone"],
        allow_short=bool(record["allowShort"]),
        risk_exposure=record["riskExposure"],
        investment_time_horizon=record["investmentTimeHorizon"],
        portfolio_type=record["portfolioType"],
        objective=record.get("objective"),
        booking_center=record["bookingCenter"],
        cif_id=record["cifId"],
        is_leverage_allowed=bool(record["isLeverageAllowed"]),
        advisor_id=record.get("advisorId"),
        close_date=date.fromisoformat(closed) if closed else None,
    )


def instrument_record(instrument: Instrument) -> Record:
    """Return an instrument as a record of ``raw_instruments``."""
    return {
        "securityId": instrument.security_id,
        "name": instrument.name,
        "instrumentCurrency": instrument.currency,
        "productType": instrument.product_type,
        "isin": instrument.isin,
        "assetClass": instrument.asset_class,
        "sector": instrument.sector,
        "countryOfRisk": instrument.country_of_risk,
    }


def instrument_from(record: Mapping[str, str]) -> Instrument:
    """Return the instrument of a ``raw_instruments`` record."""
    return Instrument(
        record["securityId"],
        record["name"],
        record["instrumentCurrency"],
        record["productType"],
        record.get("isin"),
        record.get("assetClass"),
        record.get("sector"),
        record.get("countryOfRisk"),
    )


def price_record(price: Price) -> Record:
    """Return a price as a record of ``raw_market_prices``."""
    return {
        "securityId": price.security_id,
        "priceDate": price.on.isoformat(),
        "price": decimal_text(price.price),
        "currency": price.currency,
    }


def price_from(record: Mapping[str, str]) -> Price:
    """Return the price of a ``raw_market_prices`` record."""
    on = date.fromisoformat(record["priceDate"])
    return Price(record["securityId"], on, _number(record["price"]), record["currency"])


def rate_record(rate: Rate) -> Record:
    """Return a rate as a record of ``raw_fx_rates``."""
    return {
        "fromCurrency": rate.source,
        "toCurrency": rate.target,
        "rateDate": rate.on.isoformat(),
        "rate": decimal_text(rate.rate),
    }


def rate_from(record: Mapping[str, str]) -> Rate:
    """Return the rate of a ``raw_fx_rates`` record."""
    on = date.fromisoformat(record["rateDate"])
    return Rate(record["fromCurrency"], record["toCurrency"], on, _number(record["rate"]))
