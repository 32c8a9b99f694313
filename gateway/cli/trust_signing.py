"""``tongban trust add|remove|roots|sign|publish``: the next version of a list made, signed, put in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError, optional_moment
from gateway.cli.inputs import read_input
from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_LIST_DAYS
from gateway.cli.passphrase import read_passphrase
from gateway.cli.trust_commands import describe_missing
from gateway.cli.trust_output import describe_list, show_published
from gateway.cli.trust_support import guard, load_list, load_max_change, read_bytes
from gateway.keystore import Keystore
from gateway.pkcs11 import open_on_token
from gateway.site import TRUST_FOLDER
from gateway.trust_drafts import (
    Terms,
    add_entries,
    find_certificates,
    load_certificate,
    load_list_key,
    load_public_key,
    open_draft,
    remove_entries,
)
from gateway.trust_publishing import publish, replace_file, write_roots
from keys.own.file import TokenObject
from keys.own.record import KeyPurpose
from keys.own.signer import Signer
from keys.scope import Scope
from keys.trust import Anchor, KeyAnchor, Purpose
from keys.trust_list import KeyRole, ListKey, ListKeys, ListSignature, TrustList, encode_trust_list
from keys.trust_list_compare import compare_trust_lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """Whom to add and on which terms, as the options say."""

    purposes: Sequence[Purpose] = ()
    certificates: Sequence[Path] = ()
    public_keys: Sequence[Path] = ()
    makers_of: Sequence[Path] = ()
    signers_of: Sequence[Path] = ()
    below: Path | None = None
    types: Sequence[str] = ()
    authorities: Sequence[str] = ()
    region: str = ""
    start: str | None = None
    sunset: str | None = None
    source: str = ""
    name: str | None = None
    list_keys: Sequence[Path] = ()
    threshold: int | None = None
    days: int = DEFAULT_LIST_DAYS
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """Which key signs, and how it is opened."""

    key: str
    folder: Path
    passphrase_file: Path | None = None
    module: Path | None = None


def add(file: Path, adding: Adding, *, as_json: bool) -> ExitCode:
    """Add to a list, and write the draft of its next version; nothing is signed."""

    def run(now: datetime) -> ExitCode:
        present = load_list(file) if file.exists() else None
        draft = open_draft(present, _terms(adding), at=now)
        changed = add_entries(draft, _entries(adding))
        _write(changed, _target(file, present, changed, adding.out), as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def remove(file: Path, fingerprint: str, *, reason: str, days: int, out: Path | None, as_json: bool) -> ExitCode:
    """Take one off a list, and write the draft of its next version; nothing is signed."""

    def run(now: datetime) -> ExitCode:
        present = load_list(file)
        draft = open_draft(present, Terms(life=timedelta(days=days)), at=now)
        changed = remove_entries(draft, fingerprint, reason=reason, at=now)
        _write(changed, _target(file, present, changed, out), as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def _terms(adding: Adding) -> Terms:
    return Terms(
        name=adding.name,
        keys=tuple(load_list_key(path) for path in adding.list_keys),
        threshold=adding.threshold,
        life=timedelta(days=adding.days),
    )


def _entries(adding: Adding) -> list[Anchor | KeyAnchor]:
    """Return one entry for each certificate and key that the options name."""
    certificates = [load_certificate(path) for path in adding.certificates]
    for paths, of_makers in ((adding.makers_of, True), (adding.signers_of, False)):
        for path in paths:
            certificates += find_certificates(read_input(str(path)).data, of_makers=of_makers)
    keys = [load_public_key(path) for path in adding.public_keys]
    if not certificates and not keys:
        return []
    if not adding.purposes:
        raise UsageError(say("需要 --purpose。", "--purpose is needed"))
    terms = {
        "purposes": frozenset(adding.purposes),
        "scope": Scope(
            licence_types=frozenset(adding.types) or None, authorities=frozenset(adding.authorities) or None
        ),
        "start": optional_moment(adding.start),
        "sunset": optional_moment(adding.sunset),
        "region": adding.region,
        "source": adding.source,
    }
    entries: list[Anchor | KeyAnchor] = []
    below = None if adding.below is None else load_certificate(adding.below)
    for one in certificates:
        if below is not None and one.issuer != below.subject:
            text = f"{one.subject_text} / {below.subject_text}"
            raise UsageError(say(f"证书不是由 --below 的 CA 签发：{text}", f"--below did not issue this one: {text}"))
        subject = None if below is None else one.subject
        entries.append(Anchor(certificate=below or one, subject=subject, is_exhaustive=True, **terms))  # type: ignore[arg-type]  # one table of terms for both
    entries += [KeyAnchor(public_key=key, **terms) for key in keys]  # type: ignore[arg-type]  # the same
    return entries


def _target(file: Path, present: TrustList | None, draft: TrustList, out: Path | None) -> Path:
    """Return where a draft goes: over the draft it continues, else beside the signed list, never over that."""
    if out is not None:
        return out
    if present is None or not present.signatures:
        return file
    path = file.with_name(f"{draft.name}.{draft.version}.json")
    if path.exists():
        raise UsageError(
            say(f"{path} 已存在；请继续编辑该草稿，或用 --out。", f"{path} exists; go on with that draft, or use --out")
        )
    return path


def _write(draft: TrustList, path: Path, *, as_json: bool) -> None:
    replace_file(path, encode_trust_list(draft))
    if as_json:
        print_json({"file": str(path), **describe_list(draft)})
        return
    OUT.print(
        say(
            f"草稿 {draft.name} 版本 {draft.version}，{len(draft.entries)} 个条目，尚未签名：{path}",
            f"draft of {draft.name} version {draft.version}, {len(draft.entries)} entries, not signed: {path}",
        ),
        markup=False,
    )


def roots(name: str, *, site: Path, list_keys: Sequence[Path], threshold: int, as_json: bool) -> ExitCode:
    """Write down by hand who may sign the first version of a list."""

    def run(_: datetime) -> ExitCode:
        keys = ListKeys(keys=tuple(load_list_key(path) for path in list_keys), threshold=threshold)
        if not keys.can_be_met:
            raise UsageError(
                say("门限大于可签名的密钥数。", "the threshold is more than the keys that may sign can meet")
            )
        try:
            write_roots(_trust_of(site), name, keys)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if as_json:
            print_json({"name": name, "threshold": threshold, "keys": [key.id for key in keys.keys]})
        else:
            OUT.print(
                say(f"已写入 {name} 的根密钥 {len(keys.keys)} 把。", f"{len(keys.keys)} root keys of {name} written."),
                markup=False,
            )
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def sign(file: Path, choice: KeyChoice, *, previous: Path | None, as_json: bool) -> ExitCode:
    """Add the signature of one key to a list, in place."""

    def run(_: datetime) -> ExitCode:
        one = load_list(file)
        before = None if previous is None else load_list(previous)
        known = (*one.signers.signers, *(() if before is None else before.signers.signers))
        key, signer = _open_key(choice, known)
        signed = one.with_signature(ListSignature(key=key.id, value=signer.sign(one.signed_bytes)))
        replace_file(file, encode_trust_list(signed))
        missing = describe_missing(signed, signed.signers)
        if as_json:
            signatures = sorted(signature.key for signature in signed.signatures)
            threshold = signed.signers.threshold
            print_json(
                {"file": str(file), "key": key.id, "signatures": signatures, "threshold": threshold, "missing": missing}
            )
            return ExitCode.DONE
        OUT.print(
            say(
                f"已签名：{key.id}；共 {len(signed.signatures)} 个签名，需 {signed.signers.threshold} 个。",
                f"signed by {key.id}; {len(signed.signatures)} signatures, {signed.signers.threshold} are needed.",
            ),
            markup=False,
        )
        for other in missing:
            OUT.print(say(f"  还可签名：{other}", f"  may still sign: {other}"), markup=False)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def publish_list(file: Path, *, site: Path, choice: KeyChoice | None, as_json: bool) -> ExitCode:
    """Verify a list and put it in place; UNKNOWN when it is held for approval."""

    def run(now: datetime) -> ExitCode:
        approve = None if choice is None else lambda keys: _open_key(choice, keys)
        done = publish(read_bytes(file), _trust_of(site), at=now, max_change=load_max_change(site), approver=approve)
        differences = () if done.previous is None else compare_trust_lists(done.previous, done.published)
        show_published(done, differences, as_json=as_json)
        return ExitCode.UNKNOWN if done.is_held else ExitCode.DONE

    return guard(run, as_json=as_json)


def _trust_of(site: Path) -> Path:
    """Return the trust folder of a site, which may be still to come; the folder itself where it is one."""
    if not site.is_dir():
        raise UsageError(say(f"没有此文件夹：{site}", f"there is no such folder: {site}"))
    return site if site.name == TRUST_FOLDER else site / TRUST_FOLDER


def _open_key(choice: KeyChoice, known: Sequence[ListKey]) -> tuple[ListKey, Signer]:
    """Open one of our keys that the list knows; every use goes into its journal.

    Raises:
        UsageError: it is not one of them, or not a key for trust lists.
        OwnKeyError, KeystoreError, JournalError, PassphraseError: it cannot be opened.

    """
    store = Keystore(choice.folder)
    stored = store.find(choice.key)
    record = stored.key.record
    if record.purpose is not KeyPurpose.TRUST_LIST:
        text = f"{stored.id}: {record.purpose}"
        raise UsageError(say(f"此密钥不用于信任名单：{text}", f"this key is not one for trust lists: {text}"))
    key = next((key for key in known if key.public_key == record.public_key and KeyRole.TRUST_LIST in key.roles), None)
    if key is None:
        raise UsageError(
            say(
                f"此密钥不在有权签名者之列：{stored.id}。更换密钥时，旧密钥签名须加 --previous。",
                f"this key is none of those that may: {stored.id}; for a key that a new list drops, name --previous",
            )
        )
    place = stored.file.place
    if isinstance(place, TokenObject):
        if choice.module is None:
            raise UsageError(
                say("请用 --pkcs11-module 指定设备的库。", "name the device's library with --pkcs11-module")
            )
        pin = read_passphrase(choice.passphrase_file).decode("utf-8", "replace")
        device = open_on_token(choice.module, place, pin=pin)
        return key, store.journalled(stored, device, clock=_now)
    return key, store.unseal(stored, read_passphrase(choice.passphrase_file), clock=_now)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
