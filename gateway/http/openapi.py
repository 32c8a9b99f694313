"""The OpenAPI 3.1 document, made from the table of routes and the types of the bodies, so that it cannot drift."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from gateway.http.messages import ProblemDocument
from gateway.http.problems import PROBLEM_CONTENT_TYPE, PROBLEMS, ProblemKind
from gateway.http.routes import Route

OPENAPI_VERSION: Final = "3.1.0"

_REFERENCE: Final = "#/components/schemas/{name}"
_DESCRIPTION: Final = (
    "The gateway at the border of a province's e-licence (电子证照) system. "
    "Callers sign in with a JWT of at most five minutes, signed with their registered key (EdDSA, ES256 or SM2)."
)


def build_openapi(routes: Iterable[Route], *, version: str) -> dict[str, Any]:
    """Return the document for these routes."""
    routes = list(routes)
    types: dict[str, type[Struct]] = {ProblemDocument.__name__: ProblemDocument}
    for route in routes:
        types |= {body.__name__: body for body in (route.request, route.answer) if body is not None}
    _, schemas = msgspec.json.schema_components(types.values(), ref_template=_REFERENCE)
    for schema in schemas.values():
        schema["description"] = inspect.cleandoc(schema.get("description", ""))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Tongban (通办)", "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"callerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "security": [] if route.is_open else [{"callerToken": []}],
        "parameters": [
            {
                "name": "X-Request-Id",
                "in": "header",
                "required": False,
                "description": "Comes back in the answer, and stands in the logs; made up when absent or odd.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"},
            }
        ],
        "responses": {"200": _answer(route), **_problems(route.problems)},
    }
    if route.description:
        operation["description"] = route.description
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": _schema_of(route.request)}}
    return operation


def _answer(route: Route) -> dict[str, Any]:
    schema = {"schema": {"type": "string" if route.answer_content_type == "text/plain" else "object"}}
    content = schema if route.answer is None else _schema_of(route.answer)
    return {"description": "The answer.", "content": {route.answer_content_type: content}}


def _problems(kinds: Iterable[ProblemKind]) -> Mapping[str, Any]:
    """Return one response for each status, naming the reasons that have it."""
    reasons: dict[int, list[str]] = {}
    for kind in kinds:
        reasons.setdefault(PROBLEMS[kind].status, []).append(f"`{kind.value}`: {PROBLEMS[kind].title_en}.")
    return {
        str(status): {
            "description": " ".join(texts),
            "content": {PROBLEM_CONTENT_TYPE: _schema_of(ProblemDocument)},
        }
        for status, texts in sorted(reasons.items())
    }


def _schema_of(body: type[Struct]) -> dict[str, Any]:
    return {"schema": {"$ref": _REFERENCE.format(name=body.__name__)}}
