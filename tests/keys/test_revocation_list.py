"""Revocation lists: read strictly, found fast, partial ones marked, compared with another library."""

import base64
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import revocation_list as revocation_list_module
from keys import revoked as revoked_module
from keys.errors import MalformedRevocationListError
from keys.revocation_list import parse_revocation_list
from keys.revoked import RevocationReason
from tests.support import pki
from tests.support.pki import entry, extension, reason, sequence

CA = pki.make_root("Listing CA")
WHEN = pki.NOW - timedelta(days=30)
LATE = datetime(2061, 5, 6, 7, 8, 9, tzinfo=UTC)


def parse(*revoked, **knobs):
    return parse_revocation_list(CA.revocation_list(*revoked, **knobs))


def test_an_empty_list():
    """A list without entries says who states it, as of when, and revokes nobody."""
    found = parse()
    assert found.issuer == CA.certificate.subject
    assert (found.this_update, found.next_update) == (pki.NOW - timedelta(hours=1), pki.NOW + timedelta(days=1))
    assert found.unusable is None
    assert found.revoked.count == 0
    assert repr(found) == f"RevocationList(fingerprint={found.fingerprint.hex()}, revoked=0)"
    assert all(found.find(serial) is None for serial in (0, 1, -1, 2**159))


def test_without_version_and_next_update():
    """The parts that may be absent may be absent."""
    found = parse(entry(5), version=None, extensions=(), next_update=None)
    assert found.next_update is None
    assert found.find(5).revoked_at == WHEN


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 6, 8, 9, 10])
def test_entries_and_reasons(number):
    """Every entry is found by its serial number, with its date and reason; its neighbours are not there."""
    found = parse(entry(7), entry(900, WHEN, reason(number)), entry(2**159, LATE), entry(-3), entry(0))
    assert found.revoked.count == 5
    assert found.find(7) == (WHEN, None, None)
    assert found.find(900).reason is list(RevocationReason)[number if number < 7 else number - 1]
    assert found.find(2**159) == (LATE, None, None)
    assert found.find(-3) == found.find(0) == (WHEN, None, None)
    assert all(found.find(serial) is None for serial in (8, 899, 901, 2**159 + 1, -4, 1))
    assert found.unusable is None


def test_another_library_reads_the_same():
    """A list signed with SM2 is read as cryptography reads it, entry by entry."""
    generator = random.Random(7)
    serials = {generator.getrandbits(generator.choice((8, 64, 127, 159))) | 1 for _ in range(300)}
    entries = [
        entry(serial, WHEN - timedelta(seconds=serial % 10**6), *([reason(serial % 6)] if serial % 3 else []))
        for serial in serials
    ]
    blob = CA.revocation_list(*entries)
    ours, theirs = parse_revocation_list(blob), x509.load_der_x509_crl(blob)
    assert ours.tbs == theirs.tbs_certlist_bytes
    assert ours.signature == theirs.signature
    assert ours.issuer == theirs.issuer.public_bytes()
    assert ours.this_update == theirs.last_update_utc
    assert ours.next_update == theirs.next_update_utc
    assert ours.revoked.count == len(theirs) == len(serials)
    for their in theirs:
        our = ours.find(their.serial_number)
        assert our.revoked_at == their.revocation_date_utc
        stated = list(their.extensions)
        assert (our.reason is None) is (not stated)


@pytest.mark.parametrize("year", [23, 24])
def test_every_day_of_the_year(year):
    """A date that exists is read, one that does not is refused, whichever way an entry is checked."""
    for month in range(14):
        for day in range(33):
            blob = CA.revocation_list(
                sequence(pki.integer(5), pki.tlv(0x17, b"%02d%02d%02d010203Z" % (year, month, day)))
            )
            try:
                moment = datetime(2000 + year, month, day, 1, 2, 3, tzinfo=UTC)
            except ValueError:
                with pytest.raises(MalformedRevocationListError):
                    parse_revocation_list(blob)
            else:
                assert parse_revocation_list(blob).find(5).revoked_at == moment


def test_uncommon_entries_are_read_with_care():
    """Long entries, late dates, the 31st, and further extensions are read as what they say."""
    odd = datetime(2023, 5, 31, 23, 59, 59, tzinfo=UTC)
    invalidity = extension("2.5.29.24", pki.tlv(0x18, b"20230501000000Z"))
    longer = extension("1.2.3", bytes(200))
    found = parse(entry(1, odd), entry(2, LATE, invalidity, reason(1)), entry(3, odd, longer), entry(2**400, odd))
    assert found.find(1) == (odd, None, None)
    assert found.find(2) == (LATE, RevocationReason.KEY_COMPROMISE, datetime(2023, 5, 1, tzinfo=UTC))
    assert found.find(3) == (odd, None, None)
    assert found.find(2**400) == (odd, None, None)
    assert found.unusable is None


