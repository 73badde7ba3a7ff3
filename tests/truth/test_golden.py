"""Every golden case holds, or is listed with what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.truth.cases import (
    FAILED,
    OWN_FOLDER,
    SKIPPED,
    Case,
    UnknownFormatError,
    adapter_of,
    area_of,
    cases_folder,
    judge,
    read_cases,
)
from tests.truth.not_yet import NOT_YET

if TYPE_CHECKING:
    from tests.truth.cases import Content

CASES = read_cases(cases_folder())


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_golden_case(case: Case) -> None:
    verdict = judge(case, adapter_of(case.area), NOT_YET)
    if verdict.outcome == SKIPPED:
        pytest.skip(verdict.sentence)
    assert verdict.outcome != FAILED, verdict.sentence


def test_no_two_cases_share_an_id() -> None:
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("key", NOT_YET)
def test_every_entry_of_the_list_names_a_case_or_an_area(key: str) -> None:
    own = read_cases(OWN_FOLDER)
    assert key in {case.id for case in own} | {case.area for case in own}


_CASE = Case("case-1", "event_driven/twr", {})


def _holds(_content: Content) -> None:
    return


def _fails(_content: Content) -> None:
    raise AssertionError


def test_a_case_that_is_neither_checked_nor_listed_is_a_fault() -> None:
    assert judge(_CASE, None, {}).outcome == FAILED


def test_a_listed_case_that_holds_is_a_fault() -> None:
    assert judge(_CASE, _holds, {"case-1": "missing"}).outcome == FAILED
    assert judge(_CASE, _holds, {"event_driven/twr": "missing"}).outcome == FAILED


def test_a_listed_case_is_reported_with_its_reason() -> None:
    assert judge(_CASE, None, {"event_driven/twr": "the reason"}) == (SKIPPED, "the reason")
    assert judge(_CASE, _fails, {"case-1": "the reason"}) == (SKIPPED, "the reason")


def test_a_case_that_does_not_hold_fails() -> None:
    with pytest.raises(AssertionError):
        judge(_CASE, _fails, {})


def test_a_case_of_no_known_form_is_refused() -> None:
    with pytest.raises(UnknownFormatError, match="names no kind"):
        area_of({"id": "stray"})
