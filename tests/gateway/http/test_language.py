"""The language of sentences: Chinese unless English is wanted more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.language import Language, select_language
from gateway.http.openapi import build_openapi
from gateway.http.routes import ROUTES
from gateway.toml_table import Words


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ZH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        ("en", Language.EN),
        ("en-GB,en;q=0.9", Language.EN),
        ("EN-us , zh ; q=0.5", Language.EN),
        ("en;q=0.8, zh-Hans-CN", Language.ZH),
        ("en;q=0.5, zh;q=0.5", Language.ZH),
        ("en;q=0", Language.ZH),
        ("fr, *", Language.ZH),
        ("fr, en;q=0.1", Language.EN),
        ("en;q=x", Language.ZH),
        ("english", Language.ZH),
        ("en;level=1", Language.ZH),
        (",,;q=1,en", Language.EN),
    ],
)
def test_what_is_wanted_more(header: str, language: Language) -> None:
    """Regions do not count, qualities do, and what cannot be read wants nothing."""
    assert select_language(header) is language


@given(st.text())
def test_any_header_has_a_language(header: str) -> None:
    """Nothing that is sent is an error."""
    assert select_language(header).say(Words("中", "en")) in {"中", "en"}


def test_worded_answers_say_so() -> None:
    """The description names the header by which a language is asked for, where there are sentences to be read."""
    document = build_openapi(ROUTES, version="1")
    worded = document["paths"]["/holder/v1/accesses"]["post"]
    assert "Accept-Language" in [one["name"] for one in worded["parameters"]]
    assert worded["responses"]["200"]["headers"]["Content-Language"]["schema"] == {"enum": ["zh-CN", "en"]}
    plain = document["paths"]["/v1/verifications"]["post"]
    assert "Content-Language" not in plain["responses"]["200"]["headers"]
