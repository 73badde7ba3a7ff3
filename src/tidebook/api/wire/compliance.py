"""Verdicts, rule sets and policies as JSON, and what is sent about them as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.api.replies import (
    Json,
    amount,
    amount_or_null,
    day_or_null,
    instant,
    instant_or_null,
)
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.taxes import NOT_ADVICE, SaleRisk
from tidebook.compliance.verdicts import Status
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidebook.compliance.rules import RuleSet
    from tidebook.compliance.taxes import PurchaseRisk
    from tidebook.compliance.verdicts import Evidence, Verdict
    from tidebook.engine.compliance.open_orders import CountedCheck
    from tidebook.engine.compliance.ports import Acknowledgement, KeptVerdicts, VerdictsPage
    from tidebook.engine.views import FindingView

CHECK_NAMES: Final = {
    "wash_sale_us": "wash_sale",
    "superficial_loss_ca": "superficial_loss",
}
"""The names of checks where they are not those of the rules."""


def check_name(rule_id: str) -> str:
    """Return the name of a check: that of its rule, without its country."""
    return CHECK_NAMES.get(rule_id, rule_id)


def rule_ids_of(name: str) -> frozenset[str]:
    """Return the rules that a name is of: the id of one, or the name of its check."""
    return frozenset({name, *(rule for rule, check in CHECK_NAMES.items() if check == name)})


class Audited(NamedTuple):
    """A user, a page of verdicts on the user's trades, and what is not booked and so not judged."""

    user_id: str
    page: VerdictsPage
    not_booked: Sequence[FindingView] = ()


def audits_of(audited: Audited, *, limit: int, with_inapplicable: bool) -> Json:
    """Return a user's verdicts, one audit for each trade and check, latest trade first."""
    user_id, page, _ = audited
    seen = {
        (one.portfolio_id, one.transaction_id, one.rule_id): one for one in page.acknowledgements
    }
    audits = [
        _audit(
            user_id,
            kept,
            verdict,
            seen.get((kept.portfolio_id, kept.transaction_id, verdict.rule_id)),
        )
        for kept in page.trades
        for verdict in kept.verdicts
        if with_inapplicable or verdict.status is not Status.NOT_APPLICABLE
    ]
    totals = page.totals
    return {
        "summary": {
            "total_checks": totals.checks,
            "passed": totals.passed,
            "flagged": totals.flagged,
            "failed": totals.failed,
            "provisional": totals.provisional,
            "trades": totals.trades,
        },
        "is_up_to_date": not page.unjudged,
        "not_booked": [_unbooked(one) for one in audited.not_booked[:limit]],
        "audits": audits[:limit],
        "disclaimer": NOT_ADVICE,
    }


def _unbooked(one: FindingView) -> Json:
    return {
        "trade_id": one.finding.transaction_id,
        "portfolio_id": one.portfolio_id,
        "trade_date": one.business_date.isoformat(),
        "code": one.finding.code,
        "reason": one.finding.sentence,
        "remedy": one.finding.remedy,
    }


def history_of(
    user_id: str, kept: Sequence[KeptVerdicts], acknowledgements: Sequence[Acknowledgement]
) -> Json:
    """Return all that was ever said of a trade, oldest first, and who let it stand then."""
    return {
        "versions": [
            {
                "recorded_at": instant(one.recorded_at),
                "superseded_at": instant_or_null(one.superseded_at),
                "audits": [
                    _audit(user_id, one, verdict, _seen_then(one, verdict, acknowledgements))
                    for verdict in one.verdicts
                ],
            }
            for one in kept
        ],
        "disclaimer": NOT_ADVICE,
    }


def _seen_then(
    kept: KeptVerdicts, verdict: Verdict, acknowledgements: Sequence[Acknowledgement]
) -> Acknowledgement | None:
    """Return the last acknowledgement of a verdict while it was the one that stood."""
    found = [
        one
        for one in acknowledgements
        if one.rule_id == verdict.rule_id
        and one.portfolio_id == kept.portfolio_id
        and one.recorded_at is not None
        and one.recorded_at >= kept.recorded_at
        and (kept.superseded_at is None or one.recorded_at < kept.superseded_at)
    ]
    return found[-1] if found else None


def _audit(
    user_id: str, kept: KeptVerdicts, verdict: Verdict, seen: Acknowledgement | None
) -> Json:
    shown = None
    if seen is not None:
        shown = acknowledgement_of(seen) | {"is_current": seen.is_of(verdict, kept.recorded_at)}
    return {
        "id": f"{kept.transaction_id}:{verdict.rule_id}",
        "user_id": user_id,
        "trade_id": kept.transaction_id,
        "portfolio_id": kept.portfolio_id,
        "trade_date": kept.trade_date.isoformat(),
        **verdict_of(verdict),
        "created_at": instant(kept.recorded_at),
        "superseded_at": instant_or_null(kept.superseded_at),
        "acknowledgement": shown,
    }


