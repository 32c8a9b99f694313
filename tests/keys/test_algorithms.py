"""The table of algorithms: read strictly, with every fault at once, and asked by key and digest."""

from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import algorithms
from keys.algorithms import (
    DEFAULT_ALGORITHMS,
    MAX_FAULTS,
    NEVER,
    NO_END,
    AlgorithmSunsets,
    Kind,
    parse_algorithms,
)
from keys.digest import DIGESTS, SHA256_OID, SM3_OID
from keys.errors import AlgorithmFlaw, MalformedAlgorithmsError
from keys.signature import ALGORITHMS, RSA_WITH_SHA256, RSA_WITH_SM3, SM2_WITH_SM3
from keys.spki import KeyType
from tests.support import pki

END_OF_112_BITS = datetime(2031, 1, 1, tzinfo=UTC)
SM2 = pki.sm2_key().spki
SHA1_OID = "1.3.14.3.2.26"
MD5_OID = "1.2.840.113549.2.5"


def rsa_spki(size: int) -> bytes:
    """Return an RSA key whose modulus has so many bits; nobody can sign with it."""
    key = pki.sequence(pki.integer(1 << size - 1 | 1), pki.integer(65537))
    return pki.sequence(pki.sequence(pki.oid("1.2.840.113549.1.1.1"), b"\x05\x00"), pki.bits(key))


def line(name: str, until: str = "2030-01-01T00:00:00Z", source: str = "by us") -> str:
    return f'[{name}]\nuntil = {until}\nsource = "{source}"\n'


def faults_of(text: str | bytes) -> list[tuple[str, AlgorithmFlaw]]:
    with pytest.raises(MalformedAlgorithmsError) as caught:
        parse_algorithms(text.encode() if isinstance(text, str) else text)
    assert len(str(caught.value)) <= 1000
    return [(fault.key, fault.flaw) for fault in caught.value.faults]


def test_whatever_can_be_verified_has_a_line():
    """The shipped table speaks of every kind of key and every digest that signatures are verified with."""
    named = {(one.kind, one.name) for one in DEFAULT_ALGORITHMS.lines}
    assert {(Kind.DIGEST, known.digest) for known in ALGORITHMS.values()} <= named
    assert {(Kind.KEY, kind.value) for kind in KeyType if kind is not KeyType.RSA} <= named
    assert {known.digest for known in ALGORITHMS.values()} <= {digest.name for digest in DIGESTS.values()}
    assert all(one.source for one in DEFAULT_ALGORITHMS.lines)


@pytest.mark.parametrize(
    ("size", "end"),
    [
        (1023, NEVER),
        (1024, datetime(2014, 1, 1, tzinfo=UTC)),
        (2047, datetime(2014, 1, 1, tzinfo=UTC)),
        (2048, END_OF_112_BITS),
        (3071, END_OF_112_BITS),
        (3072, NO_END),
        (8192, NO_END),
    ],
)
def test_a_key_of_rsa_belongs_to_the_largest_size_that_it_reaches(size, end):
    """One bit less is the class below, and below the smallest nothing is relied on."""
    assert DEFAULT_ALGORITHMS.key_end(rsa_spki(size)) == end
    assert DEFAULT_ALGORITHMS.signature_end(RSA_WITH_SHA256, rsa_spki(size)) == end


def test_the_shipped_ends():
    """SM2, P-256 and Ed25519 have no end, SHA-1 has had one, and MD5 was never good."""
    for key in (SM2, pki.p256_key().spki, pki.ed25519_key().spki):
        assert DEFAULT_ALGORITHMS.key_end(key) == NO_END
    assert DEFAULT_ALGORITHMS.signature_end(SM2_WITH_SM3, SM2) == NO_END
    assert DEFAULT_ALGORITHMS.digest_end(SHA1_OID) == datetime(2014, 1, 1, tzinfo=UTC)
    assert DEFAULT_ALGORITHMS.digest_end(MD5_OID) == NEVER


