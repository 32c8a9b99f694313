"""Chains: found by name and signature, validated once, judged in time on every question, within a budget."""

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509
from asn1crypto.x509 import ExtensionId
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko_certvalidator.validate import SUPPORTED_EXTENSIONS

from keys import chain as chain_module
from keys import pkix
from keys.certificate import MAX_REMEMBERED, load_certificates, parse_certificate
from keys.chain import MAX_EXTRA, MAX_LENGTH, build_chain
from keys.errors import ChainError, ChainFault, MalformedCertificateError, SignatureFault
from keys.pkix import find_link_fault
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki
from tests.support.vectors import vector

ALL = frozenset(Purpose)
ROOT = pki.make_root()
MIDDLE = ROOT.issue_ca("Issuing CA", path_length=0)
LEAF = MIDDLE.issue("signer")


def store(*entities, purposes=ALL):
    return TrustStore(anchors=tuple(Anchor(certificate=_read(one), purposes=purposes) for one in entities))


def _read(one):
    return one.certificate if isinstance(one, pki.Entity) else one


def build(leaf=LEAF, *, trusted=(ROOT,), extra=(MIDDLE,), at=pki.NOW, purpose=Purpose.SIGNER):
    trust = trusted if isinstance(trusted, TrustStore) else store(*trusted)
    return build_chain(_read(leaf), store=trust, purpose=purpose, at=at, extra=[_read(one) for one in extra])


def fault_of(*arguments, **named):
    with pytest.raises(ChainError) as caught:
        build(*arguments, **named)
    assert len(caught.value.detail) < 100
    return caught.value.fault


def sample(name):
    return load_certificates(vector(f"ofd/tongsuo-certs/{name}"))


def test_a_chain_from_leaf_to_anchor():
    """A chain names its certificates leaf first, and when all issuers were valid."""
    found = build()
    assert found.certificates == (LEAF.certificate, MIDDLE.certificate, ROOT.certificate)
    assert (found.valid_from, found.valid_to) == (pki.BEGIN, pki.END + timedelta(seconds=1))


def test_an_anchor_alone_is_a_chain_of_one():
    """A certificate that is trusted itself needs no issuer, and its own period is not judged here."""
    found = build(trusted=(LEAF,), extra=(), at=datetime(1999, 1, 1, tzinfo=UTC))
    assert found.certificates == (LEAF.certificate,)


def test_an_anchor_in_the_middle_is_enough():
    """The chain ends at the first anchor; nothing above it is needed."""
    assert build(trusted=(MIDDLE,), extra=()).certificates == (LEAF.certificate, MIDDLE.certificate)


def test_trust_is_for_a_purpose():
    """An anchor for one purpose is none for another."""
    makers = store(ROOT, purposes=frozenset({Purpose.SEAL_MAKER}))
    assert build(trusted=makers, purpose=Purpose.SEAL_MAKER)
    assert fault_of(trusted=makers, purpose=Purpose.SIGNER) is ChainFault.UNKNOWN_ISSUER
    assert fault_of(trusted=makers, purpose=Purpose.TIMESTAMP) is ChainFault.UNKNOWN_ISSUER


def test_nothing_is_trusted_by_itself():
    """Without anchors, without the middle, or with a self-signed leaf, the issuer is unknown."""
    assert fault_of(trusted=TrustStore.empty()) is ChainFault.UNKNOWN_ISSUER
    assert fault_of(extra=()) is ChainFault.UNKNOWN_ISSUER
    assert fault_of(pki.make_root("Other"), extra=()) is ChainFault.UNKNOWN_ISSUER
    assert fault_of(extra=(MIDDLE, ROOT), trusted=()) is ChainFault.UNKNOWN_ISSUER


