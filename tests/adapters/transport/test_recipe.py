"""The reader of [transport]: a sound recipe, and each way to break it."""

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.answer import AnswerOutcome
from adapters.mapping.fault import MappingError
from adapters.transport.reader import PayloadFunctions, parse_transport
from adapters.transport.recipe import BodyKind, Method, Question, TransportRecipe, Way

FUNCTIONS = PayloadFunctions(
    encryptions=frozenset({"cipher"}), signatures=frozenset({"signer"}), wrappings=frozenset({"wrap"})
)
SOUND = """
evidence = "probable"
deadline_ms = 5000
connect_ms = 3000
settings = ["account", "app"]
secrets = ["password", "key"]
headers = { "X-App" = "{setting.app}", "X-Sign" = "{signature}" }
hosts = { "files.inside:8080" = "files.example.org" }

[values]
time = "{now.epoch-ms}"

[namespaces]
s = "urn:soap"

[sign_in]
method = "POST"
url = "{base}/login"
json = { account = "{setting.account}", password = "{secret.password}", kind = 1, remember = true }
success = { at = "$.code", is = "0" }
token = "$.data.token"
lifetime_seconds = 3600
wrapping = { key = "key", name = "wrap", mode = "x" }

[signature]
key = "token"
name = "signer"
template = "{app}{time}"

[[encryption]]
direction = "in"
at = "$.data[*].content"
key = "key"
name = "cipher"
charset = "gbk"

[outcomes]
http = { "503" = "retry", "404" = "not-found" }
renew_on = ["-22"]

[[step]]
name = "encode"
url = "{base}/encode"
json = { list = ["{holder_code}", 7] }
gives = { holder = "$.data" }

[[call]]
for = "holder"
after = ["encode"]
url = "{base}/query"
query = { access = "{token}" }
form = { holder = "{given.holder}", time = "{value.time}", page = "{page}", size = "{page_size}" }
paging = { first = 1, size = 150, total = "$.total" }

[[call]]
for = "file"
method = "GET"
url = "{base}/file"

[[call]]
for = "number"
url = "{base}/soap"
headers = { SOAPAction = "x" }
xml = "<a>{message}</a>"
message = "<n>{number}</n>"
answer = "/s:Envelope/s:Body"
"""


def read(table: dict[str, Any]) -> TransportRecipe:
    """Read a recipe."""
    return parse_transport(table, functions=FUNCTIONS, file="x.toml")


def sound() -> dict[str, Any]:
    """Return a sound recipe as tables."""
    return tomllib.loads(SOUND)


def test_a_sound_recipe_is_read() -> None:
    """Everything that the table says is in the recipe."""
    recipe = read(sound())
    assert (recipe.deadlines.total_ms, recipe.deadlines.connect_ms, recipe.deadlines.read_ms) == (5000, 3000, None)
    assert recipe.sign_in is not None
    assert recipe.sign_in.wrapping is not None
    assert recipe.sign_in.wrapping.table == {"name": "wrap", "mode": "x"}
    assert recipe.signature is not None
    assert (recipe.signature.key, recipe.signature.name) == ("token", "signer")
    (part,) = recipe.encryption
    assert (part.way, part.function.parameters) == (Way.IN, {"charset": "gbk"})
    assert recipe.http == {503: AnswerOutcome.RETRY, 404: AnswerOutcome.NOT_FOUND}
    assert recipe.renew_on == {"-22"}
    assert set(recipe.calls) == {Question.HOLDER, Question.FILE, Question.NUMBER}
    call = recipe.calls[Question.HOLDER]
    assert call.request.body is not None
    assert (call.request.method, call.request.body.kind, call.after) == (Method.POST, BodyKind.FORM, ("encode",))
    assert call.paging is not None
    assert (call.paging.first, call.paging.size) == (1, 150)
    assert recipe.calls[Question.FILE].request.body is None
    assert recipe.calls[Question.NUMBER].request.answer is not None