@pytest.mark.parametrize("spki", [b"", b"\x30\x00", rsa_spki(2048)[:-1], pki.sequence(pki.oid("1.2.3"), b"")])
def test_what_is_no_key_of_ours_is_never_relied_on(spki):
    """Garbage, and keys of other algorithms, end before all time; so do unknown algorithms and digests."""
    assert DEFAULT_ALGORITHMS.key_end(spki) == NEVER
    assert DEFAULT_ALGORITHMS.signature_end(SM2_WITH_SM3, spki) == NEVER
    assert DEFAULT_ALGORITHMS.signature_end("1.2.3", SM2) == NEVER
    assert DEFAULT_ALGORITHMS.digest_end("1.2.3") == NEVER


def test_an_empty_table_relies_on_nothing():
    """Silence withholds."""
    assert AlgorithmSunsets().signature_end(SM2_WITH_SM3, SM2) == NEVER
    assert parse_algorithms(b"") == AlgorithmSunsets()


def test_a_signature_ends_with_the_first_of_its_parts():
    """Key and digest both have to count."""
    table = DEFAULT_ALGORITHMS.overridden_by(parse_algorithms(line("digests.SM3", "2029-01-01T00:00:00Z").encode()))
    assert table.signature_end(RSA_WITH_SM3, rsa_spki(2048)) == datetime(2029, 1, 1, tzinfo=UTC)
    assert table.signature_end(RSA_WITH_SHA256, rsa_spki(2048)) == END_OF_112_BITS
    assert (table.digest_end(SM3_OID), table.digest_end(SHA256_OID)) == (datetime(2029, 1, 1, tzinfo=UTC), NO_END)


def test_a_site_says_otherwise_line_by_line():
    """A line replaces that of its name, also by one without an end; all others stay; a new size of RSA may come in."""
    said = '[keys.rsa-2048]\nsource = "ours"\n' + line("keys.rsa-2500", "2028-01-01T08:00:00+08:00")
    table = DEFAULT_ALGORITHMS.overridden_by(parse_algorithms(said.encode()))
    assert len(table.lines) == len(DEFAULT_ALGORITHMS.lines) + 1
    assert table.key_end(rsa_spki(2048)) == NO_END
    assert table.key_end(rsa_spki(2500)) == datetime(2028, 1, 1, tzinfo=UTC)
    assert table.key_end(SM2) == DEFAULT_ALGORITHMS.key_end(SM2)
    assert DEFAULT_ALGORITHMS.overridden_by(AlgorithmSunsets()) == DEFAULT_ALGORITHMS


@pytest.mark.parametrize(
    ("text", "key", "flaw"),
    [
        (b"\xff", "", AlgorithmFlaw.TOML),
        ("keys = [", "", AlgorithmFlaw.TOML),
        ("a = " + "9" * 5000, "", AlgorithmFlaw.TOML),
        ("a = " + "[" * 5000, "", AlgorithmFlaw.TOML),
        (b"#" * (algorithms.MAX_ALGORITHMS + 1), "", AlgorithmFlaw.TOO_LARGE),
        (line("key.sm2"), "key", AlgorithmFlaw.UNKNOWN_KEY),
        ("keys = 1", "keys", AlgorithmFlaw.TABLE),
        ("[keys]\nsm2 = 2030-01-01T00:00:00Z", "keys.sm2", AlgorithmFlaw.TABLE),
        (line("keys.SM2"), "keys.SM2", AlgorithmFlaw.ALGORITHM),
        (line("keys.rsa"), "keys.rsa", AlgorithmFlaw.ALGORITHM),
        (line("keys.rsa-0999"), "keys.rsa-0999", AlgorithmFlaw.ALGORITHM),
        (line("keys.SM3"), "keys.SM3", AlgorithmFlaw.ALGORITHM),
        (line("digests.sm3"), "digests.sm3", AlgorithmFlaw.ALGORITHM),
        (line("digests.rsa-2048"), "digests.rsa-2048", AlgorithmFlaw.ALGORITHM),
        (line("keys.sm2") + "valid = 1", "keys.sm2.valid", AlgorithmFlaw.UNKNOWN_KEY),
        (line("keys.sm2", "2030-01-01T00:00:00"), "keys.sm2.until", AlgorithmFlaw.MOMENT),
        (line("keys.sm2", "2030-01-01"), "keys.sm2.until", AlgorithmFlaw.MOMENT),
        (line("keys.sm2", '"2030-01-01T00:00:00Z"'), "keys.sm2.until", AlgorithmFlaw.MOMENT),
        (line("keys.sm2", "0001-01-01T00:00:00+08:00"), "keys.sm2.until", AlgorithmFlaw.MOMENT),
        (line("keys.sm2", "false"), "keys.sm2.until", AlgorithmFlaw.MOMENT),
        (line("keys.sm2", source=" "), "keys.sm2.source", AlgorithmFlaw.SOURCE),
        (line("keys.sm2", source="a" * 513), "keys.sm2.source", AlgorithmFlaw.SOURCE),
        ("[keys.sm2]\nsource = 1", "keys.sm2.source", AlgorithmFlaw.SOURCE),
        ("[keys.sm2]", "keys.sm2.source", AlgorithmFlaw.SOURCE),
    ],
)
def test_one_thing_wrong(text, key, flaw):
    """Whatever is wrong is said with its place and what was expected there, and nothing of the file is used."""
    assert faults_of(text) == [(key, flaw)]


