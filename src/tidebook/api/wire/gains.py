"""The realised gains of a portfolio as JSON: each line and the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.replies import Json, amount, amount_or_null
from tidebook.api.wire.shapes import freshness_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.book.gains import Gain, GainTotals
    from tidebook.engine.gains import GainsReport


def gains_of(report: GainsReport, *, skip: int, limit: int) -> Json:
    """Return a page of gains and the sums of all of them."""
    return {
        "portfolio_id": report.portfolio.portfolio_id,
        "base_currency": report.portfolio.base_currency,
        "total": len(report.gains),
        "skip": skip,
        "limit": limit,
        "gains": [_gain(one) for one in report.gains[skip : skip + limit]],
        "totals": _totals(report.total),
        "by_term": _grouped(report.by_term, "term"),
        "by_security": _grouped(report.by_security, "security_id"),
        "by_year": _grouped(report.by_year, "year"),
        "tax_reason": report.tax_reason,
        "freshness": freshness_of(report.freshness),
    }


def _gain(gain: Gain) -> Json:
    return {
        "security_id": gain.security_id,
        "lot_id": gain.lot_id,
        "kind": gain.kind.value,
        "side": gain.side.value,
        "opened_on": gain.opened_on.isoformat(),
        "closed_on": gain.closed_on.isoformat(),
        "transaction_id": gain.closed_by,
        "transaction_type": gain.type.value,
        "quantity": amount(gain.quantity),
        "currency": gain.currency,
        "proceeds": amount_or_null(gain.proceeds_base),
        "proceeds_local": amount_or_null(gain.proceeds_local),
        "cost_basis": amount_or_null(gain.cost_base),
        "cost_basis_local": amount_or_null(gain.cost_local),
        "realized_gain_loss": amount(gain.gain_base),
        "realized_gain_loss_local": amount(gain.gain_local),
        "realized_price_effect": amount(gain.price_base),
        "realized_fx_effect": amount(gain.currency_base),
        "days_held": gain.days_held,
        "term": gain.term.value,
        "tax": amount_or_null(gain.tax_base),
        "reason": gain.reason,
    }


def _totals(sums: GainTotals) -> Json:
    return {
        "gain_count": sums.gain_count,
        "proceeds": amount_or_null(sums.proceeds_base),
        "cost_basis": amount_or_null(sums.cost_base),
        "realized_gain_loss": amount(sums.gain_base),
        "realized_price_effect": amount(sums.price_base),
        "realized_fx_effect": amount(sums.currency_base),
        "tax": amount_or_null(sums.tax_base),
        "reason": sums.reason,
    }


def _grouped(groups: Mapping[str, GainTotals], heading: str) -> list[Json]:
    return [{heading: name, **_totals(sums)} for name, sums in groups.items()]
