"""``tongban trust add|remove|roots|sign|publish``: the next version of a list made, signed, put in place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.failure import UsageError, optional_moment
from gateway.cli.inputs import read_input
from gateway.cli.language import say
from gateway.cli.limits import DEFAULT_LIST_DAYS
from gateway.cli.signing_key import KeyChoice
from gateway.cli.trust_commands import describe_missing
from gateway.cli.trust_output import describe_list, show_published
from gateway.cli.trust_support import find_place, guard, load_list, read_bytes
from gateway.trust.drafts import (
    Terms,
    add_entries,
    find_certificates,
    load_certificate,
    load_list_key,
    load_public_key,
    note_removed_keys,
    open_draft,
    remove_entries,
)
from gateway.trust.files import locked, replace_file
from gateway.trust.publishing import publish, write_roots
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


def add(file: Path, adding: Adding, *, as_json: bool) -> ExitCode:
    """Add to a list, and write the draft of its next version; nothing is signed."""

    def run(now: datetime) -> ExitCode:
        present = load_list(file) if file.exists() else None
        draft = open_draft(present, _terms(adding), at=now)
        changed = add_entries(draft, _entries(adding))
        _write(changed, _target(file, present, changed, adding.out), as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removing:
    """Whom to take off, an entry or keys of the list, and why."""

    reason: str
    fingerprint: str | None = None
    subject: str | None = None
    list_keys: Sequence[str] = ()
    threshold: int | None = None
    days: int = DEFAULT_LIST_DAYS
    out: Path | None = None


def remove(file: Path, removing: Removing, *, as_json: bool) -> ExitCode:
    """Take one off a list, or keys that sign it, and write the draft of its next version; nothing is signed."""

    def run(now: datetime) -> ExitCode:
        if removing.fingerprint is None and not removing.list_keys:
            raise UsageError(say("需要 --fingerprint 或 --list-key。", "--fingerprint or --list-key is needed"))
        present = load_list(file)
        terms = Terms(gone=tuple(removing.list_keys), threshold=removing.threshold, life=timedelta(days=removing.days))
        changed = note_removed_keys(open_draft(present, terms, at=now), present, reason=removing.reason, at=now)
        if removing.fingerprint is not None:
            changed = remove_entries(
                changed, removing.fingerprint, subject=removing.subject, reason=removing.reason, at=now
            )
        _write(changed, _target(file, present, changed, removing.out), as_json=as_json)
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
            write_roots(find_place(site, is_site=True).folder, name, keys)
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
        signed = _add_signature(file, one, ListSignature(key=key.id, value=signer.sign(one.signed_bytes)))
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


def _add_signature(file: Path, one: TrustList, signature: ListSignature) -> TrustList:
    """Add a signature to what the file holds now: somebody else may have signed while the passphrase was typed."""
    with locked(file.parent):
        present = load_list(file)
        if present.digest != one.digest:
            text = str(file)
            raise UsageError(say(f"签名期间名单已被改动：{text}", f"the list was changed while it was signed: {text}"))
        signed = present.with_signature(signature)
        replace_file(file, encode_trust_list(signed))
    return signed


def publish_list(file: Path, *, site: Path, choice: KeyChoice | None, as_json: bool) -> ExitCode:
    """Verify a list and put it in place; UNKNOWN when it is held for approval."""

    def run(now: datetime) -> ExitCode:
        approve = None if choice is None else lambda keys: _open_key(choice, keys)
        place = find_place(site, is_site=True)
        done = publish(
            read_bytes(file),
            place.folder,
            at=now,
            present=place.load_present(),
            max_change=place.load_max_change(),
            approver=approve,
        )
        differences = () if done.previous is None else compare_trust_lists(done.previous, done.published)
        show_published(done, differences, as_json=as_json)
        return ExitCode.UNKNOWN if done.is_held else ExitCode.DONE

    return guard(run, as_json=as_json)


def _open_key(choice: KeyChoice, known: Sequence[ListKey]) -> tuple[ListKey, Signer]:
    """Open one of our keys that the list knows; every use goes into its journal.

    Raises:
        UsageError: it is not one of them, or not a key for trust lists.
        OwnKeyError, KeystoreError, JournalError, PassphraseError: it cannot be opened.

    """
    stored = choice.find()
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
    return key, choice.open(stored)
