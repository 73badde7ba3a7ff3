"""Letting a verdict stand: who has seen it, and why it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.engine.compliance.ports import Acknowledgement
from tidebook.errors import UnknownVerdictError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tidebook.engine.compliance.ports import Compliance


class Said(NamedTuple):
    """That someone lets the verdict of a rule on a trade stand.

    ``rule_ids`` are the ids of the rule that was named, ``rule`` is how it was named.
    """

    trade_id: str
    rule: str
    rule_ids: frozenset[str]
    actor: str
    reason: str


def acknowledged(
    compliance: Compliance, ids: Sequence[str], said: Said, correlation_id: str, at: datetime
) -> Acknowledgement:
    """Keep an acknowledgement of the verdict that stands now, and return it.

    Raises:
        UnknownVerdictError: When the rule says nothing of the trade now.
    """
    kept = compliance.history(ids, said.trade_id)
    current = kept[-1] if kept and kept[-1].superseded_at is None else None
    verdicts = () if current is None else current.verdicts
    verdict = next((one for one in verdicts if one.rule_id in said.rule_ids), None)
    if current is None or verdict is None:
        raise UnknownVerdictError(said.trade_id, said.rule)
    made = Acknowledgement(
        current.portfolio_id,
        current.transaction_id,
        verdict.rule_id,
        verdict.rule_version,
        verdict.status.value,
        said.actor,
        said.reason,
        verdict.reason,
    )
    number = compliance.acknowledge(made, correlation_id, at)
    return made._replace(acknowledgement_id=number, recorded_at=at)
