"""A site folder: read as a whole, or refused with every fault named at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers import TokenAlgorithm
from gateway.cli.init import init
from gateway.settings import HttpSettings, parse_settings
from gateway.site import FOLDERS, SITE_FILES, SiteError, load_site
from gateway.site_template import FILES, write_site
from gateway.toml_table import MAX_TOML_BYTES, Fault, TomlTable, load_toml
from tests.support.callers import NOW

USABLE = "certificates and revocation lists that can be used"
KNOWN = ", ".join([*SITE_FILES, *(f"{name}/" for name in FOLDERS)])
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "site"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a good site folder to break one thing in."""
    write_site(tmp_path)
    return tmp_path


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    return [str(fault) for fault in caught.value.faults]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_template(folder: Path) -> None:
    """What ``tongban init`` writes is a good site that trusts nobody and lets nobody in."""
    site = load_site(folder)
    assert site.settings.http == HttpSettings()
    assert site.settings.region == "370000"
    assert site.trust.anchors == ()
    assert site.notices == ()
    assert len(site.callers) == 1
    assert site.callers.count_active(NOW) == 0
    caller = site.callers.find("example-service-hall", "2026-1")
    assert caller is not None
    assert caller.algorithm is TokenAlgorithm.EDDSA


def test_example_is_the_template() -> None:
    """The example in the repository is exactly what ``tongban init`` writes."""
    found = {path.relative_to(EXAMPLE).as_posix(): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()}
    assert found == dict(FILES)


def test_template_holds_no_secret() -> None:
    """No file of the template holds a private key."""
    assert not any("PRIVATE KEY" in text for text in FILES.values())


def test_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``init`` writes a new folder once, and never into one that holds anything."""
    assert init(tmp_path / "new" / "site") == 0
    assert load_site(tmp_path / "new" / "site")
    assert "README.md" in capsys.readouterr().out
    before = sorted(tmp_path.rglob("*"))
    assert init(tmp_path) == 2
    assert sorted(tmp_path.rglob("*")) == before
    assert init(tmp_path / "new" / "site" / "README.md") == 2


def test_all_faults_at_once(folder: Path) -> None:
    """Faults of different files are reported together, each with file, key, expectation and what was found."""
    change(folder / "tongban.toml", 'region = "370000"', 'region = "37"\ncolour = "red"')
    change(folder / "tongban.toml", "verification_threads = 2", "verification_threads = 0")
    change(folder / "callers" / "example.toml", 'algorithm = "EdDSA"', 'algorithm = "HS256"')
    change(folder / "callers" / "example.toml", "enabled = false", "enabled = 1")
    (folder / "trust" / "signers" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
    assert faults_of(folder) == [
        'tongban.toml: gateway.region: expected the six digits of a region, such as 370000, found "37"',
        "tongban.toml: http.verification_threads: expected a whole number from 1 to 256, found 0",
        "tongban.toml: gateway.colour: expected one of audience, name, name_zh, region, found an unknown key",
        f"trust/signers/ca.pem: expected {USABLE}, found a file that holds a certificate that cannot be read",
        'callers/example.toml: algorithm: expected EdDSA, ES256, SM2, found "HS256"',
        "callers/example.toml: enabled: expected true or false, found 1",
    ]


def test_an_address_of_the_store_that_cannot_be_used(folder: Path) -> None:
    """A database is named by a file that nobody else may read; a fault of it is known at the start."""
    change(folder / "tongban.toml", '# database = "state/store.address"', 'database = "state/store.address"')
    expected = "a file with an address, postgresql://…, that nobody else may read"
    place = f"tongban.toml: store.database: expected {expected}, found"
    assert faults_of(folder) == [f"{place} no such file"]
    address = folder / "state" / "store.address"
    address.parent.mkdir(exist_ok=True)
    address.write_text("postgresql://user:secret@host/db")
    address.chmod(0o644)
    assert faults_of(folder) == [f"{place} a file that others may read or write"]
    address.chmod(0o600)
    assert load_site(folder).settings.store.database == "state/store.address"
    address.write_text("mysql://user:secret@host/db")
    assert faults_of(folder) == [f"{place} something else"]


def test_faults_in_chinese(folder: Path) -> None:
    """Every fault has a Chinese sentence without a word of English prose."""
    change(folder / "tongban.toml", 'region = "370000"', 'region = 2026-01-01\ncolour = "red"')
    change(folder / "tongban.toml", "verification_threads = 2", "verification_threads = []")
    change(folder / "callers" / "example.toml", 'algorithm = "EdDSA"', 'algorithm = "HS256"')
    (folder / "callers" / "hall.tml").write_text("")
    (folder / "polices").mkdir()
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    assert [fault.sentence_zh for fault in caught.value.faults] == [
        f"polices：应为只有 {KNOWN} 与 README.md，实际为文件夹",
        "tongban.toml: gateway.region：应为六位行政区划代码，例如 370000，实际为2026-01-01",
        "tongban.toml: http.verification_threads：应为1 至 256 的整数，实际为列表",
        "tongban.toml: gateway.colour：应为audience, name, name_zh, region 之一，实际为未知的键",
        'callers/example.toml: algorithm：应为EdDSA, ES256, SM2，实际为"HS256"',
        "callers/hall.tml：应为*.toml 文件，或其中 key 所指的公钥文件，实际为其他文件",
    ]


@pytest.mark.parametrize("name", ["tongban.tml", "tongban.toml.bak", "caller", "notes.txt"])
def test_strangers(folder: Path, name: str) -> None:
    """Whatever nothing reads is a fault, so that a misspelt name is not an absent file; people's files are let be."""
    (folder / name).write_text("")
    (folder / ".git").mkdir()
    (fault,) = faults_of(folder)
    assert fault.startswith(f"{name}: expected only {KNOWN} and README.md, found ")


