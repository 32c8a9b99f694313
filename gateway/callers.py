"""The systems that may ask: who they are, and the one public key that proves it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NewType, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from adapters.errors import MalformedDocumentError
from adapters.strict.base64 import decode_base64
from gateway.facade.account import FacadeAccount, parse_account
from gateway.limits.settings import OwnLimits, parse_own_limits
from gateway.settings import REGION_PATTERN
from gateway.toml_table import Fault, TomlTable, Words, describe_entry, describe_os_error, load_toml
from keys.errors import SignatureVerificationError
from keys.own.record import KeyAlgorithm
from keys.sm2 import Sm2PublicKey

CallerId = NewType("CallerId", str)
KeyId = NewType("KeyId", str)
CallerKey = Ed25519PublicKey | EllipticCurvePublicKey | Sm2PublicKey

_Holder = TypeVar("_Holder")

MAX_CALLERS: Final = 10_000  # a province connects some thousands of business systems; bounds the start-up time
MAX_KEY_FILE_BYTES: Final = 16 * 1024  # a public key in PEM has fewer than 300 bytes

README: Final = "README.md"  # for people; every folder of a site may have one

_CALLER_ID: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_KIND: Final = r"[a-z0-9][a-z0-9-]{0,63}"
_KEY_ID: Final = r"[A-Za-z0-9._:~-]{1,64}"
CREDIT_CODE_PATTERN: Final = r"[0-9A-HJ-NP-RTUW-Y]{18}"  # GB 32100: letters without I, O, S, V and Z
_FILE_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,8192})-----END PUBLIC KEY-----\s*")


class TokenAlgorithm(StrEnum):
    """The values of ``alg`` that a caller may be registered with."""

    EDDSA = "EdDSA"  # RFC 8037, Ed25519 only
    ES256 = "ES256"  # RFC 7518 section 3.4
    SM2 = "SM2"  # private name: SM2 with SM3, r and s as 64 raw bytes, user ID 1234567812345678


class CallerRole(StrEnum):
    """What a caller signs in for; nobody is in two roles."""

    BUSINESS = "business"
    AUDITOR = "auditor"  # may search the access log, and nothing else
    IDENTITY_PROVIDER = "identity-provider"  # vouches for holders who ask who looked at theirs, and nothing else


class TokenUse(StrEnum):
    """How often a token of a caller works, until it expires."""

    REUSABLE = "reusable"
    ONCE = "once"  # by its ``jti``


# How a token is signed with one of our own keys.
TOKEN_ALGORITHMS: Final = MappingProxyType(
    {
        KeyAlgorithm.SM2: TokenAlgorithm.SM2,
        KeyAlgorithm.P256: TokenAlgorithm.ES256,
        KeyAlgorithm.ED25519: TokenAlgorithm.EDDSA,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A registered system; it may sign in when ``enabled`` and ``valid_from <= at < valid_to`` (None: open).

    It signs in with a token that its key signs, or, where it has an ``account``, at a façade and nowhere else.
    ``kind`` is a caller kind of the sharing policy; "": none, and no rule grants it anything. Whoever
    ``may_register_consent`` is trusted to have the holder's word for it; whoever ``may_receive_credentials``, to hand
    them to the holder whose key it names. An auditor who ``may_open`` may ask for private parts of entries to be
    opened; one who ``may_approve_opening`` may approve what another one asked for.
    ``organisation_name`` and ``organisation_name_zh`` are for holders, who are told which organisation looked at
    theirs; "" where it was not written down. ``limits`` are those that are other than the site's.
    """

    id: CallerId
    name: str
    name_zh: str
    organisation: str
    region: str
    key_id: KeyId
    algorithm: TokenAlgorithm | None
    public_key: CallerKey | None
    enabled: bool = True
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    kind: str = ""
    may_register_consent: bool = False
    may_receive_credentials: bool = False
    role: CallerRole = CallerRole.BUSINESS
    may_open: bool = False
    may_approve_opening: bool = False
    organisation_name: str = ""
    organisation_name_zh: str = ""
    tokens: TokenUse = TokenUse.REUSABLE
    limits: OwnLimits = field(default_factory=OwnLimits)
    account: FacadeAccount | None = field(default=None, compare=False, repr=False)

    def is_active(self, at: datetime) -> bool:
        """Say whether this caller may sign in at the moment."""
        begun = self.valid_from is None or self.valid_from <= at
        ended = self.valid_to is not None and at >= self.valid_to
        return self.enabled and begun and not ended


