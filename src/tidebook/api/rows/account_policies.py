"""What is stated of an account, as it is sent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, cast

from tidebook.api.rows import checks
from tidebook.api.rows.bodies import decoded_object, refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.compliance.packs import PARAM_NAMES
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import AccountKind, Owner
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    DayTraderReset,
    DayTraderTerms,
    Restriction,
    SecurityTerms,
    UserLimit,
)
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from decimal import Decimal

ORDERS_MAX: Final = 10_000
"""How many trades of an account may be named as fills of orders."""

_POLICY: Final = Names.of(
    (
        "effective_from",
        "account_type",
        "jurisdiction",
        "day_trade_regime",
        "confirmed_on",
        "params",
        "limits",
        "restricted",
        "equity_elsewhere",
        "tax_kind",
        "owner",
        "household_id",
        "identical",
        "mark_to_market_from",
        "digital_assets_from",
        "pattern_day_trader",
        "securities",
        "orders",
    )
)
_LIMIT: Final = Names.of(("limit_id", "max_value", "max_quantity", "symbols", "blocks"))
_RESTRICTION: Final = Names.of(("symbol", "why", "closing_allowed"))
_DAY_TRADER: Final = Names.of(("designated_on", "resets"))
_RESET: Final = Names.of(("on", "actor", "reason"))
_SECURITY: Final = Names.of(
    ("issuer", "leverage_factor", "marginable", "delta", "section_1256"),
)


class _Sheet:
    """A body while it is read: its fields, and where faults go."""

    def __init__(self, body: bytes, now: datetime) -> None:
        self.faults = Faults()
        self.now = now
        document = decoded_object(body)
        self.row = RowReader(document, _POLICY, pointer="", faults=self.faults, now=now)

    def within(self, raw: Mapping[str, object], names: Names, pointer: str) -> RowReader:
        """Return a reader of an object inside."""
        return RowReader(raw, names, pointer=pointer, faults=self.faults, now=self.now)

    def objects(self, name: str, names: Names) -> Iterator[tuple[str, RowReader]]:
        """Give a reader for each value of an object whose names are ids."""
        for each, value in self.row.fields(name).items():
            pointer = f"/{name}/{each}"
            if not checks.is_id(each):
                self.faults.add(pointer, "id.unusable", "a symbol is text of 1 to 200 characters")
            elif isinstance(value, dict):
                yield each, self.within(cast("dict[str, object]", value), names, pointer)
            else:
                self.faults.add(pointer, "object.expected", "it is no object; send its fields")


def policy_of(body: bytes, now: datetime) -> AccountPolicy:
    """Return what a body states of an account.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If a field has a fault.
    """
    sheet = _Sheet(body, now)
    row = sheet.row
    regime = row.choice("day_trade_regime", DayTradeRegime, DayTradeRegime.LEGACY_PDT)
    policy = AccountPolicy(
        row.choice("account_type", AccountType, AccountType.MARGIN),
        row.text("jurisdiction", default="US") or "US",
        regime if row.has("day_trade_regime") else None,
        row.optional_day("confirmed_on"),
        _params(sheet),
        tuple(_limit(one) for one in row.each("limits", _LIMIT)),
        tuple(_restriction(one) for one in row.each("restricted", _RESTRICTION)),
        row.number("equity_elsewhere", default=ONE) if row.has("equity_elsewhere") else None,
        row.choice("tax_kind", AccountKind, AccountKind.TAXABLE),
        row.choice("owner", Owner, Owner.SELF),
        row.identifier("household_id", default=""),
        _words(sheet, "identical", "a group"),
        row.optional_day("mark_to_market_from"),
        row.optional_day("digital_assets_from"),
        _day_trader(sheet),
        {name: _security(one) for name, one in sheet.objects("securities", _SECURITY)},
        _words(sheet, "orders", "an order"),
        row.optional_day("effective_from") or date.min,
    )
    if len(policy.orders) > ORDERS_MAX:
        sheet.faults.add("/orders", "orders.number", f"send at most {ORDERS_MAX} fills")
    if sheet.faults.count:
        raise refusal(sheet.faults)
    return policy


def _limit(row: RowReader) -> UserLimit:
    symbols = row.rows("symbols") if row.has("symbols") else ()
    for one in symbols:
        if not isinstance(one, str) or not checks.is_id(one):
            row.fault("symbols", "id.unusable", "a symbol is text of 1 to 200 characters")
    limit = UserLimit(
        row.identifier("limit_id"),
        row.positive("max_value", default=ONE) if row.has("max_value") else None,
        row.positive("max_quantity", default=ONE) if row.has("max_quantity") else None,
        tuple(str(one) for one in symbols),
        row.flag("blocks"),
    )
    if limit.max_value is None and limit.max_quantity is None:
        row.fault("max_value", "limit.empty", "send max_value, max_quantity or both")
    return limit


def _restriction(row: RowReader) -> Restriction:
    return Restriction(
        row.identifier("symbol"), row.text("why"), row.flag("closing_allowed", default=True)
    )


def _day_trader(sheet: _Sheet) -> DayTraderTerms:
    given = sheet.row.fields("pattern_day_trader")
    row = sheet.within(given, _DAY_TRADER, "/pattern_day_trader")
    resets = tuple(_reset(one) for one in row.each("resets", _RESET))
    return DayTraderTerms(row.optional_day("designated_on"), tuple(sorted(resets)))


def _reset(row: RowReader) -> DayTraderReset:
    reset = DayTraderReset(row.day("on"), row.identifier("actor"), row.text("reason").strip())
    if not reset.reason and row.is_sound("reason"):
        row.fault("reason", "field.missing", "say why the designation was taken back")
    return reset


def _security(row: RowReader) -> SecurityTerms:
    return SecurityTerms(
        row.identifier("issuer", default=""),
        row.positive("leverage_factor", default=ONE),
        row.flag("marginable", default=True),
        row.number("delta", default=ONE) if row.has("delta") else None,
        row.flag("section_1256"),
    )


def _params(sheet: _Sheet) -> Mapping[str, Decimal]:
    given = sheet.row.fields("params")
    for name in given:
        if name not in PARAM_NAMES:
            detail = "no rule has this parameter; GET /compliance/rules lists them by rule"
            sheet.faults.add(f"/params/{name}", "param.unknown", detail)
    inner = sheet.within(given, Names({name: name for name in given}), "/params")
    return {name: inner.not_negative(name) for name in given}


def _words(sheet: _Sheet, name: str, what: str) -> Mapping[str, str]:
    given = sheet.row.fields(name)
    for each, value in given.items():
        if not isinstance(value, str) or not checks.is_id(value):
            detail = f"{what} is text of 1 to 200 characters"
            sheet.faults.add(f"/{name}/{each}", "id.unusable", detail)
    return {each: str(value) for each, value in given.items()}
