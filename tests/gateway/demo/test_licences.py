"""The demo's licences: numbers, metadata, pages, seals."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.ofd.markup import NAMESPACE
from adapters.registry import parse_document
from gateway.demo.authority import DemoAuthority
from gateway.demo.catalogue import CHINA, drafts, years_after
from gateway.demo.issuer import issue_licences
from gateway.demo.layout import seal_box, sheet_of
from gateway.demo.licences import Placement
from gateway.demo.numbers import citizen_id, credit_code
from gateway.verdict import Outcome
from keys.digest import sm3
from tests.support.demo import NOW, SEED, demo_stock

REQUIRED = {
    *("ZZMC", "ZZLXDM", "ZZBH", "ZZBS", "ZZBFJG", "ZZBFJGDM", "ZZBFRQ"),
    *("CZZT", "CZZTDM", "CZZTDMLX", "CZZTDMLXDM", "ZZYXQQSRQ", "ZZYXQJZRQ"),
}
ANNOTATED = {"JZJZZSJ", "JZJZZZ", "JZJZZSY", "JZJYXQJZSJ"}

# Members that hold, or depend on, an SM2 signature, whose random number no seed fixes.
SIGNED = ("Seal.esl", "Signature.xml", "SignedValue.dat")

each_licence = pytest.mark.parametrize("index", range(20))


def licence(index):
    return demo_stock().licences[index]


def is_citizen_id(code: str) -> bool:
    """Compute GB 11643 the way ISO 7064 states it: the polynomial in 2 is 1 modulo 11."""
    digits = [10 if character == "X" else int(character) for character in code]
    return len(code) == 18 and sum(digit * 2 ** (17 - place) for place, digit in enumerate(digits)) % 11 == 1


def is_credit_code(code: str) -> bool:
    """Compute GB 32100 and GB 11714: both weighted sums, check character included, are zero."""
    values = ["0123456789ABCDEFGHJKLMNPQRTUWXY".index(character) for character in code]
    outer = sum(value * 3**place for place, value in enumerate(values[:17])) + values[17]
    inner_values = [int(character, 36) for character in code[8:16]]
    check = 10 if code[16] == "X" else int(code[16])
    inner = sum(w * v for w, v in zip((3, 7, 9, 10, 5, 8, 4, 2), inner_values, strict=True)) + check
    return len(code) == 18 and outer % 31 == 0 and inner % 11 == 0


def is_identifier(text: str) -> bool:
    """Compute ISO 7064 MOD 37,36 over the whole string, check character included: the sum is 1 modulo 36."""
    *_, type_code, issuer, serial, version, check = text.split(".")
    product = 36
    for character in type_code + issuer + serial + version:
        product = ((product + int(character, 36)) % 36 or 36) * 2 % 37
    shape = text.startswith("1.2.156.3005.2.") and (len(type_code), len(issuer), len(version)) == (21, 18, 3)
    return shape and (product + int(check, 36)) % 36 == 1


class TestNumbers:
    """Check characters, computed here in another way than in the product."""

    @each_licence
    def test_every_number_has_the_right_check_characters(self, index):
        """Identifier, type code, issuer code and holder codes of every licence are well formed."""
        draft = licence(index).draft
        elements = draft.elements
        assert is_identifier(elements["ZZBS"])
        assert is_credit_code(elements["ZZLXDM"][:18])
        assert is_credit_code(elements["ZZBFJGDM"])
        check = {"001": is_credit_code, "111": is_citizen_id}[elements["CZZTDMLXDM"]]
        assert all(check(code) for code in elements["CZZTDM"].split("、"))

    @given(born=st.dates(date(1930, 1, 1), date(2040, 1, 1)), order=st.integers(0, 999))
    def test_citizen_ids_are_always_well_formed(self, born, order):
        """Any birth date and order give a citizen ID whose check character is right."""
        assert is_citizen_id(citizen_id("349901", born, order))

    @given(organisation=st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8))
    def test_credit_codes_are_always_well_formed(self, organisation):
        """Any organisation part gives a credit code with both check characters right."""
        assert is_credit_code(credit_code("91", "379901", organisation))

    @pytest.mark.parametrize("organisation", ["DEM3400", "DEM34OO1", "dem34001", "DEM340012"])
    def test_bodies_of_another_form_are_refused(self, organisation):
        """A body that cannot have a check character is an error, not a wrong number."""
        with pytest.raises(ValueError, match="check character"):
            credit_code("91", "379901", organisation)


class TestCatalogue:
    """What the licences say, whenever the demo runs."""

    def test_there_are_at_least_twenty_of_two_provinces(self):
        """Licences are distinct in file name, number, identifier and document, over two provinces and eight kinds."""
        stock = demo_stock().licences
        assert len(stock) >= 20
        for values in (
            {entry.name for entry in stock},
            {entry.claim for entry in stock},
            {entry.draft.identifier for entry in stock},
            {entry.document for entry in stock},
        ):
            assert len(values) == len(stock)
        assert {entry.draft.office.province.code for entry in stock} == {"34", "37"}
        assert len({entry.draft.kind for entry in stock}) == 8

    def test_all_are_expected_to_be_valid(self):
        """A genuine licence is expected to be valid, for no reason otherwise."""
        assert all((entry.outcome, entry.reason) == (Outcome.VALID, None) for entry in demo_stock().licences)

    @given(now=st.datetimes(datetime(2024, 1, 1), datetime(2046, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
    def test_every_licence_is_in_force_whenever_it_is_issued(self, now):
        """Issue day, first day and last day enclose the present day, on leap days and at year ends too."""
        today = now.astimezone(CHINA).date()
        for draft in drafts(now):
            assert draft.issued_on <= draft.valid_from <= today
            assert draft.valid_to is None or today <= draft.valid_to
            assert draft.annotation is None or draft.annotation.made_on <= today <= draft.annotation.valid_until
            assert all(text.strip() for text in draft.elements.values())

    @given(day=st.dates(date(2000, 1, 1), date(2080, 1, 1)), years=st.integers(1, 70))
    def test_a_period_ends_on_the_day_before_its_anniversary(self, day, years):
        """Whole years are whole years: the day after the last has the month and day of the first, or is 1 March."""
        following = years_after(day, years) + timedelta(days=1)
        assert following.year == day.year + years
        assert (following.month, following.day) in {(day.month, day.day), (3, 1)}


class TestDocuments:
    """The sealed files."""

    @each_licence
    def test_the_reader_finds_what_the_draft_says(self, index):
        """Metadata, wherever the file carries them, come back whole, without a flag, from a covered member."""
        entry = licence(index)
        document = parse_document(entry.document)
        read = document.licence
        assert read is not None
        assert dict(read.elements) == dict(entry.draft.elements)
        assert read.flags == frozenset()
        assert set(read.elements) >= REQUIRED | (ANNOTATED if entry.draft.annotation else set())
        assert (read.issued_on, read.valid_from) == (entry.draft.issued_on, entry.draft.valid_from)
        assert (read.valid_to, read.long_term) == (entry.draft.valid_to, entry.draft.valid_to is None)
        assert [(holder.name, holder.code) for holder in read.holders] == [
            (party.name, party.code) for party in entry.draft.holders
        ]
        for signature in document.signatures:
            assert signature.references is not None
            assert document.licence_members <= {reference.path for reference in signature.references.entries}

    @each_licence
    def test_signatures_are_read_without_a_remark(self, index):
        """Every signature is a seal of the current standard, over data whose digests agree, with nothing unusual."""
        document = parse_document(licence(index).document)
        assert document.notes == frozenset()
        assert len(document.signatures) == (2 if licence(index).draft.reviewed else 1)
        for signature in document.signatures:
            assert signature.notes == frozenset()
            assert signature.seal is not None
            assert signature.seal.notes == frozenset()
            assert signature.signed.certificate in signature.seal.signer_certificates
            assert signature.data is not None
            assert signature.data_hash == sm3(signature.data)
            assert signature.signed_at is not None
            assert signature.seal.valid_from <= signature.signed_at < NOW
            assert signature.references is not None
            assert signature.references.method == "SM3"
            for reference in signature.references.entries:
                assert reference.content is not None
                assert reference.expected == sm3(reference.content)

    def test_metadata_stand_in_each_of_the_three_places(self):
        """Between them the licences carry metadata in OFD.xml, in an attachment and in custom tags."""
        found = {
            entry.draft.placement: parse_document(entry.document).licence_members for entry in demo_stock().licences
        }
        assert found == {
            Placement.CUSTOM_DATAS: {"OFD.xml"},
            Placement.ATTACHMENT: {"Doc_0/Attachs/metadata.xml"},
            Placement.CUSTOM_TAGS: {"Doc_0/Tags/metadata.xml"},
        }

    @each_licence
    def test_the_page_shows_every_field_on_the_sheet(self, index):
        """All field values, the number and the issuer can be read on the pages, and nothing lies outside them."""
        entry = licence(index)
        pages = [
            etree.fromstring(content) for name, content in entry.members.items() if name.startswith("Doc_0/Pages/")
        ]
        text = "".join(code.text or "" for page in pages for code in page.iter(f"{{{NAMESPACE}}}TextCode"))
        shown = (*entry.draft.fields, *entry.draft.second_page)
        assert all(field.value in text for field in shown)
        assert entry.draft.number in text
        assert entry.draft.office.name in text
        sheet = sheet_of(entry.draft)
        boxes = [
            element.attrib["Boundary"] for page in pages for element in page.iter() if "Boundary" in element.attrib
        ]
        for box in (
            *(tuple(map(float, box.split())) for box in boxes),
            seal_box(entry.draft, 0),
            seal_box(entry.draft, 1),
        ):
            x, y, width, height = box
            assert x >= 0
            assert y >= 0
            assert x + width <= sheet.width
            assert y + height <= sheet.height

    @each_licence
    def test_files_have_the_size_of_real_licences(self, index):
        """A licence has between 20 and 100 kB, and an intact ZIP around it."""
        document = licence(index).document
        assert 20_000 <= len(document) <= 100_000
        with zipfile.ZipFile(io.BytesIO(document)) as package:
            assert package.testzip() is None

    def test_a_seed_repeats_everything_but_the_signatures(self):
        """Issued twice from one seed, licences differ in nothing but SM2's random numbers."""
        again = issue_licences(DemoAuthority.create(NOW, insecure_seed=SEED), NOW)
        for entry, other in zip(demo_stock().licences, again, strict=True):
            assert list(entry.members) == list(other.members)
            assert [name for name in entry.members if entry.members[name] != other.members[name]] == [
                name for name in entry.members if name.endswith(SIGNED)
            ]
