"""``tongban credential issue``: of a stored licence, a record, or another system's message.

A stored licence is verified anew and must be found valid; the access log has the issue before there is a credential.
A record or a message is what whoever gives it says: the issuer answers for it with the signature.
"""

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.credential import CredentialError, CredentialFault, end_of_validity, map_claims, name_type
from adapters.mapping.bounds import MAX_DOCUMENT_MESSAGE
from adapters.record.reading import parse_record
from adapters.record.record import LicenceRecord
from adapters.record.sealed import record_licence
from adapters.record.status import RecordStatus
from gateway.cli import store_commands
from gateway.cli.adapter_files import find_adapter
from gateway.cli.audit_find import write_private
from gateway.cli.command_log import open_log_for_command
from gateway.cli.console import OUT, ExitCode, print_json
from gateway.cli.credential_files import find_key, guard, refuse_taken
from gateway.cli.failure import UsageError
from gateway.cli.language import say
from gateway.cli.signing_key import KeyChoice
from gateway.cli.site_settings import load_settings
from gateway.cli.store_entries import CREDENTIAL, draft_store_change
from gateway.credential.holder_key import MAX_KEY, parse_holder_key
from gateway.credential.issuing import CredentialOrder, issue_credential
from gateway.credential.settings import URI_PATTERN
from gateway.pipeline import UNDER_OBJECTION, judge_found, verify_licence
from gateway.rendering import encode_time
from gateway.sources.source import LicenceIndex, by_identifier, by_number
from gateway.store_site import open_store
from gateway.trust.files import read_file
from gateway.trust.place import find_trust
from gateway.verdict import Outcome
from keys.own.record import KeyPurpose

__all__ = ["KeyChoice", "Subject", "Wanted", "issue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Of which licence: a file, read by an adapter where one is named, or one of a site's store."""

    file: Path | None
    adapter: str | None
    licence: str | None
    site: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be issued; ``type_name`` None: that of the licence type's code."""

    issuer: str
    holder_key: Path
    type_name: str | None
    days: int
    out: Path


def issue(subject: Subject, wanted: Wanted, choice: KeyChoice, *, as_json: bool) -> ExitCode:
    """Issue a credential into a file that nobody else may read."""

    def run(now: datetime) -> ExitCode:
        stored = find_key(choice, KeyPurpose.CREDENTIAL)
        refuse_taken(wanted.out)
        record, index = _find(subject, now)
        order = _order(record, wanted, now)
        signer = choice.open(stored)
        if subject.site is not None and index is not None:
            said = [f"type={order.type_name}", f"kid={stored.id}", f"issuer={order.issuer}"]
            with open_log_for_command(subject.site) as log:
                log.append(draft_store_change(CREDENTIAL, index, at=now, context=said))
        write_private(wanted.out, issue_credential(order, signer).encode() + b"\n")
        _tell(order, stored.id, wanted.out, as_json=as_json)
        return ExitCode.DONE

    return store_commands.guard(lambda _: guard(run, as_json=as_json), as_json=as_json)


def _find(subject: Subject, now: datetime) -> tuple[LicenceRecord, LicenceIndex | None]:
    """Return the record of the licence, and what a stored one is found by.

    Raises:
        UsageError: it is not clear which licence is meant.
        CredentialError: NOT_VALID, a stored one was not found to be so.

    """
    if (subject.file is None) == (subject.licence is None) or (subject.licence is None) != (subject.site is None):
        zh, en = "请给出 FILE，或 --licence 与 --site。", "give a FILE, or --licence and --site"
        raise UsageError(say(zh, en))
    if subject.file is not None:
        return _read(subject.file, subject.adapter), None
    if subject.adapter is not None:
        raise UsageError(say("--adapter 只与 FILE 同用。", "--adapter goes with a FILE"))
    return _find_stored(subject.site or Path(), subject.licence or "", now)


def _read(file: Path, adapter: str | None) -> LicenceRecord:
    """Return the one record of a file; raises AdapterError, MappingError, OSError, and UsageError for several."""
    data = read_file(file, MAX_DOCUMENT_MESSAGE)
    if adapter is None:
        return parse_record(data)
    parsed = find_adapter(adapter).parse(data)
    if len(parsed.records) != 1 or parsed.refused:
        count = len(parsed.records) + len(parsed.refused)
        raise UsageError(
            say(f"消息中应有且仅有一份可读的证照，实有 {count} 份。", f"one licence was expected in it, got {count}")
        )
    return parsed.records[0]


def _find_stored(site: Path, reference: str, now: datetime) -> tuple[LicenceRecord, LicenceIndex]:
    """Return a stored licence that is found valid, as a question about it would find it.

    Raises:
        CredentialError: NOT_VALID.
        UnknownLicenceError, SourceUnavailableError: it is not there, or the store cannot be used.

    """
    trust = find_trust(site).read(now).state.store_at(now)
    with closing(open_store(site, load_settings(site))) as store:
        index = store.index(reference)
        key = (
            by_identifier(index.identifier)
            if index.identifier
            else by_number(index.number, index.type_code or index.name)
        )
        found = store.find(key)
    verified = judge_found(verify_licence(found.document, store=trust, at=now), found, key, at=now)
    if verified.verdict.outcome is not Outcome.VALID or verified.licence is None:
        raise CredentialError(CredentialFault.NOT_VALID, ", ".join(verified.verdict.reasons))
    record = record_licence(
        verified.licence,
        status=RecordStatus(verified.status.value),
        under_objection=UNDER_OBJECTION in verified.verdict.notes,
        source=verified.source,
    )
    return record, index


def _order(record: LicenceRecord, wanted: Wanted, now: datetime) -> CredentialOrder:
    if not re.fullmatch(URI_PATTERN, wanted.issuer):
        raise UsageError(say("--issuer 应为不含空格的 URI。", "--issuer takes a URI without spaces"))
    if wanted.type_name is not None and not re.fullmatch(URI_PATTERN, wanted.type_name):
        raise UsageError(say("--type 应为不含空格的名称。", "--type takes a name without spaces"))
    return CredentialOrder(
        issuer=wanted.issuer,
        type_name=wanted.type_name or name_type(record.type_code),
        claims=map_claims(record),
        holder_key=parse_holder_key(read_file(wanted.holder_key, MAX_KEY)),
        at=now,
        life=timedelta(days=wanted.days),
        ends_at=end_of_validity(record, now),
    )


def _tell(order: CredentialOrder, key_id: str, out: Path, *, as_json: bool) -> None:
    """Say what was issued; nothing of the licence but its type."""
    expires = encode_time(order.expires)
    if as_json:
        told = {"out": str(out), "issuer": order.issuer, "type": order.type_name, "kid": key_id}
        print_json({**told, "issued_at": encode_time(order.at), "expires": expires})
        return
    OUT.print(
        say(f"已签发，写入 {out}，有效期至 {expires}", f"issued, written to {out}, good until {expires}"), markup=False
    )