def test_the_shared_samples():
    """The Tongsuo certificates have the outcomes that were found independently (README of the samples)."""
    root, sub = sample("sm2__chain-ca.crt")
    for name in ("sm2__client_sign.crt", "sm2__client_enc.crt", "sm2__client_sign_expire.crt"):
        (leaf,) = sample(name)
        assert build(leaf, trusted=(root,), extra=(sub,)).certificates == (leaf, sub, root)
        assert fault_of(leaf, trusted=(root,), extra=()) is ChainFault.UNKNOWN_ISSUER
        before = datetime(2020, 1, 1, tzinfo=UTC)
        assert fault_of(leaf, trusted=(root,), extra=(sub,), at=before) is ChainFault.NOT_YET_VALID_ISSUER
    assert len(build(*sample("sm2-cert.pem"), trusted=sample("sm2-root-cert.pem"), extra=()).certificates) == 2


def test_certificates_signed_without_z_are_refused():
    """A chain whose signatures leave out the Z value is forged, whatever else is right."""
    (leaf,), (root,) = sample("sm2-noza-cert.pem"), sample("sm2-noza-root-cert.pem")
    assert fault_of(leaf, trusted=(root,), extra=()) is ChainFault.BAD_SIGNATURE
    assert pkix.find_link_fault(root, root.spki) is not None


def test_the_ofdrw_issuer_is_unknown():
    """The seal samples lead nowhere, and neither certificate is taken as the other's issuer."""
    user = load_certificates(vector("ofd/ofdrw/user_cert.pem"))[0]
    maker = load_certificates(vector("ofd/ofdrw/sealmaker_cert.pem"))[0]
    assert fault_of(user, trusted=(maker,), extra=()) is ChainFault.UNKNOWN_ISSUER
    assert build(user, trusted=(user, maker), extra=()).certificates == (user,)


def test_the_periods_of_issuers_are_judged_on_every_question():
    """The same remembered path is good inside the issuers' window and refused outside it, to the second."""
    early = pki.BEGIN + timedelta(days=100)
    middle = ROOT.issue_ca("Short CA", not_before=early, not_after=early + timedelta(days=10))
    leaf = middle.issue("signer")

    def at(moment):
        return {"trusted": (ROOT,), "extra": (middle,), "at": moment}

    last = early + timedelta(days=10)
    assert build(leaf, **at(early))
    assert build(leaf, **at(last))
    assert build(leaf, **at(last + timedelta(microseconds=999_999)))
    assert fault_of(leaf, **at(last + timedelta(seconds=1))) is ChainFault.EXPIRED_ISSUER
    assert fault_of(leaf, **at(early - timedelta(seconds=1))) is ChainFault.NOT_YET_VALID_ISSUER


def test_an_expired_anchor_is_an_expired_issuer():
    """The anchor's own period counts as that of any issuer."""
    root = pki.make_root("Old root", not_after=pki.BEGIN + timedelta(days=1))
    assert fault_of(root.issue("signer"), trusted=(root,), extra=()) is ChainFault.EXPIRED_ISSUER


def test_an_expired_leaf_still_has_its_chain():
    """The leaf's own period is somebody else's check, even where it does not overlap the issuers' at all."""
    past = datetime(2000, 1, 1, tzinfo=UTC)
    leaf = MIDDLE.issue("signer", not_before=past, not_after=past + timedelta(days=365))
    assert len(build(leaf).certificates) == 3
    future = MIDDLE.issue(
        "signer", not_before=datetime(9998, 1, 1, tzinfo=UTC), not_after=datetime.max.replace(tzinfo=UTC)
    )
    assert len(build(future).certificates) == 3


def test_issuers_whose_periods_never_meet():
    """A path whose issuers were never valid together is refused with a fault of time, never a traceback."""
    root = pki.make_root("Gone", not_after=pki.BEGIN + timedelta(days=1))
    middle = root.issue_ca("Later", not_before=pki.NOW)
    leaf = middle.issue("signer")
    for moment in (pki.BEGIN, pki.BEGIN + timedelta(days=9), pki.NOW + timedelta(days=1)):
        fault = fault_of(leaf, trusted=(root,), extra=(middle,), at=moment)
        assert fault in {ChainFault.EXPIRED_ISSUER, ChainFault.NOT_YET_VALID_ISSUER}


