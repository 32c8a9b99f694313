"""``tongban store``: the gateway's own licences, from the command line."""

import stat
from pathlib import Path

import pytest

from gateway.cli.store_commands import _load_trust
from gateway.demo.issuer import IssuedLicence
from gateway.site_template import write_site
from gateway.sources.licence_store import Selection
from gateway.sources.store import SqliteLicenceStore
from gateway.trust.memory import TrustMemory
from tests.support import pki
from tests.support.cli import Ended, tongban
from tests.support.demo import NOW, demo_stock
from tests.support.trust_folder import put, write_folder
from tests.support.trust_lists import ENTRIES, make_list, next_list
from tests.support.trust_lists import signed as signed_list

LICENCES = demo_stock().licences
ONE = next(one for one in LICENCES if one.draft.annotation is None)
COPY = next(one for one in LICENCES if one.draft.annotation is not None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site that trusts the demo's authority."""
    folder = tmp_path_factory.mktemp("store") / "site"
    write_site(folder)
    demo_stock().authority.write_trust_folder(folder / "trust", NOW)
    return folder


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of genuine licences, with garbage, a seal and a forgery among them."""
    folder = tmp_path_factory.mktemp("documents")
    for licence in LICENCES[:6]:
        (folder / licence.name).write_bytes(licence.document)
    forgery = demo_stock().forgeries[0]
    (folder / forgery.name).write_bytes(forgery.document)
    (folder / "garbage.ofd").write_bytes(b"garbage")
    (folder / "seal.esl").write_bytes(ONE.seal.encoded)
    return folder


@pytest.fixture(scope="module")
def imported(site: Path, documents: Path) -> Ended:
    """Import the folder."""
    return tongban("store", "import", documents, "--site", site, "--json")


def store(site: Path, *arguments: str | Path, **more: object) -> Ended:
    return tongban("store", *arguments, "--site", site, **more)  # type: ignore[arg-type]  # passed on as they are


def test_import_stores_licences_and_names_every_fault(imported: Ended, site: Path) -> None:
    """What is a genuine licence is stored; garbage, seals, copies and forgeries are refused, each for its reason."""
    assert imported.code == 1
    results = {Path(one["input"]).name: (one["result"], one["fault"], one["detail"]) for one in imported.objects}
    genuine = [licence.name for licence in LICENCES[:6] if licence.draft.annotation is None]
    assert [name for name, (result, _, _) in results.items() if result == "new"] == genuine
    assert results[COPY.name] == ("refused", "annotated-copy", None)
    assert results["garbage.ofd"] == ("refused", "unrecognised", "unrecognised")
    assert results["seal.esl"] == ("refused", "no-metadata", None)
    assert results[demo_stock().forgeries[0].name] == ("refused", "not-genuine", "references.mismatch")
    place = site / "state" / "licences.sqlite"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    kept = SqliteLicenceStore(place)
    assert [one.identifier for one in kept.entries(Selection())] == [
        licence.draft.identifier for licence in LICENCES[:6] if licence.draft.annotation is None
    ]
    kept.close()


@pytest.mark.usefixtures("imported")
def test_import_again_changes_nothing(site: Path, documents: Path) -> None:
    """The same files are there already, and people are told in one line, after the faults, in their language."""
    again = store(site, "import", documents)
    genuine = sum(licence.draft.annotation is None for licence in LICENCES[:6])
    assert (again.code, again.out) == (1, "")
    lines = again.err.splitlines()
    assert lines[-1] == f"new 0, new versions 0, already there {genuine}, refused 4"
    assert len(lines) == 5
    one = store(site, "import", documents / ONE.name, locale="zh_CN.UTF-8")
    assert (one.code, one.err) == (0, "新增 0，新版本 0，已有 1，未导入 0\n")


@pytest.mark.usefixtures("imported")
@pytest.mark.slow
def test_status_is_set_listed_and_shown(site: Path) -> None:
    """A status is set with its reason, found in lists, and kept in the history; objections are a mark beside it."""
    identifier = ONE.draft.identifier
    done = store(
        site, "status", identifier, "--set", "suspended", "--reason", "鲁监〔2026〕7号", "--under-objection", "--json"
    )
    assert (done.code, done.object["status"], done.object["under_objection"]) == (0, "suspended", True)
    (listed,) = store(site, "list", "--status", "suspended", "--json").objects
    assert (listed["identifier"], listed["name"]) == (identifier, str(ONE.draft.kind))
    shown = store(site, "show", listed["sha256"], "--json").object
    assert [one["reason"] for one in shown["history"]] == [None, "鲁监〔2026〕7号"]
    assert [one["current"] for one in shown["documents"]] == [True]
    for command in (["list"], ["show", identifier]):
        for locale, word in (("C.UTF-8", "suspended (under objection)"), ("zh_CN.UTF-8", "暂扣（异议处理中）")):
            assert word in store(site, *command, locale=locale).out
    assert store(site, "status", identifier, "--set", "active", "--reason", "lifted").code == 0
    assert store(site, "list", "--status", "suspended", "--json").objects == []


@pytest.mark.usefixtures("imported")
def test_nothing_personal_is_printed(site: Path) -> None:
    """Lists hold no number and no holder; a holder's code is read from standard input, and not repeated."""
    texts = [store(site, "list").out, store(site, "list", "--json").out]
    texts += [store(site, "show", ONE.draft.identifier).out, store(site, "show", ONE.draft.identifier, "--json").out]
    code = ONE.draft.holders[0].code
    found = store(site, "list", "--holder", "-", "--json", stdin=f"{code}\n".encode())
    assert [one["identifier"] for one in found.objects] == [
        one.draft.identifier
        for one in LICENCES[:6]
        if one.draft.annotation is None and code in [holder.code for holder in one.draft.holders]
    ]

    def personal(licence: IssuedLicence) -> list[str]:
        draft = licence.draft
        return [draft.number, *(text for holder in draft.holders for text in (holder.code, holder.name))]

    for text in [*texts, found.out]:
        assert not [word for licence in LICENCES for word in personal(licence) if word in text]


@pytest.mark.usefixtures("imported")
def test_announce(site: Path) -> None:
    """A licence is noted before its document is made, once; one that has an identifier in use is refused."""
    parts = ["--number", "ANNOUNCED", "--type", "T", "--identifier", "1.2.3"]
    assert [store(site, "announce", *parts, "--json").object["result"] for _ in range(2)] == ["new", "already-there"]
    taken = store(site, "announce", "--number", "OTHER", "--type", "T", "--identifier", "1.2.3")
    assert (taken.code, taken.out) == (1, "")
    assert "belongs to a licence of another number" in taken.err
    assert store(site, "announce", "--number", "ALONE").code == 2


@pytest.mark.usefixtures("imported")
def test_an_unknown_licence_is_a_sentence(site: Path) -> None:
    """What the store does not have is said, in words and as JSON."""
    for command in (["show", "1.2.156"], ["status", "1.2.156", "--set", "revoked", "--reason", "x"]):
        ended = store(site, *command, "--json")
        assert (ended.code, ended.object["error"]) == (1, "unknown-licence")
        assert "no such licence" in ended.err


def test_no_store_is_a_sentence(tmp_path: Path) -> None:
    """Looking into a store that is not there makes none, and says what to do."""
    write_site(tmp_path)
    for command in (["list"], ["show", "x"], ["status", "x", "--set", "active", "--reason", "x"]):
        ended = store(tmp_path, *command, "--json")
        assert (ended.code, ended.object["error"]) == (2, "store.absent")
    assert not (tmp_path / "state").exists()
    assert "尚无证照库" in store(tmp_path, "list", locale="zh_CN.UTF-8").err


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\x1bb"])
@pytest.mark.usefixtures("imported")
def test_a_reason_is_a_sentence(site: Path, reason: str) -> None:
    """A status needs a reason that a person can read later."""
    ended = store(site, "status", ONE.draft.identifier, "--set", "revoked", "--reason", reason)
    assert ended.code == 2
    assert "--reason" in ended.err


@pytest.mark.parametrize("site_text", [None, "[store]\nfile = '../elsewhere'\n", "[store]\nfile = 'licences.sqlite'\n"])
def test_wrong_settings_are_a_sentence(tmp_path: Path, site_text: str | None) -> None:
    """The place of the store is below state/ or absolute; without settings there is no place."""
    if site_text is not None:
        write_site(tmp_path)
        settings = tmp_path / "tongban.toml"
        text = settings.read_text(encoding="utf-8").partition("[store]")[0]
        settings.write_text(text + site_text, encoding="utf-8")
    ended = store(tmp_path, "list")
    assert (ended.code, ended.out) == (2, "")
    assert ("store.file" if site_text else "tongban.toml") in ended.err


def test_the_place_of_the_store(tmp_path: Path) -> None:
    """The store lies where the settings say."""
    write_site(tmp_path / "site")
    settings = tmp_path / "site" / "tongban.toml"
    text = settings.read_text(encoding="utf-8").partition("[store]")[0]
    place = tmp_path / "elsewhere" / "own.sqlite"
    settings.write_text(f"{text}[store]\nfile = '{place}'\n", encoding="utf-8")
    assert store(tmp_path / "site", "announce", "--identifier", "1.2.3").code == 0
    assert place.exists()


def test_an_unreadable_file_is_usage(site: Path, tmp_path: Path) -> None:
    """A file that is not there ends with 2, and so does nothing at all."""
    assert store(site, "import", tmp_path / "none.ofd").code == 2
    assert store(site, "import", tmp_path).code == 2


def test_import_trusts_as_the_gateway_does(tmp_path: Path) -> None:
    """What the site's gateway would hold back or refuse is not trusted here either: its settings and memory count."""
    write_site(tmp_path)
    write_folder(tmp_path / "trust")
    one = signed_list(make_list())
    put(tmp_path / "trust", one)
    assert len(_load_trust(tmp_path, pki.NOW).anchors) == len(ENTRIES)
    TrustMemory(tmp_path / "state" / "trust").keep([one])
    put(tmp_path / "trust", signed_list(next_list(one, anchors=ENTRIES[:1])))  # changes much
    assert len(_load_trust(tmp_path, pki.NOW).anchors) == len(ENTRIES)
    settings = tmp_path / "tongban.toml"
    settings.write_text(settings.read_text().replace("max_change = 0.2", "max_change = 1.0"))
    assert len(_load_trust(tmp_path, pki.NOW).anchors) == 1
