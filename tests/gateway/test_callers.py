"""The files of callers: what is read, and what is refused in words."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.callers import CallerRegistry, CallerRole, KeyId, TokenAlgorithm, TokenUse, load_callers
from gateway.limits.settings import CallerLimits
from gateway.toml_table import Fault
from tests.support.callers import NOW, encode_pem, make_key, make_party, public_half

PEMS = {algorithm: encode_pem(public_half(make_key(algorithm))) for algorithm in TokenAlgorithm}


def lines(**changes: str) -> dict[str, str]:
    """Return the lines of a good file as TOML values, except for the changes; "" takes a key away."""
    good = {
        "id": '"hall"',
        "name": '"Hall"',
        "name_zh": '"大厅"',
        "organisation": '"11370000000000000X"',
        "region": '"370000"',
        "algorithm": '"EdDSA"',
        "kid": '"2026-1"',
        "key": f'"""{PEMS[TokenAlgorithm.EDDSA]}"""',
    }
    return {key: value for key, value in (good | changes).items() if value}


def load(folder: Path, *files: dict[str, str]) -> tuple[CallerRegistry, list[str]]:
    for number, values in enumerate(files):
        (folder / f"{number}.toml").write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
    faults = list[Fault]()
    registry = load_callers(folder, faults=faults)
    return registry, [str(fault) for fault in faults]


@pytest.mark.parametrize("algorithm", TokenAlgorithm)
def test_good_file(tmp_path: Path, algorithm: TokenAlgorithm) -> None:
    """A caller with a key of any of the three algorithms is found by its id and key id."""
    registry, faults = load(tmp_path, lines(algorithm=f'"{algorithm}"', key=f'"""{PEMS[algorithm]}"""'))
    assert faults == []
    caller = registry.find("hall", "2026-1")
    assert caller is not None
    assert (caller.name, caller.name_zh, caller.algorithm, caller.enabled) == ("Hall", "大厅", algorithm, True)
    assert encode_pem(caller.public_key) == PEMS[algorithm]
    assert registry.find("hall", "2026-2") is None
    assert registry.find("2026-1", "hall") is None


def test_an_auditor(tmp_path: Path) -> None:
    """A role is said in words; whoever says none is a business system, which opens nothing."""
    auditor = lines(id='"auditor"', role='"auditor"', may_open="true", may_approve_opening="true")
    registry, faults = load(tmp_path, auditor, lines())
    found = [registry.find(name, "2026-1") for name in ("auditor", "hall")]
    assert faults == []
    assert [(caller.role, caller.may_open, caller.may_approve_opening) for caller in found if caller is not None] == [
        (CallerRole.AUDITOR, True, True),
        (CallerRole.BUSINESS, False, False),
    ]


def test_limits_and_tokens(tmp_path: Path) -> None:
    """A caller may have limits of its own, and tokens that work once; a rate alone brings its own burst."""
    own = "{ rate_per_second = 0.5, daily_quota = 9 }"
    registry, faults = load(tmp_path, lines(tokens='"once"', limits=own), lines(id='"other"'))
    found = [registry.find(name, "2026-1") for name in ("hall", "other")]
    assert faults == []
    usual = CallerLimits(rate_per_second=7, burst=8, concurrency=9)
    assert [(one.tokens, one.limits.over(usual)) for one in found if one is not None] == [
        (TokenUse.ONCE, CallerLimits(rate_per_second=0.5, burst=1, concurrency=9, daily_quota=9)),
        (TokenUse.REUSABLE, usual),
    ]
    assert registry.has_tokens_used_once


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ([{"tokens": '"twice"'}], "tokens"),
        ([{"limits": "{ rate_per_second = 0 }"}], "limits.rate_per_second"),
        ([{"limits": "{ rate_per_second = true }"}], "limits.rate_per_second"),
        ([{"limits": "{ burst = 0 }"}], "limits.burst"),
        ([{"limits": "{ concurrency = 1000000 }"}], "limits.concurrency"),
        ([{"limits": "{ daily_quota = 1.5 }"}], "limits.daily_quota"),
        ([{"limits": "{ rate = 5 }"}], "limits.rate"),
        ([{}, {"kid": '"2026-2"', "limits": "{ burst = 5 }"}], "limits"),
        ([{}, {"kid": '"2026-2"', "tokens": '"once"'}], "tokens"),
    ],
)
def test_limits_that_cannot_be(tmp_path: Path, files: list[dict[str, str]], key: str) -> None:
    """Limits out of bounds, misspelt ones and files of one caller that differ are faults that name the key."""
    _, faults = load(tmp_path, *(lines(**changes) for changes in files))
    assert [fault.split(": ")[1] for fault in faults] == [key]


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ([{"role": '"admin"'}], "role"),
        ([{"role": '"auditor"', "kind": '"counter"'}], "role"),
        ([{"role": '"auditor"', "may_register_consent": "true"}], "role"),
        ([{"role": '"identity-provider"', "kind": '"counter"'}], "role"),
        ([{"role": '"identity-provider"', "may_register_consent": "true"}], "role"),
        ([{"role": '"identity-provider"', "may_open": "true"}], "may_open"),
        ([{"role": '"identity-provider"'}, {"role": '"auditor"', "kid": '"2026-2"'}], "role"),
        ([{"may_open": "true"}], "may_open"),
        ([{"may_approve_opening": "true"}], "may_approve_opening"),
        ([{}, {"role": '"auditor"', "kid": '"2026-2"'}], "role"),
    ],
)
def test_nobody_is_in_two_roles(tmp_path: Path, files: list[dict[str, str]], key: str) -> None:
    """An auditor has no rights of a business system, nor the other way round, nor by another key."""
    [fault] = load(tmp_path, *(lines(**changes) for changes in files))[1]
    assert key in fault


def test_names_for_holders(tmp_path: Path) -> None:
    """Holders are told the names of systems and organisations; one file is enough to name an organisation."""
    named = lines(id='"hall"', organisation_name_zh='"示例市行政审批服务局"', organisation_name='"Example bureau"')
    registry, faults = load(tmp_path, named, lines(id='"other"', name_zh='"其他系统"'))
    assert faults == []
    organisation, system = registry.name_organisation("11370000000000000X"), registry.name_system("other")
    assert (organisation, system) == (("示例市行政审批服务局", "Example bureau"), ("其他系统", "Hall"))
    only_chinese = CallerRegistry([make_party(organisation_name_zh="甲局").caller])
    assert only_chinese.name_organisation("11370000000000000X") == ("甲局", "甲局")
    assert (registry.name_organisation("elsewhere"), registry.name_system("nobody")) == (None, None)


def test_key_in_a_file(tmp_path: Path) -> None:
    """The key may stand in a file beside the caller's."""
    (tmp_path / "hall.pub").write_text(PEMS[TokenAlgorithm.EDDSA])
    registry, faults = load(tmp_path, lines(key='"hall.pub"'))
    assert faults == []
    assert len(registry) == 1