def unknown(*, critical):
    return extension("1.2.3.4", b"\5\0", critical=critical)


@pytest.mark.parametrize(
    ("entries", "extensions", "usable"),
    [
        ((), (), True),
        ((), (unknown(critical=False),), True),
        ((), (extension("2.5.29.20", pki.integer(1), critical=True),), True),
        ((), (unknown(critical=True),), False),
        ((), (extension("2.5.29.27", pki.integer(1), critical=True),), False),
        ((), (extension("2.5.29.27", pki.integer(1)),), False),
        ((), (extension("2.5.29.28", sequence(), critical=True),), False),
        ((), (extension("2.5.29.28", sequence()),), False),
        ((entry(1, WHEN, unknown(critical=False)),), (), True),
        ((entry(1, WHEN, unknown(critical=True)),), (), False),
        ((entry(1), entry(2, WHEN, extension("2.5.29.29", sequence(), critical=True)), entry(3)), (), False),
        ((entry(2, WHEN, extension("2.5.29.29", sequence())),), (), False),
        ((entry(2, WHEN, extension("2.5.29.21", b"\x0a\x01\x01", critical=True)),), (), True),
    ],
)
def test_partial_lists_are_unusable(entries, extensions, usable):
    """Delta, indirect and partial lists, and critical contents that are not known, are read and marked."""
    found = parse(*entries, extensions=extensions)
    assert (found.unusable is None) is usable
    assert found.revoked.count == len(entries)


GOOD = CA.revocation_list(entry(5), entry(6, WHEN, reason(1)))


def raw_entry(*parts):
    return sequence(*parts)


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"text",
        GOOD + b"\0",
        GOOD[:-1],
        CA.certificate.encoded,
        CA.revocation_list(inner_algorithm=sequence(pki.oid("1.2.3"))),
        CA.revocation_list(version=0),
        CA.revocation_list(version=None),  # extensions in version 1
        CA.revocation_list(extensions=(unknown(critical=False), unknown(critical=False))),
        CA.revocation_list(entry(1, WHEN, reason(1), reason(1))),
        CA.revocation_list(entry(1, WHEN, reason(7))),
        CA.revocation_list(entry(1, WHEN, reason(11))),
        CA.revocation_list(entry(1, WHEN, extension("2.5.29.21", b"\x02\x01\x01"))),
        CA.revocation_list(raw_entry(b"\x02\x02\x00\x01", pki.time(WHEN))),  # a number with two spellings
        CA.revocation_list(raw_entry(b"\x02\x02\xff\xff", pki.time(WHEN))),
        CA.revocation_list(raw_entry(b"\x02\x00", pki.time(WHEN))),
        CA.revocation_list(raw_entry(pki.integer(1))),
        CA.revocation_list(raw_entry(pki.integer(1), pki.tlv(0x17, b"230231000000Z"))),
        CA.revocation_list(raw_entry(pki.integer(1), pki.tlv(0x17, b"2302280000Z"))),
        CA.revocation_list(raw_entry(pki.integer(1), b"\x05\x00")),
        CA.revocation_list(raw_entry(pki.integer(1), pki.time(WHEN), b"\0" * 5)),
        CA.revocation_list(entry(1)[:-3]),
        CA.revocation_list(b"\x04" + entry(1)[1:]),
    ],
    ids=range(23),
)
def test_what_is_no_list(blob):
    """A list with any part that cannot be read is refused as a whole: a revocation could hide there."""
    with pytest.raises(MalformedRevocationListError):
        parse_revocation_list(blob)


def pem(blob):
    return b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(blob) + b"-----END X509 CRL-----\n"


def test_pem():
    """One PEM block, whatever stands around it, is the same list; none, two or a broken one are refused."""
    assert parse_revocation_list(b"# list\n" + pem(GOOD)) == parse_revocation_list(GOOD)
    assert hash(parse_revocation_list(pem(GOOD))) == hash(parse_revocation_list(GOOD))
    for blob in (pem(GOOD) * 2, pem(GOOD).replace(b"END", b"FIN"), b"-----BEGIN X509 CRL-----M-----END X509 CRL-----"):
        with pytest.raises(MalformedRevocationListError):
            parse_revocation_list(blob)


