"""Asking a gateway what its description allows, and holding every answer against it."""

from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from schemathesis.checks import CheckContext, CheckFunction, not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from gateway.callers import CallerRole
from gateway.http.batch import BATCH_CONTENT_TYPE
from gateway.http.routes import ROUTES
from tests.support.described import Described, token_of
from tests.support.http import bearer

Sample = tuple[Mapping[str, str], Any]  # what stands in the path, and the body

BY_PATH = {route.path: route for route in ROUTES}
TRACES = ("Traceback (most recent", 'File "/', "site-packages")


@schemathesis.serializer(BATCH_CONTENT_TYPE)
def encode_lines(_: schemathesis.SerializationContext, value: object) -> dict[str, bytes]:
    """Send a batch as it is."""
    return {"data": str(value).encode("utf-8", "replace")}


def says_nothing_of_itself(_: CheckContext, response: Response, __: schemathesis.Case) -> None:
    """Check that no answer shows how the gateway is made, and that each has what all have."""
    text = response.content.decode("utf-8", "replace")
    assert not any(trace in text for trace in TRACES)
    assert response.headers["server"] == ["tongban"]
    assert response.headers["x-content-type-options"] == ["nosniff"]
    if response.status_code == 429:
        assert response.headers["retry-after"]


ALWAYS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    says_nothing_of_itself,
]


class Asker:
    """Asks a gateway as its description says, and holds the answers against it."""

    def __init__(self, described: Described) -> None:
        """Read the description from where it is served."""
        self._described = described
        self._session = requests.Session()
        schema = schemathesis.openapi.from_url(f"{described.base_url}/openapi.json")
        assert isinstance(schema, OpenApiSchema)
        self.schema = schema

    def operation(self, method: str, path: str) -> APIOperation:
        """Return what the description says of an address."""
        return self.schema[path][method]

    def ask(self, case: schemathesis.Case, *checks: CheckFunction, role: CallerRole | None = None) -> Response:
        """Ask as the caller who may, or one of a role, and check the answer."""
        route = BY_PATH[case.operation.path]
        headers = self._described.headers(route) if role is None else bearer(token_of(role))
        response = case.call(base_url=self._described.base_url, session=self._session, headers=headers)
        case.validate_response(response, checks=[*ALWAYS, *checks])
        return response

    def ask_with(self, path: str, sample: Sample, method: str = "") -> Response:
        """Ask an address this."""
        parameters, content = sample
        operation = self.operation(method or BY_PATH[path].method, path)
        words = {} if content is None else {"body": content, "media_type": BY_PATH[path].request_content_type}
        return self.ask(operation.Case(path_parameters=dict(parameters), **words))

    def close(self) -> None:
        """Hang up."""
        self._session.close()