@pytest.mark.parametrize("name", ["../hall.pub", "/hall.pub", "missing.pub", ".hidden", "a/b", "big.pub", "binary.pub"])
def test_key_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A key file outside the folder, absent or unreadable is a fault."""
    (tmp_path / "callers").mkdir()
    (tmp_path / "hall.pub").write_text(PEMS[TokenAlgorithm.EDDSA])
    contents = {"big.pub": PEMS[TokenAlgorithm.EDDSA].encode() + b"\n" * 100_000 + b"x", "binary.pub": b"\xff"}
    if name in contents:
        (tmp_path / "callers" / name).write_bytes(contents[name])
    registry, (fault,) = load(tmp_path / "callers", lines(key=f'"{name}"'))
    assert fault.startswith("callers/0.toml: key: expected a public key")
    assert len(registry) == 0


@pytest.mark.parametrize("claimed", TokenAlgorithm)
@pytest.mark.parametrize("actual", TokenAlgorithm)
def test_key_for_another_algorithm(tmp_path: Path, claimed: TokenAlgorithm, actual: TokenAlgorithm) -> None:
    """A key belongs to its algorithm; any other pairing is a fault."""
    registry, faults = load(tmp_path, lines(algorithm=f'"{claimed}"', key=f'"""{PEMS[actual]}"""'))
    assert len(registry) == (claimed is actual)
    assert faults == (
        [] if claimed is actual else [f"callers/0.toml: key: expected a public key for {claimed}, found something else"]
    )


@pytest.mark.parametrize(
    "key",
    [
        ed448.Ed448PrivateKey.generate().public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
    ],
)
@pytest.mark.parametrize("algorithm", TokenAlgorithm)
def test_other_kinds_of_key(tmp_path: Path, algorithm: TokenAlgorithm, key: rsa.RSAPublicKey) -> None:
    """Ed448, other curves and RSA are no keys of ours."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    registry, faults = load(tmp_path, lines(algorithm=f'"{algorithm}"', key=f'"""{pem}"""'))
    assert (len(registry), len(faults)) == (0, 1)


def test_private_key(tmp_path: Path) -> None:
    """A private key is refused, and the fault does not repeat it."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    registry, (fault,) = load(tmp_path, lines(key=f'"""{pem.decode()}"""'))
    assert fault == (
        "callers/0.toml: key: expected a public key, found a private key, which must never leave its owner"
    )
    assert len(registry) == 0


@pytest.mark.parametrize(
    "key", ["-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "x" * 9000]
)
def test_broken_key(tmp_path: Path, key: str) -> None:
    """A key that is not whole is a fault, not a traceback."""
    registry, faults = load(tmp_path, lines(key=f'"""{key}"""'))
    assert (len(registry), len(faults)) == (0, 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", '"Hall"'),
        ("id", '"a b"'),
        ("id", '""'),
        ("id", "7"),
        ("id", ""),
        ("name", ""),
        ("name_zh", ""),
        ("organisation", '"11370000000000000I"'),
        ("organisation", '"1137"'),
        ("region", '"37000x"'),
        ("kid", '"a b"'),
        ("kid", f'"{"x" * 65}"'),
        ("algorithm", '"none"'),
        ("algorithm", '"eddsa"'),
        ("algorithm", ""),
        ("key", ""),
        ("enabled", '"yes"'),
        ("valid_from", "2026-01-01"),
        ("valid_from", "2026-01-01T00:00:00"),
        ("valid_to", '"2026-01-01T00:00:00Z"'),
        ("secret", '"x"'),
    ],
)
def test_one_thing_wrong(tmp_path: Path, key: str, value: str) -> None:
    """Each key that is wrong, missing or unknown is named."""
    _, faults = load(tmp_path, lines(**{key: value}))
    assert [fault.split(": ")[1] for fault in faults] == [key]


def test_period(tmp_path: Path) -> None:
    """A period includes its start and excludes its end; one that ends before it starts is a fault."""
    begin, end = "2026-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"
    registry, faults = load(tmp_path, lines(valid_from=begin, valid_to=end))
    caller = registry.find("hall", "2026-1")
    assert faults == []
    assert caller is not None
    assert caller.valid_from is not None
    assert caller.valid_to is not None
    assert caller.is_active(NOW)
    assert caller.is_active(caller.valid_from)
    assert not caller.is_active(caller.valid_from - timedelta(microseconds=1))
    assert not caller.is_active(caller.valid_to)
    _, (fault,) = load(tmp_path, lines(valid_from=end, valid_to=begin))
    assert fault.startswith("callers/0.toml: valid_to: expected a moment after valid_from")


def test_two_keys_of_one_caller(tmp_path: Path) -> None:
    """A caller may have two files while it changes keys, but not the same key id twice."""
    registry, faults = load(tmp_path, lines(), lines(kid='"2026-2"'))
    assert (len(registry), faults) == (2, [])
    _, (fault,) = load(tmp_path, lines(), lines())
    assert fault.startswith("callers/1.toml: kid: expected an id and a kid that no other file has together")


def test_no_folder(tmp_path: Path) -> None:
    """Without a folder there are no callers."""
    registry, faults = load(tmp_path)
    assert (len(registry), faults) == (0, [])
    assert len(load_callers(tmp_path / "absent", faults=[])) == 0


def test_registry_refuses_doubles() -> None:
    """A registry never chooses between two callers of the same id and key."""
    one, two = make_party(), make_party(key_id=KeyId("2026-1"))
    with pytest.raises(ValueError, match="was expected, got two"):
        CallerRegistry([one.caller, two.caller])


@pytest.mark.parametrize("name", ["hall.tml", "hall.toml.bak", "hall.pub", "notes.txt", "below"])
def test_what_does_not_belong(tmp_path: Path, name: str) -> None:
    """A misspelt suffix, a key file that nobody names or a folder is a fault: nothing is passed over silently."""
    (tmp_path / "callers").mkdir()
    (tmp_path / "callers" / "README.md").write_text("for people")
    (tmp_path / "callers" / ".hidden").write_text("")
    if name == "below":
        (tmp_path / "callers" / name).mkdir()
    else:
        (tmp_path / "callers" / name).write_text("")
    registry, (fault,) = load(tmp_path / "callers", lines())
    assert fault.startswith(f"callers/{name}: expected *.toml, or a key file that one of them names, found a")
    assert len(registry) == 1


def test_folder_that_is_none(tmp_path: Path) -> None:
    """A file in place of the folder, or one that cannot be read, is a fault and not an empty registry."""
    (tmp_path / "callers").write_text("")
    faults: list[Fault] = []
    load_callers(tmp_path / "callers", faults=faults)
    assert str(faults[0]).startswith("callers: expected a readable folder, found a folder in place of a file")


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that the operating system refuses is a fault, not a traceback."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    faults: list[Fault] = []
    load_callers(tmp_path, faults=faults)
    assert str(faults[0]) == "callers: expected a readable folder, found no permission to read it"


def test_key_is_judged_beside_a_wrong_algorithm(tmp_path: Path) -> None:
    """A fault of the algorithm does not hide a fault of the key."""
    _, faults = load(tmp_path, lines(algorithm='"HS256"', key='"-----BEGIN PRIVATE KEY-----"'))
    assert [fault.split(": ")[1] for fault in faults] == ["algorithm", "key"]
    _, faults = load(tmp_path, lines(algorithm='"HS256"', key='"missing.pub"'))
    assert [fault.split(": ")[1] for fault in faults] == ["algorithm", "key"]
