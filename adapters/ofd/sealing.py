"""Adding signatures to the members of an OFD package (GB/T 33190 section 18); keys come in as a function."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.china_time import CHINA_STANDARD_TIME
from adapters.ofd.markup import child, encode, numbers, root
from adapters.ofd.writer import SIGNATURE_LIST

SM2_WITH_SM3 = "1.2.156.10197.1.501"

Digest = Callable[[bytes], bytes]

# Takes the bytes of Signature.xml and its absolute path in the package, returns the content of SignedValue.dat.
Sealer = Callable[[bytes, str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Where the picture of the seal shows: the page by its identifier, the box in millimetres."""

    page_id: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturePlan:
    """One signature of type Seal to be added.

    ``covers_list`` protects Signatures.xml too, which forbids later signatures.
    ``check_method`` None leaves the attribute out, which the standard reads as MD5.
    """

    seal: bytes
    signed_at: datetime
    stamps: tuple[Stamp, ...]
    digest: Digest
    sealer: Sealer
    provider: str
    provider_version: str
    covers_list: bool = True
    check_method: str | None = "SM3"


def add_signatures(members: Mapping[str, bytes], plans: Sequence[SignaturePlan]) -> dict[str, bytes]:
    """Sign the members once for each plan, one after the other; each signature protects the earlier ones.

    A plan that does not cover the list leaves it open for the next; the returned mapping is a new one.
    """
    signed = dict(members)
    for index, plan in enumerate(plans):
        folder = f"Doc_0/Signs/Sign_{index}"
        signed[SIGNATURE_LIST] = _encode_signature_list(index + 1)
        signed[f"{folder}/Seal.esl"] = plan.seal
        left_out = frozenset() if plan.covers_list else frozenset({SIGNATURE_LIST})
        protected = {name: content for name, content in signed.items() if name not in left_out}
        description = _encode_signature(plan, folder=folder, protected=protected)
        signed[f"{folder}/Signature.xml"] = description
        signed[f"{folder}/SignedValue.dat"] = plan.sealer(description, f"/{folder}/Signature.xml")
    return signed


def _encode_signature_list(entries: int) -> bytes:
    part = root("Signatures")
    child(part, "MaxSignId", str(entries))
    for index in range(entries):
        location = f"/Doc_0/Signs/Sign_{index}/Signature.xml"
        child(part, "Signature", attributes={"ID": str(index + 1), "Type": "Seal", "BaseLoc": location})
    return encode(part)


def _encode_signature(plan: SignaturePlan, *, folder: str, protected: Mapping[str, bytes]) -> bytes:
    part = root("Signature")
    info = child(part, "SignedInfo")
    provider = {"ProviderName": plan.provider, "Version": plan.provider_version, "Company": plan.provider}
    child(info, "Provider", attributes=provider)
    child(info, "SignatureMethod", SM2_WITH_SM3)
    # It carries no zone; producers in use write the local time of China.
    child(info, "SignatureDateTime", f"{plan.signed_at.astimezone(CHINA_STANDARD_TIME):%Y-%m-%d %H:%M:%S}")
    method = {} if plan.check_method is None else {"CheckMethod": plan.check_method}
    references = child(info, "References", attributes=method)
    for name, content in protected.items():
        reference = child(references, "Reference", attributes={"FileRef": f"/{name}"})
        child(reference, "CheckValue", base64.b64encode(plan.digest(content)).decode("ascii"))
    for position, stamp in enumerate(plan.stamps, start=1):
        attributes = {
            "ID": str(position),
            "PageRef": str(stamp.page_id),
            "Boundary": numbers(stamp.x, stamp.y, stamp.width, stamp.height),
        }
        child(info, "StampAnnot", attributes=attributes)
    child(child(info, "Seal"), "BaseLoc", f"/{folder}/Seal.esl")
    child(part, "SignedValue", f"/{folder}/SignedValue.dat")
    return encode(part)
