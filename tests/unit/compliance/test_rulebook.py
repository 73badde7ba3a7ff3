"""What the rules say of trades, and that none passes what it could not judge."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.compliance.scenes import DAY, held, standing, trade, verdicts
from tidebook.compliance.day_trades import DayTradeRecord
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rulebook import RULES, Situation, judged
from tidebook.compliance.rules import rule_set_on
from tidebook.compliance.trades import (
    Account,
    AccountType,
    AssetClass,
    BrokerPolicy,
    DayTradeRegime,
    Restriction,
    UserLimit,
)
from tidebook.compliance.verdicts import Status

if TYPE_CHECKING:
    from tidebook.compliance.rules import Context
    from tidebook.compliance.trades import (
        Trade,
    )
    from tidebook.compliance.verdicts import Verdict

AFTER = date(2026, 6, 12)
MISSING = {
    "leverage_limit",
    "position_size_limit",
    "reg_t_initial",
    "maintenance_margin",
    "minimum_equity",
}


def four_day_trades(on: date) -> tuple[DayTradeRecord, Trade]:
    record = DayTradeRecord()
    last = trade("sell 1 X at 9", on=on)
    for symbol in "ABCD":
        record.take(trade(f"buy 1 {symbol} at 9", on=on), Decimal(0))
        last = trade(f"sell 1 {symbol} at 9", on=on, minute=1)
        record.take(last, Decimal(1))
    return record, last


def test_every_rule_has_a_version_and_a_source() -> None:
    assert {one.rule_id for one in RULE_SETS} == {*RULES, "wash_sale_us", "superficial_loss_ca"}
    for one in RULE_SETS:
        assert one.source
        assert one.source_url.startswith("https://") or one.jurisdiction == "any"


def test_no_two_versions_of_a_rule_are_in_force_on_one_day() -> None:
    for one in RULE_SETS:
        in_force = [
            other
            for other in RULE_SETS
            if (other.rule_id, other.jurisdiction) == (one.rule_id, one.jurisdiction)
            and other.in_force(one.effective_from)
        ]
        assert in_force == [one]


@pytest.mark.parametrize(
    ("on", "version"),
    [
        (date(2001, 9, 27), None),
        (date(2001, 9, 28), "2001-09-28"),
        (date(2021, 3, 24), "2021-03-24"),
        (date(2027, 10, 20), "2021-03-24"),
        (date(2027, 10, 21), "2027-10-21"),
    ],
)
def test_a_trade_is_judged_by_the_version_of_its_day(on: date, version: str | None) -> None:
    found = rule_set_on(RULE_SETS, "pattern_day_trading", "US", on)
    assert (found.version if found else None) == version


def test_a_rule_that_breaks_says_so_and_the_others_go_on() -> None:
    def broken(_trade: Trade, _context: Context) -> Verdict:
        raise KeyError("sector")

    rules = {"leverage_limit": broken, "restricted_list": RULES["restricted_list"]}
    situation = Situation(Account("A"), standing(), DayTradeRecord())
    found = judged(trade("buy 1 X at 9"), situation, rules)
    assert [one.status for one in found] == [Status.PROVISIONAL, Status.NOT_APPLICABLE]
    assert found[0].reason == "the rule could not be run: KeyError: 'sector'"


def test_without_equity_no_rule_on_values_passes() -> None:
    found = verdicts(trade("buy 10 X at 100"), stands=standing(None))
    assert {found[rule].status for rule in MISSING} == {Status.PROVISIONAL}
    assert found["leverage_limit"].reason == "the equity is missing: no price is known"


def test_without_a_price_of_what_is_held_leverage_is_not_known() -> None:
    found = verdicts(trade("buy 10 X at 100"), stands=standing("9000", held("Y", "5", None)))
    assert found["leverage_limit"].status is Status.PROVISIONAL
    assert found["leverage_limit"].reason == "no price is known of Y"


def test_in_a_currency_without_a_rate_nothing_on_values_passes() -> None:
    foreign = trade("buy 10 X at 100")._replace(currency="EUR", rate=None)
    found = verdicts(foreign)
    assert {found[rule].status for rule in MISSING} == {Status.PROVISIONAL}
    assert found["order_value_limit"].status is Status.PROVISIONAL


@pytest.mark.parametrize(
    ("equity", "status"), [("25000", "flag"), ("24999.99", "fail"), (None, "provisional")]
)
def test_a_pattern_is_judged_by_the_equity_of_the_close_before(
    equity: str | None, status: str
) -> None:
    record, last = four_day_trades(DAY)
    found = verdicts(last, stands=standing(equity), record=record)["pattern_day_trading"]
    assert found.status == status
    *made, designated = found.evidence
    assert [one.note for one in made] == ["A", "B", "C", "D"]
    assert (designated.kind, designated.on) == ("designated", DAY)
    # The window of 2025-06-09 is the first without the second of June.
    # A designation stays until it is taken back.
    assert found.clears_on is None


def test_from_the_fourth_of_june_2026_on_the_new_standard_binds() -> None:
    record, last = four_day_trades(AFTER)
    found = verdicts(last, stands=standing("20000"), record=record)
    assert found["pattern_day_trading"].status is Status.NOT_APPLICABLE
    assert found["pattern_day_trading"].amount("day_trades_in_window") == 4
    assert found["intraday_margin"].status is Status.PASS


def test_a_broker_may_keep_the_old_rule_for_an_account() -> None:
    record, last = four_day_trades(AFTER)
    policy = BrokerPolicy("A", DayTradeRegime.LEGACY_PDT, date(2026, 6, 1))
    account = Account("A", policy=policy)
    found = verdicts(last, account, standing("20000"), record=record)
    assert found["pattern_day_trading"].status is Status.FAIL
    assert found["intraday_margin"].status is Status.NOT_APPLICABLE


def test_no_broker_keeps_the_old_rule_after_the_twentieth_of_october_2027() -> None:
    account = Account("A", policy=BrokerPolicy("A", DayTradeRegime.LEGACY_PDT, date(2026, 6, 1)))
    statuses: list[tuple[Status, Status]] = []
    for on in (date(2027, 10, 20), date(2027, 10, 21)):
        record, last = four_day_trades(on)
        found = verdicts(last, account, standing("20000"), record=record)
        statuses.append((found["pattern_day_trading"].status, found["intraday_margin"].status))
    assert statuses == [
        (Status.FAIL, Status.NOT_APPLICABLE),
        (Status.NOT_APPLICABLE, Status.PASS),
    ]
    assert found["pattern_day_trading"].amount("day_trades_in_window") == 4


def test_a_policy_of_the_new_standard_says_nothing_of_the_time_before_it() -> None:
    record, last = four_day_trades(DAY)
    policy = BrokerPolicy("A", DayTradeRegime.INTRADAY_MARGIN)
    account = Account("A", policy=policy)
    found = verdicts(last, account, standing("20000"), record=record)
    assert found["pattern_day_trading"].status is Status.FAIL


def test_a_deficit_within_the_day_is_told_with_the_day_it_is_due() -> None:
    # 10,000 carry 40,000 at 25 %; 60,000 need 15,000.
    found = verdicts(trade("buy 600 X at 100", on=date(2026, 7, 1)), stands=standing("10000"))
    verdict = found["intraday_margin"]
    assert verdict.status is Status.FAIL
    assert verdict.amount("intraday_margin_deficit") == 5000
    assert [one.on for one in verdict.evidence] == [date(2026, 7, 9), date(2026, 7, 23)]


def test_a_house_may_ask_for_more_margin_and_never_for_less() -> None:
    order = trade("buy 100 X at 100")
    for rate, status in (("0.6", Status.FAIL), ("0.1", Status.PASS)):
        policy = BrokerPolicy("A", params={"maintenance_margin.long": Decimal(rate)})
        account = Account("A", policy=policy)
        found = verdicts(order, account, standing("5000"))["maintenance_margin"]
        assert found.status is status
    assert found.amount("requirement") == 2500


def test_initial_margin_counts_what_is_held_already() -> None:
    # 20,000 of equity, 30,000 held take 15,000; 5,000 are free, which buy 10,000.
    stands = standing("20000", held("Y", "300", "100"))
    for units, deficit in ((100, 0), (101, 50)):
        found = verdicts(trade(f"buy {units} X at 100"), stands=stands)["reg_t_initial"]
        assert found.amount("deficit") == deficit


def test_what_only_reduces_a_position_is_never_held_up() -> None:
    account = Account(
        "A",
        limits=(UserLimit("small", max_value=Decimal(1)),),
        restricted=(Restriction("X"),),
    )
    stands = standing("1000", held("X", "100000", "100", "Energy"))
    found = verdicts(trade("sell 50000 X at 100"), account, stands)
    assert {one.status for one in found.values()} <= {
        Status.PASS,
        Status.NOT_APPLICABLE,
        Status.FLAG,
    }
    assert found["maintenance_margin"].status is Status.FLAG
    assert found["position_size_limit"].evidence[0].kind == "passive_breach"


def test_a_position_counts_with_all_that_its_issuer_has_issued() -> None:
    other = held("X.B", "100", "100")._replace(issuer="X Corp")
    own = held("X.A", "0", "100")._replace(issuer="X Corp")
    found = verdicts(trade("buy 110 X.A at 100"), stands=standing("100000", other, own))
    assert found["position_size_limit"].amount("post_trade_pct") == 21
    assert found["position_size_limit"].amount("max_additional_qty") == 100


def test_coins_may_be_bought_in_parts() -> None:
    order = trade("buy 1 BTC at 60000", asset_class=AssetClass.CRYPTO)
    found = verdicts(order)["position_size_limit"]
    assert found.status is Status.FLAG
    assert found.amount("max_additional_qty") == Decimal("0.33333333")


def test_a_sector_is_judged_with_all_its_positions() -> None:
    stands = standing("100000", held("Y", "350", "100", "Energy"), held("X", "0", "1", "Energy"))
    found = verdicts(trade("buy 51 X at 100"), stands=stands)["sector_concentration"]
    assert (found.status, found.amount("post_trade_pct")) == (Status.FLAG, Decimal("40.1"))


@pytest.mark.parametrize(
    ("minutes", "status"), [(1, Status.FLAG), (1.02, Status.PASS), (0, Status.FLAG)]
)
def test_a_trade_the_other_way_within_a_minute_is_told(minutes: float, status: Status) -> None:
    earlier = (trade("buy 10 X at 100"), trade("buy 10 Y at 100"))
    found = verdicts(trade("sell 10 X at 100", minute=minutes), earlier=earlier)
    assert found["opposite_trade"].status is status


def test_without_the_instant_of_a_trade_the_other_way_nothing_is_decided() -> None:
    earlier = (trade("buy 10 X at 100")._replace(at=None),)
    found = verdicts(trade("sell 10 X at 100"), earlier=earlier)["opposite_trade"]
    assert found.status is Status.PROVISIONAL


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        (UserLimit("value", max_value=Decimal(1000)), Status.PASS),
        (UserLimit("value", max_value=Decimal("999.99")), Status.FLAG),
        (UserLimit("units", max_quantity=Decimal(9), blocks=True), Status.FAIL),
        (UserLimit("other", max_value=Decimal(1), symbols=("Y",)), Status.NOT_APPLICABLE),
    ],
)
def test_limits_are_data(limit: UserLimit, status: Status) -> None:
    found = verdicts(trade("buy 10 X at 100"), Account("A", limits=(limit,)))
    assert found["user_limits"].status is status


def test_an_order_above_a_million_is_told() -> None:
    assert verdicts(trade("buy 1 X at 1000000"))["order_value_limit"].status is Status.PASS
    assert verdicts(trade("buy 1 X at 1000000.01"))["order_value_limit"].status is Status.FLAG


def test_a_cash_account_is_not_held_to_margin_and_may_not_sell_short() -> None:
    found = verdicts(trade("sell 1 X at 9"), Account("A", AccountType.CASH))
    assert found["reg_t_initial"].status is Status.NOT_APPLICABLE
    assert found["cash_account"].status is Status.FAIL


def test_an_account_of_another_country_is_held_to_the_limits_alone() -> None:
    found = verdicts(trade("buy 1 X at 9"), Account("A", jurisdiction="CA"))
    assert "pattern_day_trading" not in found
    assert found["position_size_limit"].status is Status.PASS


def test_with_no_equity_leverage_is_undefined_and_fails() -> None:
    found = verdicts(trade("buy 1 X at 9"), stands=standing("0"))["leverage_limit"]
    assert (found.status, found.amount("leverage")) == (Status.FAIL, None)
    assert found.amounts[0].why == "there is no equity"
