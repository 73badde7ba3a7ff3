"""The Prefer header, as RFC 7240 writes it."""

from __future__ import annotations

import pytest

from tidebook.api.prefer import Preference, preference


@pytest.mark.parametrize(
    ("headers", "wait_seconds", "is_async"),
    [
        ([], None, False),
        (["wait=10"], 10, False),
        (["Wait=10"], 10, False),
        (['wait="10"'], 10, False),
        (["respond-async, wait=10"], 10, True),
        (["respond-async", "wait=10"], 10, True),
        (["wait=10, wait=20"], 10, False),
        (["return=minimal; foo=bar, wait = 5 "], 5, False),
        (["wait=0"], 0, False),
        (["wait=60"], 60, False),
        (["wait=61"], 60, False),
        (["wait=99999999999999999999"], 60, False),
        (["wait=-1"], None, False),
        (["wait=soon"], None, False),
        (["wait=²"], None, False),
        (["wait"], None, False),
    ],
)
def test_what_a_client_prefers(
    headers: list[str], wait_seconds: int | None, is_async: bool
) -> None:
    assert preference(headers) == Preference(wait_seconds, is_async)


def test_what_was_applied() -> None:
    assert Preference(5).applied == "wait=5"
    assert Preference(5, is_async=True).applied == "respond-async, wait=5"
