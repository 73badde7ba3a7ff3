"""Every house rule: a function from one file to the faults in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.house import error_tree, honesty, purity, shape

if TYPE_CHECKING:
    from tests.house.source import Rule

RULES: tuple[Rule, ...] = (
    shape.modules_fit_one_sitting,
    shape.functions_fit_one_look,
    shape.modules_have_a_subject,
    shape.classes_have_a_subject,
    purity.inputs_are_handed_in,
    purity.seeds_are_given,
    purity.money_is_exact,
    purity.fronts_only_export,
    purity.fronts_say_what_they_export,
    honesty.errors_are_caught_by_name,
    honesty.errors_are_not_swallowed,
    honesty.work_is_finished,
    honesty.paths_are_portable,
    honesty.sources_are_neutral,
    error_tree.errors_are_drawn_as_they_are,
    error_tree.errors_have_their_own_code,
    error_tree.errors_live_in_the_tree,
)
