"""What a document says under a signature: its licence type and its issuer, to be compared with an anchor's scope."""

from adapters.document import Document, DocumentSignature
from keys.scope import NO_CLAIM, Claim


def read_claim(document: Document, signature: DocumentSignature) -> Claim:
    """Read the type and issuer codes (ZZLXDM, ZZBFJGDM, and those inside the identifier ZZBS) that a signature covers.

    Metadata that this signature does not protect claim nothing: whoever added them need not be who signed.
    Both spellings count, so that a document cannot be one type to this check and another to who looks it up.
    """
    licence, references = document.licence, signature.references
    if licence is None or references is None:
        return NO_CLAIM
    if not document.licence_members <= {entry.path for entry in references.entries}:
        return NO_CLAIM
    types, issuers = [licence.type_code], [licence.issuer_code]
    if licence.identifier is not None:
        types.append(licence.identifier.type_code)
        issuers.append(licence.identifier.issuer_code)
    return Claim.of(licence_types=types, authorities=issuers)