def test_of_two_paths_the_valid_one_is_taken():
    """Where a CA has an old and a new certificate, the one that was valid at the moment makes the chain."""
    key = pki.sm2_key()
    half = pki.BEGIN + timedelta(days=365)
    old = ROOT.issue_ca("Twin CA", key=key, not_after=half)
    new = ROOT.issue_ca("Twin CA", key=key, not_before=half)
    leaf = old.issue("signer")
    for extra in ((old, new), (new, old)):
        assert old.certificate in build(leaf, extra=extra, at=half - timedelta(days=1)).certificates
        assert new.certificate in build(leaf, extra=extra, at=half + timedelta(days=1)).certificates


def test_issuers_are_matched_by_signature_not_by_name():
    """Among CAs of one name the one that signed is found; one that did not sign is no issuer, trusted or not."""
    twin = ROOT.issue_ca("Issuing CA", path_length=0)
    assert MIDDLE.certificate in build(extra=(twin, MIDDLE)).certificates
    assert fault_of(extra=(twin,)) is ChainFault.UNKNOWN_ISSUER
    assert fault_of(trusted=(twin,), extra=()) is ChainFault.UNKNOWN_ISSUER
    assert build(trusted=(twin, MIDDLE), extra=()).certificates == (LEAF.certificate, MIDDLE.certificate)


def test_key_identifiers_tell_successors_apart():
    """A trusted CA of the same name with another key identifier is not the issuer, and no witness of a forgery."""
    old = pki.make_root("Root of two keys", subject_key_id=b"old")
    new = pki.make_root("Root of two keys", subject_key_id=b"new")
    leaf = old.issue("signer", authority_key_id=b"old")
    assert fault_of(leaf, trusted=(new,), extra=()) is ChainFault.UNKNOWN_ISSUER
    assert build(leaf, trusted=(new, old), extra=())


def test_names_written_in_another_kind_of_string_match():
    """A CA that writes its own name as PrintableString and as UTF8String in what it issues is one CA."""
    root = pki.make_root("Test Root", subject=pki.name("Test Root", string=0x13), issuer=pki.name("Test Root"))
    leaf = root.issue("signer", issuer=pki.name("Test Root"))
    assert leaf.certificate.issuer != root.certificate.subject
    assert build(leaf, trusted=(root,), extra=())


@pytest.mark.parametrize(
    "knobs",
    [
        {"is_ca": False, "usages": ("digital_signature", "key_cert_sign")},
        {"usages": ("crl_sign",)},
        {"with_extensions": False, "version": None},
    ],
)
def test_who_may_not_issue(knobs):
    """Without the CA flag or keyCertSign nobody is an issuer: not in the middle, and not as an anchor either."""
    fake = ROOT.issue_ca("No CA", **knobs)
    leaf = fake.issue("signer")
    assert fault_of(leaf, extra=(fake,)) is ChainFault.NOT_A_CA
    assert fault_of(leaf, trusted=(fake,), extra=()) is ChainFault.NOT_A_CA


def test_path_lengths():
    """A path length in the middle, or in the anchor's own certificate, ends the path."""
    below = MIDDLE.issue_ca("Too deep")
    assert fault_of(below.issue("signer"), extra=(MIDDLE, below)) is ChainFault.PATH_TOO_LONG
    strict = pki.make_root("Strict root", path_length=0)
    middle = strict.issue_ca("Middle")
    assert build(strict.issue("signer"), trusted=(strict,), extra=())
    assert fault_of(middle.issue("signer"), trusted=(strict,), extra=(middle,)) is ChainFault.PATH_TOO_LONG


def test_long_paths_are_refused():
    """A path of the greatest length is found, one more is refused."""
    entities = [ROOT]
    for number in range(MAX_LENGTH - 1):
        entities.append(entities[-1].issue_ca(f"CA {number}"))
    *middles, last = entities[1:]
    leaf = middles[-1].issue("signer")
    assert len(build(leaf, extra=middles).certificates) == MAX_LENGTH
    assert fault_of(last.issue("signer"), extra=(*middles, last)) is ChainFault.PATH_TOO_LONG


