"""The folder ``witness/`` of a site and ``[audit.witness]``: read as a whole, or every fault named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.shard import is_shard
from gateway.audit.tlog.note_key import encode_vkey
from gateway.audit.tlog.quorum import Policy, encode_policy
from gateway.audit.witness.folder import MAX_LOGS, Witnessing, load_witnessing
from gateway.audit.witness.settings import WitnessSettings, parse_witness
from gateway.audit.witness.witnessed import WitnessedLog, WitnessedLogs
from gateway.toml_table import Fault, TomlTable
from tests.gateway.audit import exports
from tests.support.audit import ORIGIN, SIGNER, START_MS
from tests.support.witness import SINCE, policy_for

VKEY = encode_vkey(SIGNER.key)
NOW = START_MS // 1000
OWN = "own.policy"
PREFIX = ORIGIN.removesuffix("2026h2")
LOG = f'origin = "{ORIGIN}"\nkeys = ["{VKEY}"]\nsince = 2026-07-01T00:00:00+08:00\n'
SHARDS = LOG.replace(f'origin = "{ORIGIN}"', f'origin_prefix = "{PREFIX}"')


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a site that witnesses one log, and is witnessed by two others."""
    folder = tmp_path / "witness"
    folder.mkdir()
    (folder / "README.md").write_text("for people")
    (folder / "anhui.toml").write_text(LOG)
    policy = policy_for("https://a.example/witness/v1", "http://b.example:8440/witness/v1", needed=2)
    (folder / OWN).write_bytes(encode_policy(Policy(**{**fields(policy), "logs": ()})))
    return tmp_path


def fields(policy: Policy) -> dict[str, object]:
    return {name: getattr(policy, name) for name in ("logs", "witnesses", "groups", "quorum")}


def read(site: Path, policy: str = OWN) -> tuple[Witnessing, list[str]]:
    faults: list[Fault] = []
    witnessing = load_witnessing(site, policy=policy, faults=faults)
    assert all(fault.sentence_zh for fault in faults)
    return witnessing, [str(fault) for fault in faults]


def test_what_is_right_is_read(site: Path) -> None:
    """The logs that are witnessed from a moment on, and the witnesses of our own."""
    witnessing, faults = read(site)
    assert not faults
    assert witnessing.logs.keys_of(ORIGIN, NOW) == (SIGNER.key,)
    assert witnessing.logs.keys_of(ORIGIN, int(SINCE.timestamp()) - 8 * 3600) == (SIGNER.key,)
    assert witnessing.logs.keys_of(ORIGIN, int(SINCE.timestamp()) - 8 * 3600 - 1) == ()
    assert witnessing.logs.keys_of("gw.340000/access/2026h2", NOW) == ()
    assert [witness.name for witness in witnessing.policy.witnesses] == ["w1", "w2"]
    assert not witnessing.policy.logs


def test_no_folder_witnesses_nobody(tmp_path: Path) -> None:
    """A site without the folder has no witnesses and is none."""
    witnessing, faults = read(tmp_path, "")
    assert (bool(witnessing.logs), witnessing.policy, faults) == (False, Policy(), [])


def test_one_shard_may_have_other_keys_than_its_log(site: Path) -> None:
    """An entry for one origin goes before that of a prefix."""
    other = exports.foreign_signer()
    (site / "witness/anhui.toml").write_text(LOG.replace(VKEY, encode_vkey(other.key)))
    (site / "witness/all.toml").write_text(SHARDS)
    witnessing, faults = read(site)
    assert not faults
    assert witnessing.logs.keys_of(ORIGIN, NOW) == (other.key,)
    half_a_year_later = NOW + 150 * 86_400
    (key,) = witnessing.logs.keys_of(PREFIX + "2027h1", half_a_year_later)
    assert (key.name, key.public_key) == (PREFIX + "2027h1", SIGNER.key.public_key)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f'origin = "{ORIGIN}"', "", "origin: expected the origin of a log, such as gw.340000/access/2026h2, found"),
        (f'origin = "{ORIGIN}"', 'origin = "a b"', "origin: expected the origin of a log"),
        (f'origin = "{ORIGIN}"', 'origin = "gw.340000/a"', "keys: expected a key named gw.340000/a, found gw.370000"),
        ("origin =", "colour = 1\norigin =", "colour: expected one of"),
        ("origin =", 'origin_prefix = "gw.370000/access/"\norigin =', "origin: expected either origin or origin_"),
        (f'origin = "{ORIGIN}"', 'origin_prefix = "gw.3400"', "keys: expected a key named gw.3400…"),
        (VKEY, VKEY[:-2], "keys: expected a verifier key NAME+ID+KEY"),
        (VKEY, encode_vkey(exports.COSIGNERS[0].key), "keys: expected the key of a log, found that of a witness"),
        (f'["{VKEY}"]', "[]", "keys: expected a list of 1 to 8"),
        ("since = 2026-07-01T00:00:00+08:00\n", "", "since: expected from when on"),
        ("+08:00", "", "since: expected a date-time with an offset"),
        ("+08:00\n", "+08:00\nuntil = 2026-06-01T00:00:00+08:00\n", "until: expected a moment after since"),
    ],
)  # fmt: skip
def test_one_thing_wrong_in_a_log(site: Path, old: str, new: str, fault: str) -> None:
    """Each fault is named with its file and key, and the log is not witnessed."""
    assert old in LOG
    (site / "witness/anhui.toml").write_text(LOG.replace(old, new))
    witnessing, faults = read(site)
    assert any(one.startswith(f"witness/anhui.toml: {fault}") for one in faults), faults
    assert all(one.startswith("witness/anhui.toml: ") for one in faults)
    if "until" not in fault and "colour" not in fault and "either" not in fault:
        assert not witnessing.logs.keys_of(ORIGIN, NOW)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("anhui.tml", "witness/anhui.tml: expected *.toml, or what [audit.witness] policy names, found another file"),
        ("other.policy", "witness/other.policy: expected *.toml, or what [audit.witness] policy names"),
    ],
)
def test_strangers_are_faults(site: Path, name: str, fault: str) -> None:
    """What nothing reads is a fault, so that a misspelt name does not pass for an absent file."""
    (site / "witness" / name).write_text("")
    (site / "witness/.swp").write_text("")
    _, faults = read(site)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_one_log_has_one_file(site: Path) -> None:
    """A second file about the same log is a fault: the keys of an origin are in one place."""
    (site / "witness/again.toml").write_text(LOG)
    _, faults = read(site)
    assert faults == [f"witness/anhui.toml: origin: expected a log that no other file names, found {ORIGIN}"]


