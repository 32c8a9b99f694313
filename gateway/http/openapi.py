"""The OpenAPI 3.1 document, made from the table of routes and the types of the bodies, so that it cannot drift."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from gateway.http.auditors import REACHED_HEADER
from gateway.http.batch import BATCH_CONTENT_TYPE
from gateway.http.language import Language
from gateway.http.messages.presentations import PresentationRequest
from gateway.http.messages.problems import ProblemDocument
from gateway.http.messages.questions import LicenceQuestion
from gateway.http.problems import PROBLEM_CONTENT_TYPE, PROBLEMS, ProblemKind
from gateway.http.routes import Route

OPENAPI_VERSION: Final = "3.1.0"

# Every address may be asked in a wrong way, and the gateway may fail at every one.
EVERYWHERE: Final = (ProblemKind.BAD_REQUEST, ProblemKind.METHOD_NOT_ALLOWED, ProblemKind.INTERNAL)
# Every caller who has to sign in may fail to, ask too much, or at a bad moment; each refusal has to be logged.
SIGNED_IN: Final = (
    ProblemKind.UNAUTHENTICATED,
    ProblemKind.ROLE_NOT_ALLOWED,
    ProblemKind.RATE_EXCEEDED,
    ProblemKind.CONCURRENCY_EXCEEDED,
    ProblemKind.QUOTA_EXCEEDED,
    ProblemKind.TOKEN_UNAVAILABLE,
    ProblemKind.LOG_UNAVAILABLE,
    ProblemKind.BUSY,
)

_HEADERS: Final[Mapping[str, Any]] = {
    "X-Request-Id": {"description": "The id of the request.", "required": True, "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {
        "description": "The scheme to sign in with.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Content-Language": {"description": "The language of sentences.", "schema": {"enum": [*Language]}},
    "Allow": {"description": "The methods that this address takes.", "required": True, "schema": {"type": "string"}},
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    REACHED_HEADER: {
        "description": "Where there is more: how far back entries were looked at; a search up to it finds the rest.",
        "schema": {"type": "string"},
    },
}
_OF_STATUS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# Each way to name a licence: what it needs, and what else may stand beside it.
_WAYS: Final[Mapping[type[Struct], Sequence[tuple[Sequence[str], Sequence[str]]]]] = {
    LicenceQuestion: (
        (("document",), ("format", "stapled")),
        (("identifier",), ()),
        (("number", "type"), ("holder",)),
        (("code",), ()),
    ),
    PresentationRequest: (
        (("identifier",), ("items", "seconds")),
        (("number", "type"), ("items", "seconds")),
    ),
}
# Bodies that are of no shape of ours.
_JSON_OBJECT: Final = {"schema": {"type": "object"}}
_TEXT: Final = {"schema": {"type": "string"}}
_BYTES: Final[Mapping[str, Any]] = {}  # OpenAPI 3.1: no schema
_LANGUAGE: Final = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "Sentences are English where that is wanted more than Chinese.",
    "schema": {"type": "string"},
}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_BOUND_PARAMETER: Final = re.compile(r"\{(\w+):(.+?)\}(?=/|$)")  # as the router is told which texts it takes
_REFERENCE: Final = "#/components/schemas/{name}"
_DESCRIPTION: Final = (
    "The gateway at the border of a province's e-licence (电子证照) system. "
    "Callers sign in with a JWT of at most five minutes, signed with their registered key (EdDSA, ES256 or SM2). "
    "A token may be used again until it expires, unless the operator registered the caller for tokens that work once; "
    "its `jti` must differ from token to token. "
    "Whole numbers in bodies are written without a point. "
    "Each caller has limits (429, `Retry-After`); an overloaded gateway refuses early (503, `Retry-After`)."
)


def build_openapi(routes: Iterable[Route], *, version: str) -> dict[str, Any]:
    """Return the document for these routes."""
    routes = list(routes)
    types: dict[str, type[Struct]] = {ProblemDocument.__name__: ProblemDocument}
    for route in routes:
        types |= {body.__name__: body for body in (route.request, route.answer) if body is not None}
    _, schemas = msgspec.json.schema_components(types.values(), ref_template=_REFERENCE)
    schemas = _with_portable_patterns(schemas)
    for schema in schemas.values():
        schema["description"] = inspect.cleandoc(schema.get("description", ""))
    for shape, ways in _WAYS.items():
        if shape.__name__ in schemas:
            schemas[shape.__name__]["oneOf"] = [_way(shape, *way) for way in ways]
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


def _with_portable_patterns(part: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Return schemas whose patterns mean the same in ECMA-262, as JSON Schema has it, and in other dialects.

    An end is ``$`` there, and halves of surrogate pairs are not for everybody: in UTF-8 there are none.
    """
    match part:
        case dict():
            return {
                name: value.replace(r"\Z", "$").replace(r"\ud800-\udfff", "")
                if name == "pattern" and isinstance(value, str)
                else _with_portable_patterns(value)
                for name, value in part.items()
            }
        case list():
            return [_with_portable_patterns(one) for one in part]
        case _:
            return part