class CallerRegistry:
    """All callers of a site, found by caller and key id together; a registry never changes."""

    def __init__(self, callers: Iterable[Caller] = ()) -> None:
        """Keep the callers.

        Raises:
            ValueError: two of them have the same id and the same key id.

        """
        found: dict[tuple[str, str], Caller] = {}
        for caller in callers:
            name = (caller.id, caller.key_id)
            if name in found:
                raise ValueError(f"one caller with id {caller.id} and key {caller.key_id} was expected, got two")
            found[name] = caller
        self._callers: Mapping[tuple[str, str], Caller] = MappingProxyType(
            {name: caller for name, caller in found.items() if caller.account is None}
        )
        self._facades: Mapping[str, Caller] = MappingProxyType(
            {caller.id: caller for caller in found.values() if caller.account is not None}
        )
        self._systems: Mapping[str, Caller] = MappingProxyType({caller.id: caller for caller in found.values()})
        self._organisations: Mapping[str, Caller] = MappingProxyType(
            {caller.organisation: caller for caller in found.values() if caller.organisation_name_zh}
        )

    def find(self, caller_id: str, key_id: str) -> Caller | None:
        """Return the caller with exactly this id and key; nothing else is ever tried."""
        return self._callers.get((caller_id, key_id))

    def find_facade(self, caller_id: str) -> Caller | None:
        """Return the caller with exactly this id that signs in at a façade."""
        return self._facades.get(caller_id)

    def name_system(self, caller_id: str) -> Words | None:
        """Return what the system with this id is called; None where none is registered any more."""
        caller = self._systems.get(caller_id)
        return None if caller is None else Words(caller.name_zh, caller.name)

    def name_organisation(self, credit_code: str) -> Words | None:
        """Return what an organisation is called, from any of its systems that says so."""
        caller = self._organisations.get(credit_code)
        if caller is None:
            return None
        return Words(caller.organisation_name_zh, caller.organisation_name or caller.organisation_name_zh)

    @property
    def has_tokens_used_once(self) -> bool:
        """Whether any caller's tokens work once, which all processes of a gateway have to know together."""
        return any(caller.tokens is TokenUse.ONCE for caller in self._callers.values())

    def __len__(self) -> int:
        """Return how many caller keys and accounts there are, enabled or not."""
        return len(self._callers) + len(self._facades)

    def count_active(self, at: datetime) -> int:
        """Return how many caller keys and accounts may sign in at the moment."""
        return sum(caller.is_active(at) for caller in (*self._callers.values(), *self._facades.values()))


def load_callers(folder: Path, *, faults: list[Fault], name: str = "callers") -> CallerRegistry:
    """Read every ``*.toml`` of the folder; faults are collected under ``name/<file>``.

    An absent folder is an empty registry: a gateway without callers answers nobody, which is safe.
    A caller that changes keys has two files for a while, with the same ``id`` and different ``kid``.
    Beside these files there may be the key files that they name, ``README.md`` and hidden files; anything else is a
    fault, since a misspelt suffix must not silently lock a caller out, or leave one in.
    """
    callers: dict[tuple[str, str], Caller] = {}
    first: dict[CallerId, Caller] = {}
    for file, caller in read_key_holders(folder, _parse_caller, most=MAX_CALLERS, faults=faults, name=name):
        if callers.setdefault((caller.id, caller.key_id), caller) is not caller:
            expected = Words("与其他文件不同的 id 与 kid 组合", "an id and a kid that no other file has together")
            faults.append(Fault(file=file, key="kid", expected=expected, found=caller.key_id))
        faults.extend(_differences(caller, first.setdefault(caller.id, caller), file))
    return CallerRegistry(callers.values())


def _differences(caller: Caller, first: Caller, file: str) -> Iterator[Fault]:
    """Yield what two files of one caller must say alike, and do not."""
    for key, is_alike, found in (
        ("role", caller.role is first.role, caller.role.value),
        ("tokens", caller.tokens is first.tokens, caller.tokens.value),
        ("limits", caller.limits == first.limits, Words("其他限额", "others")),
    ):
        if not is_alike:
            zh, en = f"与同一 id 的其他文件相同的 {key}", f"the {key} that other files give to the same id"
            yield Fault(file=file, key=key, expected=Words(zh, en), found=found)


