"""Cash accounts that need no introduction."""

from __future__ import annotations

import pytest

from tidebook.model.instruments import (
    Instrument,
    built_in_instrument,
    cash_account,
    listed_option,
)


def test_a_cash_account_is_named_after_its_currency() -> None:
    assert cash_account("USD") == "CASH_USD"
    assert built_in_instrument("CASH_USD", "EUR") == Instrument(
        "CASH_USD", "Cash USD", "USD", "Cash", asset_class="Cash"
    )


def test_plain_cash_is_in_the_currency_of_the_transaction() -> None:
    found = built_in_instrument("CASH", "EUR")
    assert found is not None
    assert (found.security_id, found.currency) == ("CASH", "EUR")


@pytest.mark.parametrize("currency", ["USDT", "BTC", "1INCH", "SHIBDOGE12"])
def test_coins_have_cash_accounts_too(currency: str) -> None:
    found = built_in_instrument(cash_account(currency), "USD")
    assert found is not None
    assert found.currency == currency


@pytest.mark.parametrize(
    "security_id", ["", "cash", "CASH_", "CASH_us", "CASHUSD", "XCASH_USD", "CASH_USD\n", "CASH_EU"]
)
def test_nothing_else_is_a_cash_account(security_id: str) -> None:
    assert built_in_instrument(security_id, "USD") is None


@pytest.mark.parametrize(
    ("product_type", "is_cash"), [("Cash", True), ("CASH", True), ("Bond", False)]
)
def test_the_product_type_says_what_is_cash(product_type: str, is_cash: bool) -> None:
    assert Instrument("X", "X", "USD", product_type).is_cash is is_cash


@pytest.mark.parametrize(
    "symbol", ["ACME", "ACME1 240621C00040000", "ACME  240631C00040000", "ACME  240621X00040000"]
)
def test_a_symbol_that_names_no_contract_on_a_hundred_shares_is_none(symbol: str) -> None:
    assert listed_option(symbol, "USD") is None


def test_a_put_may_be_written_without_padding() -> None:
    found = listed_option("SPX270115P04000000", "USD")
    assert found is not None
    assert (found.underlying_id, found.option_right, found.strike) == ("SPX", "PUT", 4000)
