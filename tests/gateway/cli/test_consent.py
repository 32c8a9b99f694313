"""``tongban consent``: registered, shown and withdrawn by the operator."""

from pathlib import Path

import pytest

from gateway.site_template import write_site
from tests.support.cli import Ended, tongban
from tests.support.sharing import ADULT, CHILD, COMPANY

OPTIONS = ("--item", "34-002", "--licence", "driving-licence", "--organisation", COMPANY, "--expires", "2029-01-01")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    return tmp_path / "site"


def add(site: Path, *options: str, stdin: bytes = f"{ADULT}\n\n{CHILD}\n".encode()) -> Ended:
    return tongban("consent", "add", "--site", site, *(options or OPTIONS), "--json", stdin=stdin)


def test_from_adding_to_withdrawing(site: Path) -> None:
    """A consent is registered from numbers on standard input, shown without them, and withdrawn once."""
    added = add(site)
    assert (added.code, added.err) == (0, "")
    consent = added.object["consent"]
    assert added.object | {"consent": "", "given": ""} == {
        "consent": "",
        "holders": 2,
        "items": ["34-002"],
        "licences": ["driving-licence"],
        "fields": None,
        "organisations": [COMPANY],
        "registered_by": None,
        "given": "",
        "expires": "2028-12-31T16:00:00Z",
        "withdrawn": None,
    }
    shown = tongban("consent", "show", consent, "--site", site, "--json")
    assert shown.object == added.object
    withdrawn = [tongban("consent", "withdraw", consent, "--site", site, "--json") for _ in range(2)]
    assert [one.code for one in withdrawn] == [0, 0]
    assert withdrawn[0].object == withdrawn[1].object
    text = tongban("consent", "show", consent, "--site", site, locale="zh_CN.UTF-8").out
    assert "撤回时间" in text
    for path in (site / "state").iterdir():
        assert ADULT.encode() not in path.read_bytes()


@pytest.mark.slow
def test_unknown(site: Path) -> None:
    """An id that nobody has is a sentence and a code, also where no consent was ever registered."""
    for _ in range(2):
        for command in ("show", "withdraw"):
            ended = tongban("consent", command, "A" * 26, "--site", site)
            assert (ended.code, ended.out) == (1, "")
            assert "no such consent" in ended.err
        add(site)


@pytest.mark.parametrize(
    ("options", "stdin"),
    [
        (OPTIONS, b""),
        (OPTIONS, "无\n".encode()),
        (OPTIONS, f"{ADULT}\n".encode() * 17),
        ((*OPTIONS[:-1], "2000-01-01"), ADULT.encode()),
        ((*OPTIONS[:-1], "2099-01-01"), ADULT.encode()),
        ((*OPTIONS[:-1], "soon"), ADULT.encode()),
        ((*OPTIONS, "--item", "x" * 200), ADULT.encode()),
    ],
)
def test_wrong_options(site: Path, options: tuple[str, ...], stdin: bytes) -> None:
    """What is wrong is said, nothing is registered, and no number is repeated."""
    ended = add(site, *options, stdin=stdin)
    assert ended.code == 2
    assert ended.object["error"] == "usage"
    assert ADULT not in ended.err + ended.out
    assert not (site / "state" / "consents.sqlite").exists()


def test_no_site(tmp_path: Path) -> None:
    """Where there is no site nothing is made."""
    ended = add(tmp_path)
    assert ended.code == 2
    assert list(tmp_path.iterdir()) == []