def test_too_many_logs_are_a_fault(site: Path) -> None:
    """More files than provinces and central bodies could have are not read."""
    for number in range(MAX_LOGS):
        (site / f"witness/{number}.toml").touch()
    _, faults = read(site)
    assert faults == [f"witness: expected at most {MAX_LOGS} files, found {MAX_LOGS + 1} files"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"quorum partners", b"quorum none", "a witness and a quorum at least"),
        (b"quorum partners", b"", "a readable policy (tlog-policy)"),
        (b"https://a.example/witness/v1", b"", "an http(s) address for w1, found nothing"),
        (b"https://a.example/witness/v1", b"ftp://a.example/", "an http(s) address for w1, found ftp://a.example/"),
        (b"https://a.example/witness/v1", b"https://[a/", "an http(s) address for w1"),
        (b"witness w1", f"log {VKEY}\nwitness w1".encode(), "no line log"),
        (b"witness w1", b"witness w1 x", "a readable policy (tlog-policy)"),
    ],
)
def test_one_thing_wrong_in_the_policy(site: Path, old: bytes, new: bytes, fault: str) -> None:
    """The policy names witnesses with addresses and a quorum, and no log: the gateway adds its own."""
    path = site / "witness" / OWN
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    _, faults = read(site)
    assert faults[0].startswith(f"witness/{OWN}: expected {fault}"), faults


def test_a_policy_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A missing file is a fault, not an absence of witnesses."""
    _, faults = read(tmp_path)
    assert faults == [f"witness/{OWN}: expected a readable policy (tlog-policy), found no such file"]


def test_entries_that_contradict_each_other_are_not_taken() -> None:
    """Two entries about one origin, keys of witnesses and keys of other names are mistakes of the caller."""
    log = WitnessedLog(origin=ORIGIN, is_prefix=False, keys=(SIGNER.key,), since=SINCE)
    for logs in (
        [log, log],
        [WitnessedLog(origin=ORIGIN, is_prefix=False, keys=(), since=SINCE)],
        [WitnessedLog(origin=ORIGIN, is_prefix=False, keys=(exports.COSIGNERS[0].key,), since=SINCE)],
        [WitnessedLog(origin="gw.340000/a", is_prefix=False, keys=(SIGNER.key,), since=SINCE)],
    ):
        with pytest.raises(ValueError, match="expected"):
            WitnessedLogs(logs)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"interval_seconds": 4}, "interval_seconds"),
        ({"interval_seconds": 301}, "interval_seconds"),
        ({"policy": "../own.policy"}, "policy"),
        ({"policy": "own.toml"}, "policy"),
        ({"name": "a b"}, "name"),
        ({"name": "a+b"}, "name"),
        ({"intervall": 15}, "intervall"),
    ],
)
def test_settings_out_of_bounds_are_faults(values: dict[str, object], key: str) -> None:
    """Each setting has its bounds, and a misspelt one is named."""
    faults: list[Fault] = []
    parse_witness(TomlTable(values, file="tongban.toml", faults=faults))
    assert [fault.key for fault in faults] == [key]


def test_settings_are_read() -> None:
    """What is set counts, the rest has its default."""
    faults: list[Fault] = []
    values = {"policy": OWN, "interval_seconds": 5, "name": "witness.370000"}
    found = parse_witness(TomlTable(values, file="tongban.toml", faults=faults))
    assert found == WitnessSettings(policy=OWN, interval_seconds=5, name="witness.370000")
    assert parse_witness(TomlTable({}, file="tongban.toml", faults=faults)) == WitnessSettings()
    assert not faults


@given(st.text(max_size=12), st.integers(0, 2**33))
def test_keys_speak_under_the_name_of_a_half_year_only(rest: str, seconds: int) -> None:
    """Whatever follows the prefix, keys are found for half-years that have begun, and carry exactly that name."""
    logs = WitnessedLogs([WitnessedLog(origin=PREFIX, is_prefix=True, keys=(SIGNER.key,), since=SINCE)])
    for end in (rest, f"2026h2{rest}", "2026h2"):
        keys = logs.keys_of(PREFIX + end, seconds)
        assert all(key.name == PREFIX + end and key.public_key == SIGNER.key.public_key for key in keys)
        assert not keys or (is_shard(end) and seconds >= int(SINCE.timestamp()))
    assert bool(logs.keys_of(PREFIX + "2026h2", seconds)) == (seconds >= int(SINCE.timestamp()))