def _set(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        here: Any = table
        for key in path[:-1]:
            here = here[key]
        if value is None:
            del here[path[-1]]
        else:
            here[path[-1]] = value

    return change


BROKEN = [
    (_set("deadline_ms", value=None), "deadline_ms"),
    (_set("deadline_ms", value=0), "deadline_ms"),
    (_set("deadline_ms", value=True), "deadline_ms"),
    (_set("connect_ms", value=5001), "connect_ms"),
    (_set("evidence", value="sure"), "evidence"),
    (_set("surprise", value=1), "surprise"),
    (_set("settings", value=["account", "app", "idle"]), "settings"),
    (_set("settings", value=["account", "app", "account"]), "settings"),
    (_set("settings", value=["account", "app", "Key"]), "settings"),
    (_set("secrets", value=["password", "key", "idle"]), "secrets"),
    (_set("secrets", value=["password", "key", "app"]), "secrets"),
    (_set("secrets", value=["password", "key", "token"]), "secrets"),
    (_set("secrets", value=["password"]), "key"),
    (_set("headers", "X App", value="x"), "headers"),
    (_set("headers", "x-app", value="x"), "headers"),
    (_set("headers", "X-App", value="{setting.none}"), "headers.X-App"),
    (_set("headers", "X-App", value="a\r\nb"), "headers.X-App"),
    (_set("headers", "X-Page", value="{page}"), "headers.X-Page"),
    (_set("hosts", "Files", value="x"), "hosts.Files"),
    (_set("hosts", "files", value="http://x"), "hosts.files"),
    (_set("values", "loop", value="{value.time}"), "values.loop"),
    (_set("values", "sign", value="{signature}"), "values.sign"),
    (_set("sign_in", "token", value=None), "sign_in.token"),
    (_set("sign_in", "lifetime_seconds", value=None), "sign_in.lifetime_seconds"),
    (_set("sign_in", "ends_at", value={"at": "$.end", "form": "epoch-ms"}), "sign_in.lifetime_seconds"),
    (_set("sign_in", "ends_at", value={"at": "$.end", "form": "iso"}), "sign_in.ends_at.form"),
    (_set("sign_in", "url", value="{base}/{token}"), "sign_in.url"),
    (_set("sign_in", "url", value="https://example.org/login"), "sign_in.url"),
    (_set("sign_in", "url", value="{base}/{secret.password}"), "sign_in.url"),
    (_set("sign_in", "query", value={"p": "{secret.password}"}), "sign_in.query"),
    (_set("sign_in", "form", value={"a": "b"}), "sign_in.form"),
    (_set("sign_in", "json", "account", value="{account}"), "sign_in.json.account"),
    (_set("sign_in", "json", "account", value=1.5), "sign_in.json.account"),
    (_set("sign_in", "success", "is", value=None), "sign_in.success.is"),
    (_set("sign_in", "wrapping", "name", value="wrong"), "sign_in.wrapping.name"),
    (_set("signature", "name", value="signr"), "signature.name"),
    (_set("signature", "name", value=None), "signature.name"),
    (_set("signature", "key", value=None), "signature.key"),
    (_set("signature", "key", value="account"), "signature.key"),
    (_set("signature", value=None), "headers.X-Sign"),
    (_set("encryption", 0, "name", value="signer"), "encryption[1].name"),
    (_set("encryption", 0, "direction", value=None), "encryption[1].direction"),
    (_set("encryption", 0, "direction", value="both"), "encryption[1].direction"),
    (_set("encryption", 0, "at", value="$..x"), "encryption[1].at"),
    (_set("outcomes", "http", "200", value="found"), "outcomes.http"),
    (_set("outcomes", "http", "999", value="error"), "outcomes.http"),
    (_set("outcomes", "renew", value=[]), "outcomes.renew"),
    (_set("step", 0, "name", value=None), "step[1].name"),
    (_set("step", 0, "gives", "holder", value="holder"), "step[1].gives.holder"),
    (_set("step", 0, "json", "list", value=["{given.holder}"]), "step[1].json.list[1]"),
    (_set("call", value=None), "call"),
    (_set("call", 0, "for", value=None), "call[1].for"),
    (_set("call", 0, "for", value="file"), "call[2].for"),
    (_set("call", 0, "after", value=["encod"]), "call[1].after"),
    (_set("call", 0, "after", value=[]), "call[1].form.holder"),
    (_set("call", 0, "url", value="{base}/{holder_code}"), "call[1].url"),
    (_set("call", 0, "url", value="{base}{base}"), "call[1].url"),
    (_set("call", 0, "url", value=None), "call[1].url"),
    (_set("call", 0, "query", "who", value="{holder_name}"), "call[1].query"),
    (_set("call", 0, "query", "who", value="{given.holder}"), "call[1].query"),
    (_set("call", 0, "query", "who", value="{base}"), "call[1].query.who"),
    (_set("call", 0, "paging", "size", value=0), "call[1].paging.size"),
    (_set("call", 0, "paging", "size", value=None), "call[1].paging.size"),
    (_set("call", 0, "paging", value=None), "call[1].form.page"),
    (_set("call", 0, "method", value="PUT"), "call[1].method"),
    (_set("call", 1, "json", value={"a": "b"}), "call[2].json"),
    (_set("call", 1, "message", value="x"), "call[2].message"),
    (_set("call", 2, "message", value=None), "call[3].message"),
    (_set("call", 2, "message", value="{message}"), "call[3].message"),
    (_set("call", 2, "answer", value="/t:Envelope"), "call[3].answer"),
    (_set("call", 2, "xml", value=["x"]), "call[3].xml"),
]


@pytest.mark.parametrize(("change", "key"), BROKEN, ids=[f"{number}-{key}" for number, (_, key) in enumerate(BROKEN)])
def test_one_broken_thing_is_named(change: Callable[[dict[str, Any]], None], key: str) -> None:
    """Whatever is broken in a sound recipe, a fault names its place."""
    table = sound()
    change(table)
    with pytest.raises(MappingError) as caught:
        read(table)
    assert any(fault.key.endswith(key) for fault in caught.value.faults), caught.value.faults


def test_without_a_sign_in_there_is_no_token() -> None:
    """A token, and codes after which it is renewed, need a sign-in that gives it."""
    table = sound()
    del table["sign_in"], table["signature"]
    table["headers"] = {"X-App": "{setting.app}{setting.account}{secret.password}"}
    with pytest.raises(MappingError) as caught:
        read(table)
    assert [fault.key for fault in caught.value.faults] == ["transport.outcomes.renew_on"]
    del table["outcomes"]
    with pytest.raises(MappingError) as caught:
        read(table)
    assert [fault.key for fault in caught.value.faults] == ["transport.call[1].query.access"]


def test_all_faults_come_at_once() -> None:
    """One report names every fault, in both languages, with what was expected."""
    table = sound()
    for change, _ in BROKEN[:3] + BROKEN[-4:]:
        change(table)
    with pytest.raises(MappingError) as caught:
        read(table)
    assert len(caught.value.faults) >= 3
    for fault in caught.value.faults:
        assert fault.file == "x.toml"
        assert fault.expected.zh
        assert fault.expected.en


def test_an_empty_table_is_no_recipe() -> None:
    """A recipe needs a deadline and a call."""
    with pytest.raises(MappingError) as caught:
        read({})
    assert [fault.key for fault in caught.value.faults] == ["transport.call", "transport.deadline_ms"]


def test_a_body_has_a_bound() -> None:
    """A body of more members than any system asks for is refused."""
    table = sound()
    table["sign_in"]["json"]["many"] = ["x"] * 1000
    with pytest.raises(MappingError):
        read(table)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["{base}", "$.a", "in", "cipher"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(sound())), value=VALUES, inside=st.booleans(), data=st.data())
def test_any_table_is_read_or_refused(*, key: str, value: object, inside: bool, data: st.DataObject) -> None:
    """Garbage anywhere raises only the error of mapping files, and the table is left as it was."""
    table = sound()
    here = table[key][0] if isinstance(table[key], list) and isinstance(table[key][0], dict) else table[key]
    if inside and isinstance(here, dict):
        here[data.draw(st.sampled_from(sorted(here)))] = value
    else:
        table[key] = value
    before = copy.deepcopy(table)
    try:
        read(table)
    except MappingError:
        pass
    assert table == before