def test_too_large(monkeypatch):
    """A list beyond the bound is refused before it is read."""
    monkeypatch.setattr(revocation_list_module, "MAX_REVOCATION_LIST", 100)
    with pytest.raises(MalformedRevocationListError, match="at most 100"):
        parse_revocation_list(GOOD)


def test_a_long_list_is_searched_without_a_walk():
    """In a list of 50,000 every entry is found, and the table stays within eight bytes an entry and its slack."""
    entries = [entry(number * 7919 + 10**12) for number in range(50_000)]
    found = parse(*entries)
    assert found.revoked.count == 50_000
    assert all(found.find(number * 7919 + 10**12) is not None for number in range(0, 50_000, 50))
    assert all(found.find(number * 7919 + 10**12 + 1) is None for number in range(0, 50_000, 50))
    assert len(found.revoked._table) * found.revoked._table.itemsize <= 2**21


@given(st.binary(max_size=300))
def test_garbage_raises_only_our_error(data):
    """Any bytes are a list or our own error."""
    with pytest.raises(MalformedRevocationListError):
        parse_revocation_list(data)


@settings(max_examples=400)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_raises_only_our_error(place, change):
    """A list with any byte changed is read as another one or refused, and every search in it ends."""
    changed = bytearray(GOOD)
    changed[place] ^= change
    try:
        found = parse_revocation_list(bytes(changed))
    except MalformedRevocationListError:
        return
    assert found != parse_revocation_list(GOOD)
    found.find(5)
    found.find(77)


@settings(max_examples=50)
@given(st.lists(st.integers(-(2**70), 2**170), unique=True, max_size=40))
def test_what_was_written_is_found(serials):
    """Whatever serial numbers a list holds, each is found and no other."""
    found = parse(*(entry(serial) for serial in serials))
    assert found.revoked.count == len(serials)
    for serial in serials:
        assert found.find(serial) is not None
        assert (found.find(serial + 1) is not None) is (serial + 1 in serials)


LONG = extension("1.2.3", bytes(200))
SINCE = extension("2.5.29.24", pki.tlv(0x18, b"20230501000000Z"))


@pytest.mark.parametrize("serial", [77, 2**63, 2**400])
@pytest.mark.parametrize("more", [(), (LONG,)])
def test_the_earliest_of_two_entries_counts(serial, more):
    """A serial number that is listed twice was revoked at the earlier date, in whatever order and form they stand."""
    later, earlier = entry(serial, LATE, *more), entry(serial, WHEN)
    for entries in ((later, earlier), (earlier, later)):
        found = parse(*entries)
        assert found.find(serial).revoked_at == WHEN
        assert found.unusable is None
    assert parse(entry(serial, WHEN), entry(serial, LATE, SINCE)).find(serial).invalid_since.year == 2023


def test_a_revocation_counts_before_a_removal():
    """Of a revocation and a removeFromCRL for one certificate the revocation stays."""
    entries = entry(5, WHEN, reason(8)), entry(5, LATE, reason(1))
    for order in (entries, entries[::-1]):
        assert parse(*order).find(5).reason is RevocationReason.KEY_COMPROMISE


def test_one_number_again_and_again_is_read_in_no_time():
    """A list of one repeated serial number is read as fast as any, and not relied on for what it does not say."""
    begin = time.process_time()
    found = parse(*[entry(77)] * (revoked_module.MAX_REPEATED + 2))
    assert time.process_time() - begin < 5
    assert found.unusable == revoked_module.REPETITIVE
    assert found.find(77) is not None
    assert parse(*[entry(77)] * 100).unusable is None


def test_since_when_a_list_keeps_what_expired():
    """ExpiredCertsOnCRL is read, critical or not; another value is no list."""
    for critical in (False, True):
        more = extension("2.5.29.60", pki.tlv(0x18, b"20230501000000Z"), critical=critical)
        found = parse(extensions=(more,))
        assert (found.keeps_expired_since, found.unusable) == (datetime(2023, 5, 1, tzinfo=UTC), None)
    with pytest.raises(MalformedRevocationListError):
        parse(extensions=(extension("2.5.29.60", b"\x05\x00"),))
    with pytest.raises(MalformedRevocationListError):
        parse(entry(1, WHEN, extension("2.5.29.24", b"\x05\x00")))