def test_all_faults_are_said_at_once():
    """Nobody mends a file fault by fault; what a hostile one has is bounded."""
    text = line("keys.sm2", "2030-01-01") + line("digests.MD6", source="") + '[keys.p-256]\nsource = "ours"\n[other]\n'
    assert faults_of(text) == [
        ("keys.sm2.until", AlgorithmFlaw.MOMENT),
        ("digests.MD6", AlgorithmFlaw.ALGORITHM),
        ("digests.MD6.source", AlgorithmFlaw.SOURCE),
        ("other", AlgorithmFlaw.UNKNOWN_KEY),
    ]
    many = "\n".join(f"a{number} = 1" for number in range(1000))
    assert len(faults_of(many)) == MAX_FAULTS
    assert faults_of("b" * 1000 + " = 1") == [("b" * 60, AlgorithmFlaw.UNKNOWN_KEY)]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_garbage_is_refused_by_our_own_error(data):
    """No other error comes out of the reader."""
    try:
        parse_algorithms(data)
    except MalformedAlgorithmsError as error:
        assert error.faults  # noqa: PT017 - what does not raise is fine too


names = st.one_of(
    st.sampled_from([f"keys.{name}" for name in ("sm2", "p-256", "ed25519", "rsa-1024", "rsa-2048", "rsa-65536")]),
    st.sampled_from([f"digests.{name}" for name in ("SM3", "SHA256", "SHA384", "SHA512", "SHA1", "MD5")]),
)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - the strategy adds the zone
    lambda moment: moment.replace(microsecond=0)
)


@given(st.dictionaries(names, moments))
def test_what_is_written_is_read(table):
    """Every line of a good table comes back with its moment, in any order of the file."""
    text = reduce(lambda text, item: line(item[0], item[1].isoformat()) + text, table.items(), "")
    found = parse_algorithms(text.encode())
    assert {f"{one.kind}.{one.name}": one.until for one in found.lines} == table
    assert found.lines == tuple(sorted(found.lines, key=lambda one: (one.kind, one.name)))


def test_the_version_is_that_of_the_content():
    """Order makes no difference; any other moment, name or source is another version."""
    one, two = line("keys.sm2"), line("keys.p-256")
    assert parse_algorithms((one + two).encode()).version == parse_algorithms((two + one).encode()).version
    versions = {
        parse_algorithms(text.encode()).version
        for text in (one, two, one + two, line("keys.sm2", source="others"), line("keys.sm2", "2030-01-01T00:00:01Z"))
    }
    assert len(versions) == 5
