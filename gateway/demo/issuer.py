"""Issuing the demo's licences: typeset, with metadata where the file's producer puts it, and sealed."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import segno

from adapters.ofd.page import Page, Picture
from adapters.ofd.sealing import Digest, SignaturePlan, Stamp, add_signatures
from adapters.ofd.writer import (
    Attachment,
    CustomTag,
    DocumentInfo,
    PackageContent,
    encode_elements,
    encode_members,
    encode_package,
    page_id,
)
from gateway.demo.authority import Credential, DemoAuthority
from gateway.demo.catalogue import CHINA, drafts
from gateway.demo.layout import PORTRAIT_PICTURE, QR_PICTURE, seal_box, set_pages
from gateway.demo.licences import LicenceDraft, Placement
from gateway.demo.offices import OFFICES
from gateway.demo.png import draw_portrait
from gateway.demo.seals import OfficeSeal, open_office, sealer
from gateway.reason import Reason
from gateway.verdict import Outcome
from keys.digest import sm3

PRODUCER = "TongbanDemo"
PRODUCER_VERSION = "1.0"
REVIEW_DESK = "审核专用章"

_METADATA_SCHEME = "GB/T 36903"
_OPENING = time(9, 30)  # licences are sealed in office hours, each a few minutes after the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of a seal: which seal, by whom, when; ``digest`` and ``check_method`` as in a SignaturePlan."""

    seal: bytes
    signer: Credential
    signed_at: datetime
    covers_list: bool = True
    digest: Digest = sm3
    check_method: str | None = "SM3"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedLicence:
    """A sealed licence: the file, what it claims to be, and what a verification must answer.

    ``reason`` None goes with a valid outcome. ``draft``, ``members`` and ``seal`` are what it was made of.
    """

    name: str
    title: str
    claim: str
    document: bytes
    draft: LicenceDraft
    members: Mapping[str, bytes]
    seal: OfficeSeal
    outcome: Outcome = Outcome.VALID
    reason: Reason | None = None


def issue_licences(authority: DemoAuthority, now: datetime) -> tuple[IssuedLicence, ...]:
    """Open every office and issue the whole catalogue; each licence must verify as valid at ``now``."""
    seals = {office: open_office(authority, office, now) for office in OFFICES.values()}
    return tuple(
        issue_licence(authority, draft, seals[draft.office], position=position, now=now)
        for position, draft in enumerate(drafts(now), start=1)
    )


def issue_licence(
    authority: DemoAuthority, draft: LicenceDraft, seal: OfficeSeal, *, position: int, now: datetime
) -> IssuedLicence:
    """Issue one licence with its office's seal, some minutes after the office opened, by its ``position``."""
    day = draft.issued_on if draft.annotation is None else draft.annotation.made_on
    signed_at = datetime.combine(day, _OPENING, CHINA) + timedelta(minutes=7 * position, seconds=11 * position)
    uses = [Use(seal=seal.encoded, signer=seal.signer, signed_at=signed_at, covers_list=not draft.reviewed)]
    if draft.reviewed:
        desk = open_office(authority, draft.office, now, desk=REVIEW_DESK)
        uses.append(Use(seal=desk.encoded, signer=desk.signer, signed_at=signed_at + timedelta(hours=3)))
    members = seal_draft(draft, uses)
    return IssuedLicence(
        name=f"{draft.office.province.slug}-{position:02d}-{draft.kind.name.lower().replace('_', '-')}.ofd",
        title=str(draft.kind),
        claim=f"{draft.kind} {draft.number}",
        document=encode_package(members),
        draft=draft,
        members=members,
        seal=seal,
    )


def seal_draft(draft: LicenceDraft, uses: Iterable[Use]) -> dict[str, bytes]:
    """Typeset a draft and seal it once for each use, in order; gives the members of the package."""
    planned = tuple(uses)
    content = compose(draft, created=planned[0].signed_at.astimezone(CHINA).date())
    plans = tuple(_plan(draft, use, position) for position, use in enumerate(planned))
    return add_signatures(encode_members(content, signed=True), plans)


def compose(draft: LicenceDraft, *, created: date) -> PackageContent:
    """Typeset a draft: pages, pictures, and the metadata in the place that the draft asks for."""
    pages = set_pages(draft)
    elements = draft.elements
    metadata = encode_elements(elements, name="Metadata")
    marks = {"native-producer": PRODUCER, "producer-version": PRODUCER_VERSION}
    info = DocumentInfo(
        identifier=sm3(draft.identifier.encode())[:16].hex(),
        title=str(draft.kind),
        author=draft.office.name,
        creator=PRODUCER,
        creator_version=PRODUCER_VERSION,
        created=created,
        custom=elements if draft.placement is Placement.CUSTOM_DATAS else marks,
    )
    attachment = Attachment(name="metadata", file_name="metadata.xml", format="xml", content=metadata, created=created)
    tag = CustomTag(type_id=_METADATA_SCHEME, file_name="metadata.xml", content=metadata)
    return PackageContent(
        info=info,
        pages=pages,
        pictures=_pictures(draft, pages),
        attachments=(attachment,) if draft.placement is Placement.ATTACHMENT else (),
        tags=(tag,) if draft.placement is Placement.CUSTOM_TAGS else (),
    )


def draw_code(text: str) -> bytes:
    """Draw a QR code as PNG."""
    buffer = io.BytesIO()
    segno.make_qr(text, error="m").save(buffer, kind="png", scale=6, border=2)
    return buffer.getvalue()


def _plan(draft: LicenceDraft, use: Use, position: int) -> SignaturePlan:
    left, top, width, height = seal_box(draft, position)
    return SignaturePlan(
        seal=use.seal,
        signed_at=use.signed_at,
        stamps=(Stamp(page_id=page_id(0), x=left, y=top, width=width, height=height),),
        digest=use.digest,
        sealer=sealer(seal=use.seal, signer=use.signer, signed_at=use.signed_at),
        provider=PRODUCER,
        provider_version=PRODUCER_VERSION,
        covers_list=use.covers_list,
        check_method=use.check_method,
    )


def _pictures(draft: LicenceDraft, pages: tuple[Page, ...]) -> dict[str, bytes]:
    used = {item.resource for page in pages for item in page.items if isinstance(item, Picture)}
    pictures = {QR_PICTURE: draw_code(draft.identifier)}
    if PORTRAIT_PICTURE in used:
        pictures[PORTRAIT_PICTURE] = draw_portrait(draft.portrait_tone or 0)
    return pictures