def _operation(route: Route, method: str) -> dict[str, Any]:
    is_head = method != route.method
    bounds = {name: {"pattern": f"^{pattern}$"} for name, pattern in _BOUND_PARAMETER.findall(route.pattern)}
    operation: dict[str, Any] = {
        "operationId": f"{route.operation}-head" if is_head else route.operation,
        "summary": route.summary,
        "security": [] if route.is_open else [{"callerToken": []}],
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | bounds.get(name, {})}
                for name in _PARAMETER.findall(route.path)
            ),
            *([_LANGUAGE] if route.is_worded else []),
            {
                "name": "X-Request-Id",
                "in": "header",
                "required": False,
                "description": (
                    "Comes back in the answer, and stands in the logs; another one is made up when it is absent or "
                    "not 1 to 64 of letters, digits, `.`, `_`, `~` and `-`."
                ),
                "schema": {"type": "string"},
            },
        ],
        "responses": {
            "200": _answer(route, route.answer_content_types, is_head=is_head),
            **_problems((*route.problems, *(() if route.is_open else SIGNED_IN), *EVERYWHERE)),
        },
    }
    for status, content_type in route.other_answers.items():
        operation["responses"][str(status)] = _answer(route, (content_type,), is_head=is_head)
    if route.description:
        operation["description"] = route.description
    if route.method == "POST":
        content_type = route.request_content_type
        operation["requestBody"] = {
            "required": True,
            "content": {content_type: _schema_in(route.request, content_type)},
        }
    return operation


def _way(shape: type[Struct], needed: Iterable[str], beside: Iterable[str]) -> dict[str, Any]:
    """Return the schema of one way to name a licence: of the other ways nothing is given, for which null counts too."""
    names = [field.encode_name for field in msgspec.structs.fields(shape)]
    properties = {name: {"type": "null"} for name in names if name not in beside}
    return {"required": [*needed], "properties": properties | {name: {"type": "string"} for name in needed}}


def _answer(route: Route, content_types: Iterable[str], *, is_head: bool) -> dict[str, Any]:
    names = ("X-Request-Id", *route.answer_headers, *(("Content-Language",) if route.is_worded else ()))
    answer: dict[str, Any] = {"description": "The answer.", "headers": {name: _HEADERS[name] for name in names}}
    if not is_head:
        answer["content"] = {one: _schema_in(route.answer, one) for one in content_types}
    return answer


def _schema_in(shape: type[Struct] | None, content_type: str) -> Mapping[str, Any]:
    """Return the schema of a body; OpenAPI 3.1 has no words for one value a line."""
    if shape is None:
        if content_type == "application/json":
            return _JSON_OBJECT
        return _TEXT if content_type.startswith("text/") else _BYTES
    if content_type == BATCH_CONTENT_TYPE:
        return {"schema": {"type": "string", "description": f"One `{shape.__name__}` a line, in JSON."}}
    return _schema_of(shape)


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
