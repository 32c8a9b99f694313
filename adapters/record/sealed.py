"""The neutral record of a licence that was read from its own document."""

from adapters.licence import Licence, LicenceFlag
from adapters.metadata import EXTENSION_PREFIX
from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus


def record_licence(licence: Licence, *, status: RecordStatus, under_objection: bool, source: str) -> LicenceRecord:
    """Return the record; status and objection are a register's, since no document can say them.

    Where it is not clear which name has which number, the record has no holders.
    """
    pairs = LicenceFlag.HOLDERS_DO_NOT_PAIR not in licence.flags
    holders = [RecordHolder(name=one.name, code=one.code, code_type=one.code_type) for one in licence.holders]
    return LicenceRecord(
        identifier="" if licence.identifier is None else licence.identifier.text,
        number=licence.number,
        type_code=licence.type_code,
        name=licence.name,
        holders=tuple(holders) if pairs else (),
        issuer=licence.issuer,
        issuer_code=licence.issuer_code,
        issued_on=licence.issued_on,
        valid_from=licence.valid_from,
        valid_to=licence.valid_to,
        long_term=licence.long_term,
        status=status,
        under_objection=under_objection,
        source=source,
        surface={
            tag.removeprefix(EXTENSION_PREFIX): text.strip()
            for tag, text in licence.elements.items()
            if tag.startswith(EXTENSION_PREFIX)
        },
    )
