"""A site folder read as a whole: settings, trust and callers, or every fault in it at once."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from adapters.codes.tables import CodeTables
from gateway.adapters.access import SystemAccess
from gateway.adapters.asked import AskedSystem, cautions_of_asked, load_asked
from gateway.adapters.code_tables import load_code_tables
from gateway.adapters.systems import SYSTEMS_FILE, cautions_of_systems, load_systems
from gateway.audit.alarms.reading import ALARMS_FILE, WATCHLISTS_FOLDER, AlarmRules, check_lists, load_alarms
from gateway.audit.witness.folder import NOBODY, WITNESS_FOLDER, Witnessing, load_witnessing
from gateway.callers import README, CallerRegistry, load_callers
from gateway.credential.issuers import ISSUERS_FOLDER, load_issuers
from gateway.credential.keys import CredentialKeys, open_credential_keys
from gateway.facade.desk import KEY_FILE
from gateway.facade.loading import cautions_of_facades, load_facades
from gateway.facade.plan import FacadePlan
from gateway.holder.withholding import WITHHOLDING_FILE, Withholding, load_withholding
from gateway.policy.approvers import APPROVERS_FOLDER, load_approvers
from gateway.policy.draft import read_sound_draft
from gateway.policy.folder import POLICIES_FOLDER, has_policy
from gateway.postgres_address import AddressError, read_postgres_address
from gateway.reload.files import SiteFiles, read_files
from gateway.secret_file import SHORTEST_SECRET, SecretError, SecretFault, read_secret
from gateway.settings import Settings, TrustSettings, parse_settings
from gateway.shared.settings import RedisAccess, open_access
from gateway.sources.outage import Outage
from gateway.sources.rules import SOURCES_FILE, STORE, SourceRule, load_sources
from gateway.status.source import STATUS_FOLDER, StatusSource, load_status_sources
from gateway.toml_table import Fault, Words, describe_entry, describe_os_error, load_toml
from gateway.trust.lists import Finding, TrustReading, TrustState
from gateway.trust.mark import Mark, mark_folder
from gateway.trust.memory import MEMORY_FOLDER, TrustMemory, read_remembered_trust
from keys.trust import TrustStore
from policies.fault import PolicyError, PolicyFault

SETTINGS_FILE: Final = "tongban.toml"
TRUST_FOLDER: Final = "trust"
CALLERS_FOLDER: Final = "callers"
ADAPTERS_FOLDER: Final = "adapters"  # mapping files of other systems
STATUS_STATE: Final = "status"  # inside the state folder: the last good answers of each source
STATE_FOLDER: Final = "state"  # what the gateway writes: kept answers, cases, its own licences
# Every folder that something of the gateway reads; an entry of a site that is not named here is a fault.
FOLDERS: Final = (
    TRUST_FOLDER,
    CALLERS_FOLDER,
    POLICIES_FOLDER,
    ADAPTERS_FOLDER,
    APPROVERS_FOLDER,
    ISSUERS_FOLDER,
    STATUS_FOLDER,
    WITNESS_FOLDER,
    WATCHLISTS_FOLDER,
    STATE_FOLDER,
)
SITE_FILES: Final = (SETTINGS_FILE, ALARMS_FILE, WITHHOLDING_FILE, SYSTEMS_FILE, SOURCES_FILE)  # likewise
# What is read again as a whole while the gateway runs; trust, status and policies are looked after by themselves.
READ_AGAIN: Final = (*SITE_FILES, CALLERS_FOLDER, ADAPTERS_FOLDER, WITNESS_FOLDER, WATCHLISTS_FOLDER)


class SiteError(Exception):
    """The folder cannot be served from; ``faults`` are all that were found, each with file, key and expectation."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that a gateway is told by its operator; ``notices`` are worth saying once at start."""

    settings: Settings
    trust: TrustStore = field(default_factory=TrustStore.empty)
    callers: CallerRegistry = field(default_factory=CallerRegistry)
    notices: tuple[Finding, ...] = ()
    folder: Path | None = None  # None: made in memory, and nothing is read again
    trust_state: TrustState | None = None
    trust_mark: Mark | None = None  # of the trust folder, before it was read
    trust_memory: TrustMemory | None = None  # of the lists that were in force
    sources: tuple[StatusSource, ...] = ()
    status_mark: Mark | None = None  # of the folder of sources, before it was read
    pseudonym_master: bytes | None = field(default=None, repr=False)  # None: pseudonyms are withheld
    witnessing: Witnessing = NOBODY
    withholding: Withholding = field(default_factory=Withholding)  # what holders are not shown for a while
    alarms: AlarmRules = field(default_factory=AlarmRules)
    facades: tuple[FacadePlan, ...] = ()  # addresses at which we answer as another system does
    systems: Mapping[str, SystemAccess] = field(default_factory=dict, repr=False)  # the other systems that it may ask
    rules: tuple[SourceRule, ...] = (STORE,)  # which sources are asked, in order
    outages: tuple[Outage, ...] = ()  # of systems, as their operators announced them
    asked: tuple[AskedSystem, ...] = ()  # the systems that rules name
    credentials: CredentialKeys | None = field(default=None, repr=False)  # None: no credentials are issued
    redis: RedisAccess | None = None  # None: nothing is shared with other processes and machines
    files: SiteFiles = field(default_factory=SiteFiles)  # as they were before any was read

    @property
    def cautions(self) -> tuple[Fault, ...]:
        """What works and is not safe by itself, worth saying once at start."""
        return (
            *cautions_of_facades(self.facades, file=SETTINGS_FILE),
            *cautions_of_systems(self.systems),
            *cautions_of_asked(self.asked),
        )