def read_key_holders(
    folder: Path,
    parse: Callable[[TomlTable, Path, set[str]], _Holder | None],
    *,
    most: int,
    faults: list[Fault],
    name: str,
) -> Iterator[tuple[str, _Holder]]:
    """Yield who is described in the files of a folder, beside how faults name the file.

    ``parse`` reads a table, with the folder and the set of key files to which it adds what the table names; it returns
    None after a fault in the parts without which there is nobody at all.
    """
    paths = _list_folder(folder, faults, name)
    tables = [path for path in paths if path.suffix == ".toml"]
    if len(tables) > most:
        expected = Words(f"至多 {most} 个文件", f"at most {most} files")
        found = Words(f"{len(tables)} 个文件", f"{len(tables)} files")
        faults.append(Fault(file=name, key="", expected=expected, found=found))
        return
    named = {README}
    for path in tables:
        file = f"{name}/{path.name}"
        table = load_toml(path, file=file, faults=faults)
        holder = None if table is None else parse(table, folder, named)
        if holder is not None:
            yield file, holder
    for path in paths:
        if path.suffix != ".toml" and path.name not in named:
            expected = Words("*.toml 文件，或其中 key 所指的公钥文件", "*.toml, or a key file that one of them names")
            faults.append(Fault(file=f"{name}/{path.name}", key="", expected=expected, found=describe_entry(path)))


