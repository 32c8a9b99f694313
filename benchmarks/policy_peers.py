"""The same policy for other engines: Cedar through cedarpy, Rego through rego-cpp. They say which rules match.

Neither knows forms, overrides or obligations, so a rule becomes a permission with its conditions, and the answer to
compare is the set of rules. A context has only values that can be: what cannot be is not expressed in either language.
"""

import importlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from policies.bundle import Bundle
from policies.compile import speaks_of
from policies.dimension import Context, Dimension
from policies.reference import conditions
from policies.rule import Rule

Ask = Callable[[Context], frozenset[str]]

_AS_ASKED: Final = "as_asked"  # whether the consent is that which the item asks for, as a rule that is silent wants


class PeerMissingError(Exception):
    """The package of another engine is not installed; ``str()`` is its name."""


def cedar(bundle: Bundle) -> Ask:
    """Return Cedar's answers: one request for all fields, the policies parsed beforehand.

    Raises:
        PeerMissingError: cedarpy is not installed.

    """
    cedarpy = _load("cedarpy")
    policies = cedarpy.PolicySet.from_str("\n".join(render_cedar(rule, bundle) for rule in bundle.rules))
    entities = cedarpy.Entities.from_json_str("[]")
    ids = {f"policy{place}": rule.id for place, rule in enumerate(bundle.rules)}
    say = _request(bundle)
    fixed = {"principal": 'Caller::"c"', "action": 'Action::"read"', "resource": 'Licence::"l"'}

    def ask(context: Context) -> frozenset[str]:
        request = fixed | {"context": say(context)}
        result = cedarpy.is_authorized(request, policies, entities)
        return frozenset(ids[reason] for reason in result.diagnostics.reasons)

    return ask


def rego(bundle: Bundle) -> Ask:
    """Return the answers of rego-cpp, compiled beforehand.

    Raises:
        PeerMissingError: regopy is not installed.

    """
    interpreter = _load("regopy").Interpreter()
    rules = "\n".join(render_rego(rule, bundle) for rule in bundle.rules)
    interpreter.add_module("tongban.rego", f"package tongban\nimport rego.v1\n{rules}")
    compiled = interpreter.build("data.tongban.matched")
    say = _request(bundle)

    def ask(context: Context) -> frozenset[str]:
        interpreter.set_input(say(context))
        return frozenset(json.loads(str(interpreter.query_bundle(compiled)))["expressions"][0])

    return ask


def render_cedar(rule: Rule, bundle: Bundle) -> str:
    """Render a rule as one `permit`."""
    clauses = " && ".join(
        "(" + " || ".join(f"context.{name} == {json.dumps(value)}" for value in values) + ")"
        for name, values in _clauses(rule, bundle)
    )
    return f"permit(principal, action, resource) when {{ {clauses} }};"


def render_rego(rule: Rule, bundle: Bundle) -> str:
    """Render a rule as one clause of the set of rules that match."""
    clauses = "; ".join(
        f"input.{name} in {{{', '.join(json.dumps(value) for value in values)}}}"
        for name, values in _clauses(rule, bundle)
    )
    return f"matched contains {json.dumps(rule.id)} if {{ {clauses} }}"


def _request(bundle: Bundle) -> Callable[[Context], dict[str, str]]:
    """Return what is said of a context: its values, and whether the consent is that which the item asks for."""
    asked = {item.id: item.consent for item in bundle.items}

    def request(context: Context) -> dict[str, str]:
        is_asked = str(context.consent == asked[context.item]).lower()
        return {**dict(zip(map(str, Dimension), map(str, context), strict=True)), _AS_ASKED: is_asked}

    return request


def _clauses(rule: Rule, bundle: Bundle) -> list[tuple[str, Sequence[str]]]:
    """Return the conditions of a rule, with the licence types that it speaks of as one of them."""
    spoken = tuple(licence.id for licence in bundle.licences if speaks_of(rule, licence)) or ("",)
    accepted = conditions(rule) | {Dimension.LICENCE: spoken}
    silent: list[tuple[str, Sequence[str]]] = [(_AS_ASKED, ("true",))] if rule.wants_consent_asked else []
    said = [(str(dimension), tuple(map(str, values))) for dimension, values in accepted.items() if values is not None]
    return [*said, *silent]


def _load(name: str) -> Any:  # noqa: ANN401 -- a package that may be absent
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PeerMissingError(name) from error