def test_unknown_critical_extensions():
    """A critical extension that nobody knows refuses the path; the same one uncritical is ignored."""

    def more(critical):
        return [pki.extension("1.2.3.4.5", b"\5\0", critical=critical)]

    assert build(MIDDLE.issue("signer", more=more(critical=False)))
    assert fault_of(MIDDLE.issue("signer", more=more(critical=True))) is ChainFault.UNKNOWN_CRITICAL_EXTENSION
    middle = ROOT.issue_ca("Odd CA", more=more(critical=True))
    assert fault_of(middle.issue("signer"), extra=(middle,)) is ChainFault.UNKNOWN_CRITICAL_EXTENSION


def constraints(field, *dns):
    names = [{"base": x509.GeneralName("dns_name", one)} for one in dns]
    return pki.extension("2.5.29.30", x509.NameConstraints({field: names}).dump(), critical=True)


def dns_name(text):
    names = x509.GeneralNames([x509.GeneralName("dns_name", text)])
    return pki.extension("2.5.29.17", names.dump())


@pytest.mark.parametrize("field", ["permitted_subtrees", "excluded_subtrees"])
@pytest.mark.parametrize("in_anchor", [False, True])
def test_name_constraints(field, in_anchor):
    """Names outside the space of a CA are refused, whether the middle or the anchor limits it."""
    more = [constraints(field, "city.example")]
    root = pki.make_root("Narrow root", more=more) if in_anchor else ROOT
    middle = root.issue_ca("Narrow CA", more=[] if in_anchor else more)
    inside, outside = "www.city.example", "www.other.example"
    good, bad = (inside, outside) if field == "permitted_subtrees" else (outside, inside)
    for name, expected in ((good, None), (bad, ChainFault.NAME_CONSTRAINTS)):
        leaf = middle.issue("signer", more=[dns_name(name)])
        if expected is None:
            assert build(leaf, trusted=(root,), extra=(middle,))
        else:
            assert fault_of(leaf, trusted=(root,), extra=(middle,)) is expected


def test_constraints_that_cannot_be_compared_refuse():
    """A constraint on a kind of name that the library cannot compare refuses the names of that kind."""
    address = x509.GeneralName("ip_address", "10.0.0.0/8")
    value = x509.NameConstraints({"permitted_subtrees": [{"base": address}]}).dump()
    middle = ROOT.issue_ca("Net CA", more=[pki.extension("2.5.29.30", value, critical=True)])
    names = x509.GeneralNames([x509.GeneralName("ip_address", "10.0.0.1")])
    leaf = middle.issue("signer", more=[pki.extension("2.5.29.17", names.dump())])
    assert fault_of(leaf, extra=(middle,)) is ChainFault.NAME_CONSTRAINTS


def test_extensions_that_break_the_library_refuse():
    """An extension that cannot be read is a refusal, not a traceback."""
    middle = ROOT.issue_ca("Broken CA", more=[pki.extension("2.5.29.30", b"\xff\xff")])
    assert fault_of(middle.issue("signer"), extra=(middle,)) is ChainFault.OTHER
    leaf = middle.issue("signer", more=[pki.extension("2.5.29.17", b"\xff\xff")])
    assert fault_of(leaf, extra=(middle,)) is ChainFault.OTHER


def test_forged_and_weak_signatures():
    """A certificate that names the key of a trusted CA which did not sign it is forged; one signed with SHA-1 is weak.

    Without the name of a key it may as well be by the CA's next key, which nobody told us of.
    """
    named = pki.make_root("Named root", subject_key_id=b"key")
    forged = named.issue("signer", authority_key_id=b"key", signer=pki.sm2_key())
    assert fault_of(forged, trusted=(named,), extra=()) is ChainFault.BAD_SIGNATURE
    assert fault_of(ROOT.issue("signer", signer=pki.sm2_key()), extra=()) is ChainFault.UNKNOWN_ISSUER
    rsa = pki.rsa_key(algorithm="1.2.840.113549.1.1.5")
    root = pki.make_root("RSA root", key=rsa)
    assert fault_of(root.issue("signer"), trusted=(root,), extra=()) is ChainFault.WEAK_ALGORITHM
    other = ROOT.issue("signer", signer=pki.p256_key())  # the algorithm does not fit the anchor's key
    assert fault_of(other, extra=()) is ChainFault.UNKNOWN_ISSUER


