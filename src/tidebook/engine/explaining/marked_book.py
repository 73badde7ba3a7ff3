"""The books of a household with every number a leaf, for rules and tax reports to run over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Source, SourceKind
from tidebook.book.traced_facts import (
    leaf,
    marked_entry,
    marked_prices,
    marked_rates,
    marked_transaction,
)
from tidebook.compliance.packs import RULE_SETS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.engine.book_facts import Rebuilt


def marked_rebuilt(made: Rebuilt) -> Rebuilt:
    """Return books whose entries, and whose transactions, prices and rates, are leaves."""
    given = made.rests_on
    facts = given.facts._replace(
        transactions=[marked_transaction(fact) for fact in given.facts.transactions],
        rates=marked_rates(given.facts.rates),
    )
    keys = {
        portfolio_id: {
            security_id: folded._replace(
                entries=tuple(
                    marked_entry(entry, facts.portfolios[portfolio_id].base_currency)
                    for entry in folded.entries
                )
            )
            for security_id, folded in own.items()
        }
        for portfolio_id, own in made.keys.items()
    }
    rests_on = given._replace(facts=facts, prices=marked_prices(given.prices), vectors={})
    return made._replace(rests_on=rests_on, keys=keys)


def marked_policies(
    policies: Mapping[str, AccountPolicy],
    portfolio_id: str,
    rule: tuple[str, str],
    blank: AccountPolicy,
) -> dict[str, AccountPolicy]:
    """Return policies whose parameters of one version of a rule are leaves.

    Args:
        policies: What is stated of accounts.
        portfolio_id: The account that is judged.
        rule: The id of the rule and its version.
        blank: What is taken of an account of which nothing is stated.
    """
    policy = policies.get(portfolio_id, blank)
    rule_id, version = rule
    params: dict[str, Decimal] = {}
    for one in RULE_SETS:
        if (one.rule_id, one.version) == rule:
            source = Source(SourceKind.RULE, f"{rule_id} {version}")
            for name, param in one.params.items():
                label = f"{name.replace('_', ' ')} of {rule_id} {version}"
                params[f"{rule_id}.{name}"] = leaf(param.value, label, "", source)
    own = Source(SourceKind.RULE, f"policy of {portfolio_id}")
    for name, value in policy.params.items():
        params[name] = leaf(value, f"{name} of the policy of {portfolio_id}", "", own)
    elsewhere = policy.equity_elsewhere
    if elsewhere is not None:
        elsewhere = leaf(elsewhere, f"equity of {portfolio_id} elsewhere", "", own)
    marked = policy._replace(params=params, equity_elsewhere=elsewhere)
    return {**policies, portfolio_id: marked}
