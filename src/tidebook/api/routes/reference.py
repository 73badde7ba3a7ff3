"""The documentation that the server carries: /openapi.json, and pages made of it without assets."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tidebook import errors
from tidebook.api.edge import EdgeHere
from tidebook.api.problems import status_of
from tidebook.api.samples import PROBLEM_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

router = APIRouter(include_in_schema=False)

Document = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font: 600 1.05rem ui-monospace, monospace; margin: 2rem 0 0.25rem; overflow-wrap: anywhere; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid; border-radius: 0.4rem; }
dt { font: 0.95rem ui-monospace, monospace; }
dd { margin: 0 0 0.5rem 1.5rem; }
"""


def openapi_of(app: FastAPI) -> Document:
    """Return the description of every route, with problem documents for all that is not 2xx."""
    if app.openapi_schema is None:
        found: Document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas: Document = found.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        for _, _, operation in _operations(found):
            # A fault in a parameter is a problem document here, like every other refusal.
            operation.get("responses", {}).pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = found
    return app.openapi_schema


@router.get("/docs")
async def docs(request: Request, edge: EdgeHere) -> HTMLResponse:
    """Show every route with its parameters and examples."""
    found = openapi_of(request.app)
    parts = [_operation(path, method, one) for path, method, one in _operations(found)]
    intro = (
        '<p>The same as data: <a href="openapi.json">openapi.json</a>. '
        'What a refusal can say: <a href="docs/problems">problems</a>.</p>'
    )
    return _page("Tidebook HTTP reference", intro + "".join(parts), edge.new_nonce())


@router.get("/docs/problems")
async def problems(edge: EdgeHere) -> HTMLResponse:
    """List the stable codes of refusals."""
    rows = "".join(
        f'<dt id="{escape(kind.code)}">{escape(kind.code)} ({status_of(kind)})</dt>'
        f"<dd>{escape((kind.__doc__ or '').strip().splitlines()[0])}</dd>"
        for kind in error_classes()
    )
    return _page("Problems", f"<dl>{rows}</dl>", edge.new_nonce())


def error_classes() -> tuple[type[errors.TidebookError], ...]:
    """Return every error class of the tree, by name."""
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TidebookError)
    ]
    return tuple(sorted(found, key=lambda kind: kind.__name__))


def _operations(document: Document) -> Iterable[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation(path: str, method: str, operation: Document) -> str:
    parts = [f"<h2>{escape(method.upper())} {escape(path)}</h2>"]
    parts.append(f"<p>{escape(operation.get('description', ''))}</p>")
    parameters = [_parameter(one) for one in operation.get("parameters", [])]
    if parameters:
        parts.append(f"<dl>{''.join(parameters)}</dl>")
    content = operation.get("requestBody", {}).get("content", {})
    parts += [_example("Request", media) for media in content.values()]
    for status, response in operation.get("responses", {}).items():
        media = response.get("content", {}).get("application/json")
        if media:
            parts.append(_example(f"Answer {status}", media))
    return "".join(parts)


def _parameter(parameter: Document) -> str:
    needed = ", required" if parameter.get("required") else ""
    return f"<dt>{escape(parameter['name'])}</dt><dd>in the {parameter['in']}{needed}</dd>"


def _example(title: str, media: Document) -> str:
    if "example" not in media:
        return ""
    text = msgspec.json.format(msgspec.json.encode(media["example"]), indent=2).decode()
    return f"<p>{title}</p><pre>{escape(text)}</pre>"


def _page(title: str, body: str, nonce: str) -> HTMLResponse:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style nonce="{escape(nonce)}">{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})
