"""Records: facts as they travel through the log, JSON objects with decimals as strings.

One pair of functions per fact, and nothing else in the product knows these shapes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, cast

from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import (
    LotChoice,
    Price,
    Rate,
    Transaction,
    TransactionType,
    cancellation,
)
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.money import ONE, PLACES, WHOLE_DIGITS, ZERO, decimal_text, storable
from tidebook.model.portfolios import CostMethod, MethodChange, Portfolio, Settlement, TaxRates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.model.cancellations import Cancellation

ORIGIN: Final = "origin"
"""The field that says where a record was read from, such as ``trades.csv:12``."""
type_by_name = {member.value: member for member in TransactionType}

Record = dict[str, str | bool | list[dict[str, str]] | None]

CANCELLED = "cancelled"
"""The field that says of a record that the fact which it names never happened."""

_NO_RATES = TaxRates()
_PLAIN_FIELDS = Transaction._fields.index("lots")
_NO_CHOICES = ((), "", "", ZERO)


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
    if transaction[_PLAIN_FIELDS:] != _NO_CHOICES:
        record |= _choices(transaction)
    return record


def _choices(transaction: Transaction) -> Record:
    """Return the fields that few transactions have."""
    record: Record = {}
    if transaction.lots:
        record["lots"] = [
            {"lot_id": choice.lot_id, "quantity": decimal_text(choice.quantity)}
            for choice in transaction.lots
        ]
    if transaction.to_portfolio_id:
        record["to_portfolio_id"] = transaction.to_portfolio_id
    if transaction.to_security_id:
        record["to_security_id"] = transaction.to_security_id
    if transaction.to_quantity:
        record["to_quantity"] = decimal_text(transaction.to_quantity)
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
    """Return the transaction of a ``raw_transactions`` record, or the fact that it never was."""
    if record.get(CANCELLED):
        on = date.fromisoformat(record["transaction_date"])
        return cancellation(record["transaction_id"], record["portfolio_id"], on)
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
    transaction = Transaction(
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
    if (
        "lots" in record
        or "to_security_id" in record
        or "to_portfolio_id" in record
        or "to_quantity" in record
    ):
        return _with_choices(transaction, record)
    return transaction


def _with_choices(transaction: Transaction, record: Mapping[str, str]) -> Transaction:
    """Return a transaction with the fields that few have."""
    return transaction._replace(
        lots=tuple(
            LotChoice(row["lot_id"], _number(row["quantity"])) for row in _rows(record, "lots")
        ),
        to_portfolio_id=record.get("to_portfolio_id", ""),
        to_security_id=record.get("to_security_id", ""),
        to_quantity=_number(record.get("to_quantity", "0")),
    )


def _rows(record: Mapping[str, str], name: str) -> list[Mapping[str, str]]:
    # A list is the one value of a record that is no text.
    return cast("list[Mapping[str, str]]", record.get(name, ()))


def portfolio_record(portfolio: Portfolio) -> Record:
    """Return a portfolio as a record of ``raw_portfolios``; rules that are not set are left out."""
    record: Record = {
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
    if portfolio.cost_method_changes:
        record["costBasisMethodChanges"] = [
            {"from": change.on.isoformat(), "method": change.method.value}
            for change in portfolio.cost_method_changes
        ]
    if portfolio.taxpayer_id:
        record["taxpayerId"] = portfolio.taxpayer_id
    rates = portfolio.tax_rates
    if rates != _NO_RATES:
        record["shortTermTaxRate"] = decimal_text(rates.short_term)
        record["longTermTaxRate"] = decimal_text(rates.long_term)
        record["longTermMonths"] = str(rates.long_term_months)
    return record


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
        cost_method_changes=tuple(
            MethodChange(date.fromisoformat(row["from"]), CostMethod(row["method"]))
            for row in _rows(record, "costBasisMethodChanges")
        ),
        taxpayer_id=record.get("taxpayerId", ""),
        tax_rates=_tax_rates(record),
    )


def _tax_rates(record: Mapping[str, str]) -> TaxRates:
    if "longTermMonths" not in record:
        return _NO_RATES
    return TaxRates(
        _number(record["shortTermTaxRate"]),
        _number(record["longTermTaxRate"]),
        int(record["longTermMonths"]),
    )


def instrument_record(instrument: Instrument) -> Record:
    """Return an instrument as a record of ``raw_instruments``; terms it has not are left out."""
    record: Record = {
        "securityId": instrument.security_id,
        "name": instrument.name,
        "instrumentCurrency": instrument.currency,
        "productType": instrument.product_type,
        "isin": instrument.isin,
        "assetClass": instrument.asset_class,
        "sector": instrument.sector,
        "countryOfRisk": instrument.country_of_risk,
    }
    if instrument.multiplier != ONE:
        record["multiplier"] = decimal_text(instrument.multiplier)
    if instrument.underlying_id:
        record["underlyingId"] = instrument.underlying_id
    if instrument.option_right is not None:
        record["optionRight"] = instrument.option_right.value
    if instrument.strike is not None:
        record["strike"] = decimal_text(instrument.strike)
    if instrument.expires_on is not None:
        record["expiresOn"] = instrument.expires_on.isoformat()
    return record


def instrument_from(record: Mapping[str, str]) -> Instrument:
    """Return the instrument of a ``raw_instruments`` record."""
    right, strike, expires = (
        record.get("optionRight"),
        record.get("strike"),
        record.get("expiresOn"),
    )
    return Instrument(
        record["securityId"],
        record["name"],
        record["instrumentCurrency"],
        record["productType"],
        record.get("isin"),
        record.get("assetClass"),
        record.get("sector"),
        record.get("countryOfRisk"),
        _number(record["multiplier"]) if "multiplier" in record else ONE,
        record.get("underlyingId", ""),
        OptionRight(right) if right else None,
        _number(strike) if strike else None,
        date.fromisoformat(expires) if expires else None,
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


def action_record(action: CorporateAction) -> Record:
    """Return an action as a record of ``raw_corporate_actions``; what is empty is left out."""
    record: Record = {
        "actionId": action.action_id,
        "actionType": action.type.value,
        "securityId": action.security_id,
        "exDate": action.ex_date.isoformat(),
        "newUnits": decimal_text(action.new_units),
        "oldUnits": decimal_text(action.old_units),
    }
    if action.to_security_id:
        record["toSecurityId"] = action.to_security_id
    if action.cost_fraction is not None:
        record["costFraction"] = decimal_text(action.cost_fraction)
    if action.cash_per_unit:
        record["cashPerUnit"] = decimal_text(action.cash_per_unit)
    if action.cash_currency:
        record["cashCurrency"] = action.cash_currency
    if action.portfolio_id:
        record["portfolioId"] = action.portfolio_id
    if action.note:
        record["note"] = action.note
    return record


def action_from(record: Mapping[str, str]) -> CorporateAction:
    """Return the action of a ``raw_corporate_actions`` record."""
    fraction = record.get("costFraction")
    return CorporateAction(
        record["actionId"],
        ActionType(record["actionType"]),
        record["securityId"],
        date.fromisoformat(record["exDate"]),
        _number(record["newUnits"]),
        _number(record["oldUnits"]),
        record.get("toSecurityId", ""),
        _number(fraction) if fraction else None,
        _number(record.get("cashPerUnit", "0")),
        record.get("cashCurrency", ""),
        record.get("portfolioId", ""),
        record.get("note", ""),
    )


def business_date_record(on: date) -> Record:
    """Return a business date as a record of ``raw_business_dates``."""
    return {"businessDate": on.isoformat()}


def business_date_from(record: Mapping[str, str]) -> date:
    """Return the day of a ``raw_business_dates`` record."""
    return date.fromisoformat(record["businessDate"])


def cancellation_record(cancelled: Cancellation, on: date) -> Record:
    """Return a cancellation as a record of the topic of what it cancels.

    Args:
        cancelled: What never happened.
        on: The day on which the cancellation was recorded; a transaction's next version has it.
    """
    match cancelled:
        case TransactionRef(transaction_id, portfolio_id):
            return {
                "transaction_id": transaction_id,
                "portfolio_id": portfolio_id,
                CANCELLED: True,
                "transaction_date": on.isoformat(),
            }
        case ActionRef(action_id):
            return {"actionId": action_id, CANCELLED: True}
        case PriceRef(security_id, day):
            return {"securityId": security_id, "priceDate": day.isoformat(), CANCELLED: True}
        case RateRef(source, target, day):
            pair: Record = {"fromCurrency": source, "toCurrency": target}
            return pair | {"rateDate": day.isoformat(), CANCELLED: True}
        case BusinessDateRef(day):
            return {"businessDate": day.isoformat(), CANCELLED: True}
        case AssertionRef(assertion_id):
            return {"assertionId": assertion_id, CANCELLED: True}


def price_ref(record: Mapping[str, str]) -> PriceRef:
    """Return the price that a record of ``raw_market_prices`` is about."""
    return PriceRef(record["securityId"], date.fromisoformat(record["priceDate"]))


def rate_ref(record: Mapping[str, str]) -> RateRef:
    """Return the rate that a record of ``raw_fx_rates`` is about."""
    on = date.fromisoformat(record["rateDate"])
    return RateRef(record["fromCurrency"], record["toCurrency"], on)


def assertion_record(assertion: BalanceAssertion) -> Record:
    """Return a balance assertion as a record of ``raw_balance_assertions``."""
    return {
        "assertionId": assertion.assertion_id,
        "portfolioId": assertion.portfolio_id,
        "securityId": assertion.security_id,
        "assertionDate": assertion.on.isoformat(),
        "quantity": decimal_text(assertion.quantity),
        "tolerance": decimal_text(assertion.tolerance),
        "source": assertion.source,
        "note": assertion.note,
        "isCancelled": assertion.is_cancelled,
    }


def assertion_from(record: Mapping[str, str]) -> BalanceAssertion:
    """Return the balance assertion of a ``raw_balance_assertions`` record."""
    return BalanceAssertion(
        record["assertionId"],
        record["portfolioId"],
        record["securityId"],
        date.fromisoformat(record["assertionDate"]),
        _number(record["quantity"]),
        _number(record["tolerance"]),
        record["source"],
        record["note"],
        bool(record["isCancelled"]),
    )
