"""Whether every place of a recipe's templates has a value when it is filled, and what is declared is used."""

from collections.abc import Collection, Iterable
from typing import Final

from adapters.mapping.fault import FaultList, Path, Words, nearest, quote, show
from adapters.transport.recipe import Request, TransportRecipe
from adapters.transport.template import PERSONAL, Kind, Place, Template

_BASE: Final = Place(kind=Kind.WORD, name="base")
_SIGNATURE: Final = "signature"
_TOKEN: Final = "token"  # noqa: S105 -- the name of a place
_ONLY_IN: Final = {_BASE.name: "url", "message": "xml"}
_PAGE: Final = frozenset({"page", "page_size"})


class Uses:
    """The templates of a recipe with where they stand, its requests, and the names of the keys that it uses."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.templates: list[tuple[Path, Template]] = []
        self.requests: list[tuple[Path, Request]] = []
        self.keys: set[str] = set()

    def add(self, place: Path, template: Template) -> None:
        """Note a template."""
        self.templates.append((place, template))

    def request(self, place: Path, request: Request) -> None:
        """Note a request."""
        self.requests.append((place, request))


def check_places(recipe: TransportRecipe, uses: Uses, faults: FaultList) -> None:
    """Note every place that has no value where it stands, and every name that nobody uses."""
    given = _check_steps(recipe, faults)
    for path, template in uses.templates:
        for place in template.places:
            known = _known(place, path, recipe, given)
            if known is not None and place.name not in known:
                expected = Words("此处可用的名称", "a name that has a value here")
                faults.add(path, expected=expected, found=quote(f"{{{place}}}"), meant=nearest(place.name, known))
    for path, request in uses.requests:
        _check_address(path, request, faults)
        _check_message(path, request, faults)
    named = {place for _, template in uses.templates for place in template.places}
    _check_used("settings", recipe.settings, {one.name for one in named if one.kind is Kind.SETTING}, faults)
    _check_used("secrets", recipe.secrets, {one.name for one in named if one.kind is Kind.SECRET} | uses.keys, faults)


def _check_steps(recipe: TransportRecipe, faults: FaultList) -> dict[str, frozenset[str]]:
    """Return what is given to each call and step; a step has what the steps before it in the file gave."""
    steps = {step.name: frozenset(step.gives) for step in recipe.steps}
    given: dict[str, frozenset[str]] = {}
    before: frozenset[str] = frozenset()
    for number, step in enumerate(recipe.steps):
        given[f"step{number}"] = before
        before |= steps[step.name]
    for number, call in enumerate(recipe.calls.values()):
        for name in call.after:
            if name not in steps:
                expected = Words("[[transport.step]] 的 name", "the name of a [[transport.step]]")
                faults.add(
                    ("transport", "call", number, "after"),
                    expected=expected,
                    found=quote(name),
                    meant=nearest(name, steps),
                )
        given[f"call{number}"] = frozenset().union(*(steps.get(name, frozenset()) for name in call.after))
    return given


def _known(
    place: Place, path: Path, recipe: TransportRecipe, given: dict[str, frozenset[str]]
) -> Collection[str] | None:
    """Return the names of this kind that have a value at a path; None: this one has."""
    table = path[1]
    match place.kind:
        case Kind.SETTING:
            return recipe.settings
        case Kind.SECRET:
            return recipe.secrets
        case Kind.VALUE:
            return () if table == "values" else recipe.values
        case Kind.GIVEN:
            return given.get(f"{table}{path[2]}", ()) if len(path) > 2 else ()  # noqa: PLR2004 -- a table of a list
        case Kind.NOW:
            return None
        case Kind.WORD:
            return _known_words(place.name, path, recipe)


def _known_words(name: str, path: Path, recipe: TransportRecipe) -> Collection[str] | None:
    table = path[1]
    if name == _SIGNATURE:
        return None if recipe.signature is not None and table != "values" else ()
    if name == _TOKEN:
        return None if recipe.sign_in is not None and table != "sign_in" else ()
    if name in _PAGE:
        calls = list(recipe.calls.values())
        return None if table == "call" and calls[int(path[2])].paging is not None else ()
    if name in _ONLY_IN:
        return None if path[-1] == _ONLY_IN[name] else ()
    return None


def _check_address(path: Path, request: Request, faults: FaultList) -> None:
    """Check that the site gives the address, and that neither a secret nor a person is part of it."""
    if next(iter(request.url.parts), None) != _BASE or list(request.url.places).count(_BASE) != 1:
        expected = Words(
            "以 {base} 开头的地址：地址由站点给出", "an address that begins with {base}, which the site gives"
        )
        faults.add((*path, "url"), expected=expected, found=show(None if not request.url.parts else "…"))
    for key, templates in (("url", [request.url]), ("query", request.query.values())):
        for template in templates:
            for place in template.places:
                if place.kind in {Kind.SECRET, Kind.GIVEN} or (place.kind is Kind.WORD and place.name in PERSONAL):
                    expected = Words("地址中不含机密与个人信息", "no secrets and no personal data in an address")
                    faults.add((*path, key), expected=expected, found=quote(f"{{{place}}}"))


def _check_message(path: Path, request: Request, faults: FaultList) -> None:
    """Check that a message has a place to go to, and does not contain itself."""
    message = Place(kind=Kind.WORD, name="message")
    inside = request.message is not None and message in request.message.places
    content = None if request.body is None else request.body.content
    has_place = isinstance(content, Template) and message in content.places
    if inside or has_place != (request.message is not None):
        expected = Words("message 与 xml 中的 {message} 同时出现", "message together with {message} in xml")
        faults.add((*path, "message"), expected=expected, found=show(None if request.message is None else "…"))


def _check_used(key: str, names: Iterable[str], used: set[str], faults: FaultList) -> None:
    for name in names:
        if name not in used:
            expected = Words("有人使用的名称", "names that are used")
            faults.add(("transport", key), expected=expected, found=quote(name))