def acknowledgement_of(one: Acknowledgement) -> Json:
    """Return an acknowledgement."""
    return {
        "acknowledgement_id": one.acknowledgement_id,
        "actor": one.actor,
        "reason": one.reason,
        "status": one.status,
        "rule_version": one.rule_version,
        "said": one.said,
        "recorded_at": instant_or_null(one.recorded_at),
    }


def acknowledgements_of(user_id: str, kept: Sequence[Acknowledgement], *, total: int) -> Json:
    """Return acknowledgements of a user's verdicts, and how many there are in all."""
    return {
        "user_id": user_id,
        "total": total,
        "acknowledgements": [
            {
                "trade_id": one.transaction_id,
                "portfolio_id": one.portfolio_id,
                "rule_id": one.rule_id,
                **acknowledgement_of(one),
            }
            for one in kept
        ],
    }


def verdict_of(verdict: Verdict) -> Json:
    """Return a verdict."""
    return {
        "check_name": check_name(verdict.rule_id),
        "rule_id": verdict.rule_id,
        "rule_version": verdict.rule_version,
        "status": verdict.status.value,
        "reason": verdict.reason,
        "metadata": {
            "amounts": {
                one.name: {"value": amount_or_null(one.value), "unit": one.unit}
                | ({"reason": one.why} if one.why else {})
                for one in verdict.amounts
            },
            "evidence": [_evidence(one) for one in verdict.evidence],
        },
        "clears_on": day_or_null(verdict.clears_on),
        "remedy": verdict.remedy,
        "source_url": verdict.source_url,
    }


def _evidence(one: Evidence) -> Json:
    return {
        "kind": one.kind,
        "ids": list(one.ids),
        "on": day_or_null(one.on),
        "quantity": amount_or_null(one.quantity),
        "amount": amount_or_null(one.amount),
        "currency": one.currency,
        "note": one.note,
    }


def rules_json(on: date) -> Json:
    """Return every rule set, those in force on a day marked."""
    return {
        "as_of": on.isoformat(),
        "rules": [_rule_set(one, on) for one in RULE_SETS],
        "disclaimer": NOT_ADVICE,
    }


def _rule_set(one: RuleSet, on: date) -> Json:
    limit = one.effective_from.year == 1
    return {
        "rule_id": one.rule_id,
        "check_name": check_name(one.rule_id),
        "version": one.version,
        "title": one.title,
        "jurisdiction": one.jurisdiction,
        "effective_from": None if limit else one.effective_from.isoformat(),
        "effective_to": day_or_null(one.effective_to),
        "in_force": one.in_force(on),
        "params": {
            name: {"value": amount(param.value), "unit": param.unit}
            for name, param in one.params.items()
        },
        "source": one.source,
        "source_url": one.source_url,
    }


def order_check_of(counted: CountedCheck) -> Json:
    """Return what the rules would say of an order."""
    one = counted.check
    order, wash = one.order, one.wash
    return {
        "order_id": order.order_id,
        "portfolio_id": order.portfolio_id,
        "symbol": order.security_id,
        "side": order.side.value,
        "qty": amount(order.quantity),
        "price": amount(one.price),
        "price_date": day_or_null(one.price_on),
        "allowed": one.is_allowed,
        "refusal": one.refusal or None,
        "reduce_only": one.is_reduce_only,
        "would_be_day_trade": one.would_be_day_trade,
        "potential_day_trades": counted.potential_day_trades,
        "max_additional_qty": amount_or_null(one.max_additional_quantity),
        "would_wash": wash is not None and bool(wash.disallowed),
        "earliest_clean_date": None if wash is None else wash.clean_from.isoformat(),
        "clean_qty": None if wash is None else decimal_text(wash.clean_shares),
        "wash": None if wash is None else _wash(wash),
        "checks": [verdict_of(verdict) for verdict in one.verdicts],
    }


def _wash(risk: SaleRisk | PurchaseRisk) -> Json:
    common: Json = {
        "disallowed": amount(risk.disallowed),
        "permanent": amount(risk.permanent),
        "clean_qty": amount(risk.clean_shares),
        "clean_from": risk.clean_from.isoformat(),
    }
    if isinstance(risk, SaleRisk):
        return common | {
            "loss": amount(risk.loss),
            "rebuy_from": risk.rebuy_from.isoformat(),
            "exempt": risk.exempt or None,
            "replacements": [
                {
                    "lot_id": each.lot.lot_id,
                    "acquired_on": each.acquired_on.isoformat(),
                    "qty": amount(each.shares),
                    "disallowed": amount(each.disallowed),
                    "permanent": each.is_permanent,
                }
                for each in risk.replacements
            ],
        }
    return common | {
        "sell_from": risk.sell_from.isoformat(),
        "washed": [
            {
                "sale_id": each.sale_id,
                "sold_on": each.sold_on.isoformat(),
                "qty": amount(each.shares),
                "disallowed": amount(each.disallowed),
                "permanent": each.is_permanent,
            }
            for each in risk.washed
        ],
    }