@pytest.mark.parametrize("make", [pki.p256_key, pki.ed25519_key, pki.rsa_key])
def test_chains_of_other_algorithms(make):
    """Chains of P-256, Ed25519 and RSA keys, and mixed ones, are chains as those of SM2."""
    root = pki.make_root("Other root", key=make())
    middle = root.issue_ca("Mixed CA")
    assert len(build(middle.issue("signer"), trusted=(root,), extra=(middle,)).certificates) == 3


def test_the_second_spelling_of_sm2_keys_in_the_middle():
    """A CA whose key is written with the curve's OID as algorithm issues as any other."""
    key = pki.sm2_key()
    algorithm = pki.sequence(pki.oid("1.2.156.10197.1.301"), pki.oid("1.2.156.10197.1.301"))
    other = pki.SigningKey(
        spki=pki.sequence(algorithm, pki.bits(key.spki[-65:])), algorithm=key.algorithm, sign=key.sign
    )
    middle = ROOT.issue_ca("Early CA", key=other)
    assert build(middle.issue("signer"), extra=(middle,))


def test_many_candidates_of_one_name_exhaust_a_budget():
    """A document that brings along crowds of CAs of one name is refused after a bounded number of checks."""
    crowd = [ROOT.issue_ca("Issuing CA", serial=number) for number in range(60)]
    calls = []
    original = chain_module.find_link_fault

    def count(*arguments):
        calls.append(arguments)
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain_module, "find_link_fault", count)
        assert fault_of(extra=crowd) is ChainFault.BUDGET
    assert len(calls) == chain_module.MAX_SIGNATURE_CHECKS
    assert fault_of(extra=[MIDDLE] * (MAX_EXTRA + 1)) is ChainFault.BUDGET


def test_circles_end():
    """CAs that sign each other lead nowhere, and the search ends."""
    first_key, second_key = pki.sm2_key(), pki.sm2_key()
    first = pki.make_root("Second", key=second_key).issue_ca("First", key=first_key)
    second = pki.make_root("First", key=first_key).issue_ca("Second", key=second_key)
    assert fault_of(first.issue("signer"), extra=(first, second)) is ChainFault.UNKNOWN_ISSUER


def test_documents_cannot_bring_their_own_anchor():
    """Certificates from the document are candidates for the middle, never the end."""
    stranger = pki.make_root("Stranger")
    assert fault_of(stranger.issue("signer"), extra=(stranger,)) is ChainFault.UNKNOWN_ISSUER


def test_a_path_is_validated_once(monkeypatch):
    """The second question about the same certificate costs no validation; other anchors ask anew."""
    chain_module._found.clear()
    first = build()
    monkeypatch.setattr(chain_module, "validate_path", lambda _: pytest.fail("validated again"))
    assert build(at=pki.NOW + timedelta(days=1)) is first
    with pytest.raises(pytest.fail.Exception):
        build(trusted=(ROOT, LEAF), leaf=MIDDLE.issue("other"))


def test_the_validator_keeps_the_table_of_algorithms_by_itself():
    """Also without the search before it, validation refuses algorithms outside the table, and forged links."""
    weak = pki.make_root("RSA root", key=pki.rsa_key(algorithm="1.2.840.113549.1.1.5"))
    for leaf, root, fault in (
        (weak.issue("signer"), weak, ChainFault.WEAK_ALGORITHM),
        (ROOT.issue("signer", signer=pki.sm2_key()), ROOT, ChainFault.BAD_SIGNATURE),
        (MIDDLE.issue("signer"), ROOT, ChainFault.BAD_SIGNATURE),
    ):
        with pytest.raises(ChainError) as caught:
            pkix.validate_path((leaf.certificate, root.certificate))
        assert caught.value.fault is fault
    assert not pkix._Algorithms().digest_algorithm_allowed(None, None)


