"""Generated licences: as many as a test of size needs, the same for the same plan, a part of them with documents."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from adapters.china_time import CHINA_STANDARD_TIME
from gateway.demo.authority import DemoAuthority
from gateway.demo.catalogue import Occasion, holders_of, write_draft
from gateway.demo.crowd import MAX_PEOPLE, make_company, make_person
from gateway.demo.issuer import IssuedLicence, issue_licence
from gateway.demo.licences import BRANCHES, TYPE_CODES, Kind, LicenceDraft
from gateway.demo.numbers import licence_identifier
from gateway.demo.offices import OFFICES, PROVINCES, Office
from gateway.demo.people import Company, Person
from gateway.demo.seals import OfficeSeal, open_office
from gateway.sources.recorded import RecordedLicence
from gateway.sources.source import key_text
from policies.dimension import LicenceStatus

_KINDS: Final = tuple(Kind)
_BLOCK: Final = len(PROVINCES) * len(_KINDS)  # licences of one family: one of each kind in each province
_SEQUENCES: Final = 10**7  # of one seed
_YOUNGEST_DAYS: Final = 10
_DAYS: Final = 900  # of issue: every licence is valid for three years or more, and seals are four years old
_POSITIONS: Final = 60  # licences that an office seals on one day, seven minutes apart
_OFTEN: Final = 100
_OTHER_STATUSES: Final = {97: LicenceStatus.SUSPENDED, 98: LicenceStatus.REVOKED, 99: LicenceStatus.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A plan: ``count`` licences, ``documents`` of them with a document and spread evenly, as of ``at``.

    Whoever has no document is recorded only, as by an import of a register; three of a hundred of these are not in
    force. A licence is named by its place, from 0 on.
    """

    count: int
    documents: int
    seed: int
    at: datetime

    @property
    def document_places(self) -> range:
        """The places of the licences with a document; an odd number lies between two, so that all kinds are among."""
        step = (self.count // max(1, self.documents) - 1) | 1
        return range(0, self.documents * step, step)

    def has_document(self, place: int) -> bool:
        """Say whether the licence at a place has a document."""
        return place in self.document_places

    def record(self, place: int) -> RecordedLicence:
        """Return a licence as a register would state it."""
        kind, occasion = self._occasion(place)
        company, groom, bride = _family(self._family_number(place))
        holders = holders_of(kind, occasion, company, groom, bride)
        office = OFFICES[occasion.province, BRANCHES[kind]]
        return RecordedLicence(
            identifier=licence_identifier(TYPE_CODES[kind], office.code, occasion.serial(kind)),
            number=key_text(occasion.number(kind, holders[0])),
            type_code=TYPE_CODES[kind],
            name=str(kind),
            holders=tuple(holder.code for holder in holders),
            issued_on=occasion.day.isoformat(),
            status=_OTHER_STATUSES.get(place * 31 % _OFTEN, LicenceStatus.ACTIVE),
            is_under_objection=False,
        )

    def draft(self, place: int) -> LicenceDraft:
        """Return the draft of a licence, with everything that its document says."""
        kind, occasion = self._occasion(place)
        return write_draft(kind, occasion, *_family(self._family_number(place)))

    def _occasion(self, place: int) -> tuple[Kind, Occasion]:
        within = place % _BLOCK
        day = self.at.astimezone(CHINA_STANDARD_TIME).date() - timedelta(days=_YOUNGEST_DAYS + place * 7 % _DAYS)
        sequence = self.seed * _SEQUENCES + place
        return _KINDS[within // 2], Occasion(province=PROVINCES[within % 2], day=day, sequence=sequence)

    def _family_number(self, place: int) -> int:
        return (self.seed * _SEQUENCES + place) // _BLOCK * len(PROVINCES) + place % len(PROVINCES)


class Press:
    """Issues the documents of generated licences, with the seals of a TEST authority."""

    def __init__(self, generation: Generation, *, secret: bytes) -> None:
        """Make the authority of a secret: the same for the same secret and plan."""
        self._generation = generation
        self.authority = DemoAuthority.create(generation.at, insecure_seed=secret)
        self._seals: dict[Office, OfficeSeal] = {
            office: open_office(self.authority, office, generation.at) for office in OFFICES.values()
        }

    def issue(self, place: int) -> IssuedLicence:
        """Issue the licence at a place."""
        draft = self._generation.draft(place)
        seal = self._seals[draft.office]
        return issue_licence(self.authority, draft, seal, position=1 + place % _POSITIONS, now=self._generation.at)


@lru_cache(maxsize=len(PROVINCES))
def _family(number: int) -> tuple[Company, Person, Person]:
    groom = make_person(number * 2 % MAX_PEOPLE)
    return make_company(number, groom), groom, make_person((number * 2 + 1) % MAX_PEOPLE)
