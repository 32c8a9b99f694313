"""The OpenAPI 3.1 document, made from the table of routes and the types of the bodies, so that it cannot drift."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from gateway.http.language import Language
from gateway.http.messages.problems import ProblemDocument
from gateway.http.messages.questions import LicenceQuestion
from gateway.http.problems import PROBLEM_CONTENT_TYPE, PROBLEMS, ProblemKind
from gateway.http.routes import Route

OPENAPI_VERSION: Final = "3.1.0"

# Every address may be asked in a wrong way, and the gateway may fail at every one.
EVERYWHERE: Final = (ProblemKind.BAD_REQUEST, ProblemKind.METHOD_NOT_ALLOWED, ProblemKind.INTERNAL)

_HEADERS: Final[Mapping[str, Any]] = {
    "X-Request-Id": {"description": "The id of the request.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "The scheme to sign in with.", "schema": {"type": "string"}},
    "Content-Language": {"description": "The language of sentences.", "schema": {"enum": [*Language]}},
    "Allow": {"description": "The methods that this address takes.", "schema": {"type": "string"}},
}
_OF_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# A licence is named in exactly one way; null counts as not given.
_WAYS: Final = [
    {"required": ["document"], "properties": {"document": {"type": "string"}}},  # and perhaps format and stapled
    {"required": ["identifier"], "properties": {"identifier": {"type": "string"}}},
    {"required": ["number", "type"], "properties": {name: {"type": "string"} for name in ("number", "type")}},
    {"required": ["code"], "properties": {"code": {"type": "string"}}},
]
_LANGUAGE: Final = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "Sentences are English where that is wanted more than Chinese.",
    "schema": {"type": "string"},
}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_REFERENCE: Final = "#/components/schemas/{name}"
_DESCRIPTION: Final = (
    "The gateway at the border of a province's e-licence (电子证照) system. "
    "Callers sign in with a JWT of at most five minutes, signed with their registered key (EdDSA, ES256 or SM2). "
    "A token may be used again until it expires; its `jti` must differ from token to token, because a later version "
    "will refuse one that it has seen."
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
    schemas[LicenceQuestion.__name__]["oneOf"] = _WAYS
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for method in route.methods:
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Tongban (通办)", "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"callerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, method: str) -> dict[str, Any]:
    is_head = method != route.method
    operation: dict[str, Any] = {
        "operationId": f"{route.operation}-head" if is_head else route.operation,
        "summary": route.summary,
        "security": [] if route.is_open else [{"callerToken": []}],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _PARAMETER.findall(route.path)
            ),
            *([_LANGUAGE] if route.is_worded else []),
            {
                "name": "X-Request-Id",
                "in": "header",
                "required": False,
                "description": "Comes back in the answer, and stands in the logs; made up when absent or odd.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"},
            },
        ],
        "responses": {"200": _answer(route, is_head=is_head), **_problems((*route.problems, *EVERYWHERE))},
    }
    for status in route.other_statuses:
        operation["responses"][str(status)] = _answer(route, is_head=is_head)
    if route.description:
        operation["description"] = route.description
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": _schema_of(route.request)}}
    return operation


def _answer(route: Route, *, is_head: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "The answer.", "headers": {"X-Request-Id": _HEADERS["X-Request-Id"]}}
    if route.is_worded:
        answer["headers"] |= {"Content-Language": _HEADERS["Content-Language"]}
    if not is_head:
        schema = {"schema": {"type": "string" if route.answer_content_type == "text/plain" else "object"}}
        answer["content"] = {route.answer_content_type: schema if route.answer is None else _schema_of(route.answer)}
    return answer


def _problems(kinds: Iterable[ProblemKind]) -> Mapping[str, Any]:
    """Return one response for each status, naming the reasons that have it and the headers that come with it."""
    reasons: dict[int, list[str]] = {}
    for kind in dict.fromkeys(kinds):
        reasons.setdefault(PROBLEMS[kind].status, []).append(f"`{kind.value}`: {PROBLEMS[kind].title_en}.")
    return {
        str(status): {
            "description": " ".join(texts),
            "headers": {name: _HEADERS[name] for name in ("X-Request-Id", *_OF_STATUS.get(status, ()))},
            "content": {PROBLEM_CONTENT_TYPE: _schema_of(ProblemDocument)},
        }
        for status, texts in sorted(reasons.items())
    }


def _schema_of(body: type[Struct]) -> dict[str, Any]:
    return {"schema": {"$ref": _REFERENCE.format(name=body.__name__)}}