def test_waiting_is_refused():
    """A library that wants to wait wants the network; it is refused, not awaited."""

    class Wait:
        def __await__(self):
            yield

    async def wait():
        await Wait()

    with pytest.raises(RuntimeError, match="wait"):
        pkix._run(wait())


def test_bytes_that_the_path_does_not_hold_are_never_signed():
    """The validator answers for the certificates of its path only, by the bytes that we read."""
    validator = pkix._Signatures((LEAF.certificate,))
    key = x509.Certificate.load(MIDDLE.certificate.encoded).public_key
    validator.validate_signature(LEAF.certificate.signature, LEAF.certificate.tbs, key, None)
    for signature, tbs in ((b"", LEAF.certificate.tbs), (LEAF.certificate.signature, MIDDLE.certificate.tbs)):
        with pytest.raises(pkix.InvalidSignature):
            validator.validate_signature(signature, tbs, key, None)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_byte_breaks_the_chain(data):
    """A leaf or an issuer with any byte changed has no chain, and only our own errors are raised."""
    parts = [LEAF.certificate.encoded, MIDDLE.certificate.encoded]
    which = data.draw(st.integers(0, 1))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    changed = bytearray(parts[which])
    changed[place] ^= data.draw(st.integers(1, 255))
    parts[which] = bytes(changed)
    with pytest.raises((ChainError, MalformedCertificateError)):
        build(parse_certificate(parts[0]), extra=(parse_certificate(parts[1]),))


def test_large_certificates_are_not_remembered():
    """A stranger who varies a large certificate fills no memory, neither as a leaf nor beside one."""
    root = pki.make_root("Bounded")
    store = TrustStore(anchors=(Anchor(certificate=root.certificate, purposes=frozenset(Purpose)),))
    large = root.issue("large", more=(pki.extension("1.2.3", bytes(MAX_REMEMBERED)),))
    leaf = root.issue("leaf")
    build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW)
    before = len(chain_module._found)
    build_chain(large.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW)
    build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW, extra=(large.certificate,))
    assert len(chain_module._found) == before


def test_a_key_that_no_algorithm_has_is_not_remembered():
    """A key too large for every algorithm is refused each time, and kept nowhere."""
    before = len(pkix._links)
    leaf = pki.make_root("Any").issue("leaf").certificate
    assert find_link_fault(leaf, pki.sequence(bytes(5000))) is SignatureFault.UNUSABLE_KEY
    assert len(pkix._links) == before


def test_intermediates_of_the_store_complete_a_chain():
    """What the operator keeps for the middle serves as what documents bring, and is never trusted itself."""
    root = pki.make_root("Top")
    middle = root.issue_ca("Middle")
    leaf = middle.issue("leaf").certificate
    anchors = (Anchor(certificate=root.certificate, purposes=frozenset(Purpose)),)
    store = TrustStore(anchors=anchors, intermediates=(middle.certificate,))
    assert len(build_chain(leaf, store=store, purpose=Purpose.SIGNER, at=pki.NOW).certificates) == 3
    for other in (TrustStore(anchors=anchors), TrustStore(anchors=(), intermediates=(middle.certificate,))):
        with pytest.raises(ChainError):
            build_chain(leaf, store=other, purpose=Purpose.SIGNER, at=pki.NOW)
        assert other.version != store.version


def test_a_chain_of_one_knows_the_extensions_that_paths_know():
    """The table of critical extensions is that of the library that validates longer paths."""
    names = {name: dotted for dotted, name in ExtensionId._map.items()}
    assert {names.get(one, one) for one in SUPPORTED_EXTENSIONS} - {"qc_statements"} == pkix._UNDERSTOOD