def _list_folder(folder: Path, faults: list[Fault], name: str) -> list[Path]:
    """Return the entries that are not hidden, sorted; none when there is no folder, or after a fault."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        expected = Words("可读取的文件夹", "a readable folder")
        faults.append(Fault(file=name, key="", expected=expected, found=describe_os_error(error)))
        return []


def _parse_caller(table: TomlTable, folder: Path, named: set[str]) -> Caller | None:
    """Read one caller, as `read_key_holders` says."""
    account = parse_account(table.table("facade"), folder) if table.has("facade") else None
    algorithm, public_key, key_id = None, None, ""
    if account is None:
        algorithm = table.choice("algorithm", TokenAlgorithm)
        public_key = read_public_key(table, folder, algorithm, named)
    caller_id = table.text("id", pattern=_CALLER_ID, expected=_of_characters("a to z, 0 to 9, '.', '_', '-'"))
    name, name_zh = table.text("name"), table.text("name_zh")
    organisation = table.text(
        "organisation",
        pattern=CREDIT_CODE_PATTERN,
        expected=Words("18 位统一社会信用代码", "a unified social credit code"),
    )
    region = table.text(
        "region", pattern=REGION_PATTERN, expected=Words("六位行政区划代码", "the six digits of a region")
    )
    if account is None:
        key_id = table.text("kid", pattern=_KEY_ID, expected=_of_characters("A-Z, a-z, 0-9, '.', '_', ':', '~', '-'"))
    enabled = table.flag("enabled", default=True)
    valid_from, valid_to = table.moment("valid_from"), table.moment("valid_to")
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        expected = Words("晚于 valid_from 的时刻", "a moment after valid_from")
        table.fault("valid_to", expected=expected, found=valid_to.isoformat())
    kind_expected = Words("共享策略中的调用方种类", "a caller kind of the sharing policy")
    kind = table.text("kind", default="", pattern=_KIND, expected=kind_expected)
    may_register_consent = table.flag("may_register_consent", default=False)
    may_receive_credentials = table.flag("may_receive_credentials", default=False)
    role = table.choice("role", CallerRole) if table.has("role") else CallerRole.BUSINESS
    may_open = table.flag("may_open", default=False)
    may_approve_opening = table.flag("may_approve_opening", default=False)
    organisation_name = table.text("organisation_name", default="")
    organisation_name_zh = table.text("organisation_name_zh", default="")
    tokens = TokenUse.REUSABLE
    if account is None and table.has("tokens"):
        tokens = table.choice("tokens", TokenUse) or tokens
    limits = parse_own_limits(table.table("limits"))
    if role not in {CallerRole.BUSINESS, None} and (kind or may_register_consent or may_receive_credentials):
        zh = "审计员与身份认证平台不得有 kind、may_register_consent 与 may_receive_credentials"
        en = "auditors and identity providers without kind, may_register_consent and may_receive_credentials"
        expected = Words(zh, en)
        table.fault("role", expected=expected, found=str(role))
    if role not in {CallerRole.BUSINESS, None} and account is not None:
        expected = Words("仅用于业务系统", "for business systems only")
        table.fault("facade", expected=expected, found=str(role))
    for right, is_set in (("may_open", may_open), ("may_approve_opening", may_approve_opening)):
        if role not in {CallerRole.AUDITOR, None} and is_set:
            table.fault(right, expected=Words("仅用于审计员", "for auditors only"), found="true")
    table.finish()
    if role is None or (account is None and (algorithm is None or public_key is None)):
        return None
    return Caller(
        id=CallerId(caller_id),
        name=name,
        name_zh=name_zh,
        organisation=organisation,
        region=region,
        key_id=KeyId(key_id),
        algorithm=algorithm,
        public_key=public_key,
        enabled=enabled,
        valid_from=valid_from,
        valid_to=valid_to,
        kind=kind,
        may_register_consent=may_register_consent,
        may_receive_credentials=may_receive_credentials,
        role=role,
        may_open=may_open,
        may_approve_opening=may_approve_opening,
        organisation_name=organisation_name,
        organisation_name_zh=organisation_name_zh,
        tokens=tokens,
        limits=limits,
        account=account,
    )


def _of_characters(which: str) -> Words:
    return Words(f"1 至 64 个字符：{which}", f"1 to 64 of: {which}")


_KEY_EXPECTED: Final = Words(
    "PEM 公钥（-----BEGIN PUBLIC KEY-----），或同一文件夹中公钥文件的文件名",
    "a public key in PEM (-----BEGIN PUBLIC KEY-----), or the name of a file beside this one that holds it",
)


def read_public_key(
    table: TomlTable, folder: Path, algorithm: TokenAlgorithm | None, named: set[str]
) -> CallerKey | None:
    """Read ``key``: the PEM text itself, or the name of a file beside the caller's; None after a fault.

    What can be said of a key without knowing its algorithm is said, also when the algorithm is a fault itself.
    """
    text = table.long_text("key", expected=_KEY_EXPECTED)
    if text and "-----BEGIN" not in text:
        named.add(text)
        text = _read_key_file(folder, text)
        if not text:
            table.fault("key", expected=_KEY_EXPECTED, found=Words("两者皆非", "neither"))
    if not text:
        return None
    if "PRIVATE KEY" in text:
        found = Words("私钥；私钥绝不可离开其所有者", "a private key, which must never leave its owner")
        table.fault("key", expected=Words("公钥", "a public key"), found=found)
        return None
    match = _PEM.fullmatch(text.strip())
    algorithms = TokenAlgorithm if algorithm is None else (algorithm,)
    keys = [_parse_public_key("".join(match[1].split()), one) for one in algorithms] if match else []
    key = next((key for key in keys if key is not None), None)
    if key is None:
        which = "/".join(algorithms)
        expected = Words(f"{which} 公钥", f"a public key for {which}")
        table.fault("key", expected=expected, found=Words("其他内容", "something else"))
    return key


def encode_public_key(key: CallerKey) -> bytes:
    """Return the one spelling of a key (SubjectPublicKeyInfo, DER): a file may spell the same key in several ways."""
    if isinstance(key, Sm2PublicKey):
        return key.spki
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read_key_file(folder: Path, name: str) -> str:
    """Return the text of a key file, "" when there is none to be read; a name never leads out of the folder."""
    if not re.fullmatch(_FILE_NAME, name):
        return ""
    try:
        with (folder / name).open("rb") as stream:
            content = stream.read(MAX_KEY_FILE_BYTES + 1)
        return content.decode("ascii") if len(content) <= MAX_KEY_FILE_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _parse_public_key(base64: str, algorithm: TokenAlgorithm) -> CallerKey | None:
    """Read a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7); None when it is not one for the algorithm."""
    try:
        der = decode_base64(base64, limit=MAX_KEY_FILE_BYTES)
        if algorithm is TokenAlgorithm.SM2:
            return Sm2PublicKey.from_spki(der)
        key = load_der_public_key(der)
    except (MalformedDocumentError, SignatureVerificationError, ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is TokenAlgorithm.EDDSA and isinstance(key, Ed25519PublicKey):
        return key
    if algorithm is TokenAlgorithm.ES256 and isinstance(key, EllipticCurvePublicKey):
        return key if isinstance(key.curve, SECP256R1) else None
    return None