def load_site(folder: Path, *, at: datetime | None = None, present: Site | None = None) -> Site:
    """Read a site folder as of ``at`` (None: now), which matters for trust lists alone: they expire.

    With a ``present`` site in force, its trust and status go on, and the policy is not looked at: each is looked after
    by a keeper of its own.

    Raises:
        SiteError: anything in it is wrong; nothing of it is used then.

    """
    faults: list[Fault] = []
    at = datetime.now(UTC) if at is None else at
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        expected, found = Words("站点文件夹", "a site folder"), describe_os_error(error)
        raise SiteError([Fault(file=str(folder), key="", expected=expected, found=found)]) from error
    faults.extend(_strangers(entries))
    files = read_files(folder, READ_AGAIN)
    table = load_toml(folder / SETTINGS_FILE, file=SETTINGS_FILE, faults=faults)
    settings = None if table is None else parse_settings(table)
    max_change = TrustSettings().max_change if settings is None else settings.trust.max_change
    kept = _load_kept(folder, at, max_change, faults) if present is None else _Kept.of(present)
    callers = load_callers(folder / CALLERS_FOLDER, faults=faults, name=CALLERS_FOLDER)
    planned = () if settings is None else settings.facades
    tables = load_code_tables(folder / ADAPTERS_FOLDER, faults=faults)
    facades = load_facades(planned, folder, callers, tables=tables, file=SETTINGS_FILE, faults=faults)
    withholding = load_withholding(folder, faults=faults)
    systems = load_systems(folder, faults=faults)
    plan = load_sources(folder, systems=systems, faults=faults)
    asked = _load_asked(folder, plan.rules, systems, tables, faults)
    if facades:
        _check_facade_key(folder / STATE_FOLDER / KEY_FILE, faults)
    alarms = load_alarms(folder, faults=faults)
    if settings is not None:
        check_lists(alarms, folder / settings.audit.keys, faults=faults)
    own_witnesses = "" if settings is None else settings.audit.witness.policy
    witnessing = load_witnessing(folder, policy=own_witnesses, faults=faults)
    master = None if settings is None else _read_master(folder, settings, faults)
    credentials, redis = None, None
    if settings is not None:
        redis = open_access(folder, settings.redis, file=SETTINGS_FILE, faults=faults)
        _check_store_address(folder, settings, faults)
        credentials = open_credential_keys(folder, settings.credentials, at=at, file=SETTINGS_FILE, faults=faults)
    if faults or settings is None:
        raise SiteError(faults)
    return Site(
        settings=settings,
        trust=kept.trust,
        callers=callers,
        notices=kept.notices,
        folder=folder,
        trust_state=kept.trust_state,
        trust_mark=kept.trust_mark,
        trust_memory=kept.trust_memory,
        sources=kept.sources,
        status_mark=kept.status_mark,
        pseudonym_master=master,
        withholding=withholding,
        facades=facades,
        systems=systems,
        rules=plan.rules,
        outages=plan.outages,
        asked=asked,
        alarms=alarms,
        witnessing=witnessing,
        credentials=credentials,
        redis=redis,
        files=files,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The parts of a site that keepers look after, each by itself."""

    trust: TrustStore
    notices: tuple[Finding, ...]
    trust_state: TrustState | None
    trust_mark: Mark | None
    trust_memory: TrustMemory | None
    sources: tuple[StatusSource, ...]
    status_mark: Mark | None

    @classmethod
    def of(cls, site: Site) -> "_Kept":
        """Return those of a site."""
        return cls(**{field.name: getattr(site, field.name) for field in fields(cls)})


def _load_kept(folder: Path, at: datetime, max_change: float, faults: list[Fault]) -> _Kept:
    """Read trust and status, and note the faults of the policy too."""
    mark, status_mark = mark_folder(folder / TRUST_FOLDER), mark_folder(folder / STATUS_FOLDER)
    memory = TrustMemory(folder / STATE_FOLDER / MEMORY_FOLDER)
    state, findings = _load_trust(folder / TRUST_FOLDER, at, max_change, memory, faults)
    store = state.store_at(at)
    sources = load_status_sources(folder, store=store, faults=faults)
    load_approvers(folder / APPROVERS_FOLDER, faults=faults)
    load_issuers(folder / ISSUERS_FOLDER, faults=faults)
    _check_policy(folder / POLICIES_FOLDER, faults)
    return _Kept(
        trust=store,
        notices=tuple(finding for finding in findings if not finding.is_fault),
        trust_state=state,
        trust_mark=mark,
        trust_memory=memory,
        sources=sources,
        status_mark=status_mark,
    )


def check_tokens_used_once(site: Site) -> None:
    """Refuse what works once, tokens and signed requests, where several processes serve without knowing it together.

    Raises:
        SiteError: there are callers, or façades, with such.

    """
    if site.redis is not None:
        return
    expected = Words(
        "多个进程共用的 Redis（[redis]），或只运行一个进程", "a Redis for all workers ([redis]), or one worker"
    )
    faults = []
    if site.callers.has_tokens_used_once:
        found = Words('令牌只能使用一次的调用方（tokens = "once"）', 'callers whose tokens work once (tokens = "once")')
        faults.append(Fault(file=f"{CALLERS_FOLDER}/", key="", expected=expected, found=found))
    found = Words("签名请求只能使用一次的仿真接口", "a façade whose signed requests work once")
    for number, plan in enumerate(site.facades, 1):
        if plan.signed is not None:
            faults.append(Fault(file=SETTINGS_FILE, key=f"facade[{number}]", expected=expected, found=found))
    if faults:
        raise SiteError(faults)


def _load_asked(
    folder: Path,
    rules: Iterable[SourceRule],
    systems: Mapping[str, SystemAccess],
    tables: CodeTables,
    faults: list[Fault],
) -> tuple[AskedSystem, ...]:
    """Read the mappings of the systems that rules name; a system that none names need not have one."""
    names = dict.fromkeys(rule.system for rule in rules if rule.system in systems)
    found = (load_asked(folder / ADAPTERS_FOLDER, name, systems[name], tables=tables, faults=faults) for name in names)
    return tuple(one for one in found if one is not None)


_OWN_SECRET: Final = Words(
    f"仅本用户可读的密钥文件（至少 {SHORTEST_SECRET} 字节的 Base64）",
    f"a key that nobody else may read, {SHORTEST_SECRET} bytes or more in base64",
)
_ADDRESS: Final = Words(
    "仅本用户可读、内含 postgresql://… 地址的文件", "a file with an address, postgresql://…, that nobody else may read"
)
_SECRET_FAULTS: Final = {
    SecretFault.ABSENT: Words("文件不存在", "no such file"),
    SecretFault.UNREADABLE: Words("无法读取", "an unreadable file"),
    SecretFault.NOT_A_FILE: Words("不是普通文件", "no plain file"),
    SecretFault.OPEN_PERMISSIONS: Words("其他用户可读写的文件", "a file that others may read or write"),
    SecretFault.UNUSABLE: Words("其他内容", "something else"),
}


def _read_master(folder: Path, settings: Settings, faults: list[Fault]) -> bytes | None:
    """Return the master key of pseudonyms; None where none is named, or after a fault."""
    if not settings.policy.pseudonym_key:
        return None
    try:
        return read_secret(folder / settings.policy.pseudonym_key)
    except SecretError as error:
        found = _SECRET_FAULTS[error.fault]
        faults.append(Fault(file=SETTINGS_FILE, key="policy.pseudonym_key", expected=_OWN_SECRET, found=found))
        return None


def _check_store_address(folder: Path, settings: Settings, faults: list[Fault]) -> None:
    """Note an address of the licence store's database that cannot be used; the database itself is for later."""
    if not settings.store.database:
        return
    if find_spec("asyncpg") is None:
        expected = Words("已安装 tongban[postgres]", "tongban[postgres] to be installed")
        found = Words("缺少 asyncpg", "no library asyncpg")
        faults.append(Fault(file=SETTINGS_FILE, key="store.database", expected=expected, found=found))
    else:
        try:
            read_postgres_address(folder / settings.store.database)
        except AddressError as error:
            found = _SECRET_FAULTS[error.fault]
            faults.append(Fault(file=SETTINGS_FILE, key="store.database", expected=_ADDRESS, found=found))


def _check_facade_key(path: Path, faults: list[Fault]) -> None:
    """Note a key of tokens at façades that cannot be used; one that there is not is made at the start."""
    try:
        read_secret(path)
    except SecretError as error:
        if error.fault is not SecretFault.ABSENT:
            place, found = f"{STATE_FOLDER}/{path.name}", _SECRET_FAULTS[error.fault]
            faults.append(Fault(file=place, key="", expected=_OWN_SECRET, found=found))


def _check_policy(folder: Path, faults: list[Fault]) -> None:
    """Note every fault of the policy; which version of it is in force is for `gateway.policy.keeper` to find."""
    try:
        if has_policy(folder):
            read_sound_draft(folder)
    except PolicyError as error:
        faults.extend(map(_as_fault, error.faults))
    except OSError as error:
        expected = Words("文件夹", "a folder")
        faults.append(Fault(file=POLICIES_FOLDER, key="", expected=expected, found=describe_os_error(error)))


def _as_fault(fault: PolicyFault) -> Fault:
    file = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
    found = Words(*fault.found)
    if fault.meant:
        found = Words(f"{found.zh}（是否应为 {fault.meant}？）", f"{found.en} (did you mean {fault.meant}?)")
    return Fault(file=file, key=fault.key, expected=Words(*fault.expected), found=found)


def _strangers(entries: Iterable[Path]) -> Iterator[Fault]:
    """Yield a fault for everything that no part of the gateway reads: a misspelt name must not pass silently."""
    known = ", ".join([*SITE_FILES, *(f"{name}/" for name in FOLDERS)])
    for path in entries:
        if not path.name.startswith(".") and path.name not in {README, *SITE_FILES, *FOLDERS}:
            expected = Words(f"只有 {known} 与 {README}", f"only {known} and {README}")
            yield Fault(file=path.name, key="", expected=expected, found=describe_entry(path))


def _load_trust(
    folder: Path, at: datetime, max_change: float, memory: TrustMemory, faults: list[Fault]
) -> TrustReading:
    """Read the trust folder; none at all trusts nobody, one with something unusable in it is a fault."""
    try:
        reading = read_remembered_trust(folder, memory, at=at, max_change=max_change)
    except OSError as error:
        found = Words("其他内容", "something else") if folder.is_file() else describe_os_error(error)
        faults.append(Fault(file=TRUST_FOLDER, key="", expected=Words("文件夹", "a folder"), found=found))
        return TrustReading(TrustState(), ())
    faults.extend(
        Fault(
            file=posixpath.normpath(f"{TRUST_FOLDER}/{finding.file}"),
            key="",
            expected=Words("可用的证书与吊销列表", "certificates and revocation lists that can be used"),
            found=Words(finding.sentence_zh.rstrip("。"), f"a file that {finding.sentence}"),
        )
        for finding in reading.faults
    )
    return reading
