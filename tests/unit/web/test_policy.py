from __future__ import annotations

import pytest

from tidebook.errors import UnsafeNonceError
from tidebook.web import ErrorPage, content_security_policy, render_error

NONCE = "c2l4dGVlbi1ieXRlcy1vaw=="


def test_policy_lets_in_the_nonce_and_nothing_else() -> None:
    assert content_security_policy(NONCE) == (
        f"default-src 'none'; style-src 'nonce-{NONCE}'; script-src 'nonce-{NONCE}'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    "nonce", ["", "short", "sixteen chars; x", "a" * 16 + "'", "a" * 16 + "\n"]
)
def test_a_nonce_that_would_rewrite_the_policy_is_refused(nonce: str) -> None:
    page = ErrorPage(404, "Not found", "no such page", None, None)
    with pytest.raises(UnsafeNonceError):
        page.csp(nonce)
    with pytest.raises(UnsafeNonceError):
        render_error(page, nonce=nonce)
