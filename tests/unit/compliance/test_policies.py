"""What is stated of accounts: from which day on it holds, and what a broker may not loosen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.compliance.scenes import held, standing, trade, verdicts
from tidebook.adapters.postgres.verdict_text import policy_from, policy_text
from tidebook.compliance.policies import (
    AccountPolicy,
    accounts_of,
    superficial_window_days,
    wash_window_days,
)
from tidebook.compliance.trades import (
    Account,
    AccountType,
    BrokerPolicy,
    DayTraderReset,
    DayTraderTerms,
    SecurityTerms,
)
from tidebook.compliance.verdicts import Status

D = Decimal
MAY, JUNE, JULY = date(2025, 5, 1), date(2025, 6, 1), date(2025, 7, 1)
CASH = AccountPolicy(AccountType.CASH, effective_from=JUNE)


def stated(**params: str) -> Account:
    named = {name.replace("__", "."): D(value) for name, value in params.items()}
    return Account("A", policy=BrokerPolicy("A", params=named))


def test_a_statement_takes_the_place_of_those_for_the_same_and_later_days() -> None:
    july = AccountPolicy(AccountType.PORTFOLIO_MARGIN, effective_from=JULY).after(CASH)
    assert [one.effective_from for one in july.dated] == [JUNE, JULY]
    may = AccountPolicy(effective_from=MAY).after(july)
    assert [one.effective_from for one in may.dated] == [MAY]


def test_before_the_first_statement_an_account_is_an_ordinary_one() -> None:
    accounts = accounts_of("A", "USD", CASH, keeps_cash=True)
    assert [(since, one.type) for since, one in accounts] == [
        (date.min, AccountType.MARGIN),
        (JUNE, AccountType.CASH),
    ]


def test_a_policy_is_read_as_it_was_kept() -> None:
    terms = DayTraderTerms(MAY, (DayTraderReset(JULY, "desk", "asked"),))
    policy = AccountPolicy(
        mark_to_market_from=MAY,
        digital_assets_from=JUNE,
        day_trader=terms,
        securities={"X": SecurityTerms("I", D(2), is_marginable=False, delta=D("-0.5"))},
        orders={"t": "o"},
        effective_from=JULY,
    ).after(CASH)
    assert policy_from(policy_text(policy)) == policy


def test_a_policy_that_was_kept_before_there_was_more_to_state_is_read() -> None:
    kept = (
        '{"type":"cash","jurisdiction":"US","day_trade_regime":null,"confirmed_on":null,'
        '"params":{},"limits":[],"restricted":[],"equity_elsewhere":null,"tax_kind":"taxable",'
        '"owner":"self","household_id":"","identical":{}}'
    )
    assert policy_from(kept) == AccountPolicy(AccountType.CASH)


@pytest.mark.parametrize(("days", "window"), [("40", 40), ("1", 30), ("30", 30)])
def test_a_window_is_never_shorter_than_the_laws(days: str, window: int) -> None:
    policies = [
        AccountPolicy(
            params={
                "wash_sale_us.window_days": D(days),
                "superficial_loss_ca.window_days": D(days),
            }
        ),
        AccountPolicy(),
    ]
    assert wash_window_days(policies) == superficial_window_days(policies) == window


@pytest.mark.parametrize(("rate", "required"), [("0.1", 500), ("0.8", 800)])
def test_initial_margin_is_raised_by_a_broker_and_never_lowered(rate: str, required: int) -> None:
    account = stated(reg_t_initial__long=rate)
    found = verdicts(trade("buy 10 X at 100"), account)["reg_t_initial"]
    assert found.amount("required") == D(required)


@pytest.mark.parametrize(("least", "status"), [("1", Status.FAIL), ("9000", Status.FAIL)])
def test_the_smallest_equity_is_raised_by_a_broker_and_never_lowered(
    least: str, status: Status
) -> None:
    account = stated(minimum_equity__equity_min=least)
    equity = "1999" if least == "1" else "8999"
    found = verdicts(trade("buy 200 X at 100"), account, standing(equity))["minimum_equity"]
    assert found.status is status


def test_what_is_not_marginable_and_held_takes_its_whole_value() -> None:
    penny = held("PENNY", "50", "100")._replace(is_marginable=False)
    found = verdicts(trade("buy 10 X at 100"), stands=standing("6000", penny))["reg_t_initial"]
    # 6,000 of equity less the 5,000 of what is held in full, and 500 are asked.
    assert (found.status, found.amount("available")) == (Status.PASS, D(1000))


def test_a_long_account_is_told_at_which_value_it_is_called() -> None:
    found = verdicts(trade("buy 400 X at 100"), stands=standing("20000"))["maintenance_margin"]
    # 20,000 are borrowed on 40,000: 20,000 / (1 - 0.25).
    called = found.amount("call_below")
    assert called is not None
    assert round(called, 2) == D("26666.67")
    unlevered = verdicts(trade("buy 100 X at 100"), stands=standing("20000"))
    assert unlevered["maintenance_margin"].amount("call_below") is None
