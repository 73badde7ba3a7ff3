"""What a page may load and run: its own style and script, and nothing else."""

from __future__ import annotations

import re

from tidebook.errors import UnsafeNonceError

_NONCE = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


def checked_nonce(nonce: str) -> str:
    """Return the nonce, if it can stand in a header and an attribute as it is.

    Raises:
        UnsafeNonceError: If it has fewer than 16 characters or any outside base64, since a quote
            or a semicolon in it would rewrite the policy that it is part of.
    """
    if not _NONCE.fullmatch(nonce):
        raise UnsafeNonceError(len(nonce))
    return nonce


def content_security_policy(nonce: str) -> str:
    """Return the value of the Content-Security-Policy header for a page with this nonce.

    Style and script run only inside elements that carry the nonce; inline handlers, ``style``
    attributes, frames, plug-ins and any request elsewhere are refused.

    Raises:
        UnsafeNonceError: If the nonce cannot stand in a header.
    """
    source = f"'nonce-{checked_nonce(nonce)}'"
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {source}",
            f"script-src {source}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