def test_secrecy_is_part_of_a_site(folder: Path) -> None:
    """The rules of secrecy are those of the site, and their faults are told with all others."""
    assert load_site(folder).withholding.rules == ()
    rule = '[[rule]]\nid = "r"\nbasis = "law"\nitems = ["34-001"]\nhidden_for_days = 10\n'
    (folder / "withholding.toml").write_text(rule)
    assert [one.id for one in load_site(folder).withholding.rules] == ["r"]
    (folder / "withholding.toml").write_text(rule.replace("10", "10_000"))
    change(folder / "tongban.toml", 'region = "370000"', 'region = "37"')
    assert len(faults_of(folder)) == 2


def test_everything_wrong_at_once(folder: Path) -> None:
    """A folder in place of a file, a file in place of a folder, and a stranger are reported together."""
    (folder / "tongban.toml").unlink()
    (folder / "tongban.toml").mkdir()
    (folder / "callers" / "example.toml").unlink()
    (folder / "callers").rmdir()
    (folder / "callers").write_text("")
    (folder / "x").write_text("")
    assert [fault.split(":")[0] for fault in faults_of(folder)] == ["x", "tongban.toml", "callers"]


def test_byte_order_mark(folder: Path) -> None:
    """A byte order mark, which some editors write, is named as what it is."""
    text = (folder / "tongban.toml").read_bytes()
    (folder / "tongban.toml").write_bytes(b"\xef\xbb\xbf" + text)
    assert faults_of(folder) == ["tongban.toml: expected TOML in UTF-8, found a byte order mark; save it without one"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1979-05-27", "1979-05-27"), ("true", "true"), ("[1]", "a list"), ("{}", "a table"), ("'a\\b'", '"a\\\\b"')],
)
def test_values_are_shown_as_the_file_spells_them(folder: Path, value: str, shown: str) -> None:
    """A wrong value is repeated in the words of TOML, never in those of Python."""
    change(folder / "tongban.toml", 'region = "370000"', f"region = {value}")
    assert faults_of(folder)[0].endswith(f", found {shown}")


def test_missing_parts(tmp_path: Path) -> None:
    """Without settings there is no site; without a trust folder or callers there is one that refuses all."""
    assert faults_of(tmp_path) == ["tongban.toml: expected a readable TOML file, found no such file"]
    (tmp_path / "tongban.toml").write_text(FILES["tongban.toml"])
    site = load_site(tmp_path)
    assert (site.trust.anchors, len(site.callers)) == ((), 0)
    assert "expected a site folder, found no such file" in faults_of(tmp_path / "nowhere")[0]


def test_empty_settings(folder: Path) -> None:
    """Every required key of an empty file is named."""
    (folder / "tongban.toml").write_text("")
    keys = [line.split(": ")[1] for line in faults_of(folder)]
    assert keys == ["gateway.name", "gateway.name_zh", "gateway.region", "gateway.audience"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"name = ", "a syntax error"),
        (b"[gateway]\nname = 1\nname = 2", "a syntax error"),
        (b"name = '\xff'", "bytes that are not UTF-8"),
        (b"#" * (MAX_TOML_BYTES + 1), "a larger file"),
        (b"a = " + b"[" * 50_000, "tables nested too deep"),
    ],
)
def test_no_toml(folder: Path, content: bytes, found: str) -> None:
    """A file that is no TOML is one fault, not a traceback."""
    (folder / "tongban.toml").write_bytes(content)
    (fault,) = faults_of(folder)
    assert fault.startswith("tongban.toml: expected ")
    assert found in fault


def test_memory_must_hold_one_body(folder: Path) -> None:
    """A memory bound below one largest body would refuse every large document, and is a fault."""
    change(folder / "tongban.toml", "max_buffered_bytes = 268435456", "max_buffered_bytes = 2000000")
    (fault,) = faults_of(folder)
    assert fault.startswith("tongban.toml: http.max_buffered_bytes: expected room for at least one largest body")


def test_trust_is_no_folder(folder: Path) -> None:
    """A file in place of the trust folder is a fault."""
    for path in sorted((folder / "trust").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / "trust").rmdir()
    (folder / "trust").write_text("")
    assert faults_of(folder) == ["trust: expected a folder, found something else"]


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_garbage(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever stands in the settings file, reading it gives settings or faults, and no other error."""
    path = tmp_path_factory.mktemp("garbage") / "tongban.toml"
    path.write_bytes(content)
    faults: list[Fault] = []
    table = load_toml(path, file="tongban.toml", faults=faults)
    if table is not None:
        parse_settings(table)
    assert faults


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["gateway", "http", "x"]), _VALUES, max_size=3))
def test_values_of_any_type(values: dict[str, object]) -> None:
    """Values of any type in any place give faults, and no other error."""
    faults: list[Fault] = []
    parse_settings(TomlTable(values, file="tongban.toml", faults=faults))
    assert faults


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("deadline_seconds = 10", "deadline_seconds = 0", "sources.deadline_seconds"),
        ("concurrency = 8", "concurrency = 0", "sources.concurrency"),
        ("waiting = 64", "waiting = -1", "sources.waiting"),
        ("waiting = 64", "wait = 1", "sources.wait"),
    ],
)
def test_settings_of_sources(folder: Path, old: str, new: str, key: str) -> None:
    """How other systems may be asked has bounds."""
    change(folder / "tongban.toml", old, new)
    assert any(f"tongban.toml: {key}:" in fault for fault in faults_of(folder))
