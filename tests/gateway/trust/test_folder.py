"""A folder of trust: what becomes an anchor for what, and that nothing is passed over in silence."""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.trust import folder as trust_folder
from gateway.trust.folder import EVERY_PURPOSE, TrustFinding, TrustFindingKind, read_trust_folder
from keys.certificate import parse_certificate
from keys.status_feed import issuer_key
from keys.trust import Purpose
from tests.support.callers import NOW
from tests.support.pki import make_root

KEY = ec.generate_private_key(ec.SECP256R1())
BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


def make_certificate(name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
    builder = builder.serial_number(7).not_valid_before(BEGIN).not_valid_after(END)
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        KEY, hashes.SHA256()
    )


def make_list(name: str) -> x509.CertificateRevocationList:
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer).last_update(BEGIN).next_update(END)
    return builder.sign(KEY, hashes.SHA256())


def encode_pem(label: bytes, content: bytes) -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, base64.encodebytes(content), label)


ROOT, OTHER = make_certificate("root"), make_certificate("other")
ROOT_DER, ROOT_PEM = ROOT.public_bytes(Encoding.DER), ROOT.public_bytes(Encoding.PEM)
OTHER_DER, OTHER_PEM = OTHER.public_bytes(Encoding.DER), OTHER.public_bytes(Encoding.PEM)
LIST = make_list("root")
LIST_DER, LIST_PEM = LIST.public_bytes(Encoding.DER), LIST.public_bytes(Encoding.PEM)
PRIVATE_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def put(folder: Path, **files: bytes) -> None:
    """Write files; in their names ``__`` stands for the slash and ``_`` for the dot."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def anchors(folder: Path) -> dict[bytes, set[str]]:
    """Return each anchor's bytes with its purposes."""
    store = read_trust_folder(folder).store
    return {anchor.certificate.encoded: {str(purpose) for purpose in anchor.purposes} for anchor in store.anchors}


def findings(folder: Path) -> list[tuple[str, TrustFindingKind]]:
    return [(finding.file, finding.kind) for finding in read_trust_folder(folder).findings]


@pytest.mark.parametrize("content", [ROOT_DER, ROOT_PEM, b"a comment\n" + ROOT_PEM.replace(b"\n", b"\r\n")])
def test_directly_in_the_folder(tmp_path: Path, content: bytes) -> None:
    """A certificate directly in the folder serves every purpose, and that is said once."""
    put(tmp_path, root_cer=content, other_cer=OTHER_DER)
    assert anchors(tmp_path) == {ROOT_DER: set(EVERY_PURPOSE), OTHER_DER: set(EVERY_PURPOSE)}
    folder = read_trust_folder(tmp_path)
    assert findings(tmp_path) == [("", TrustFindingKind.EVERY_PURPOSE)]
    assert not folder.findings[0].is_fault
    assert "every purpose" in str(folder.findings[0])


@pytest.mark.parametrize(
    ("name", "purpose"),
    [("seal-makers", Purpose.SEAL_MAKER), ("signers", Purpose.SIGNER), ("timestamps", Purpose.TIMESTAMP)],
)
def test_one_purpose(tmp_path: Path, name: str, purpose: Purpose) -> None:
    """A certificate in a purpose's folder serves that purpose and no other, and there is nothing to say."""
    put(tmp_path, **{f"{name}__root_pem": ROOT_PEM})
    store, found = read_trust_folder(tmp_path)
    assert found == ()
    for each in Purpose:
        assert len(store.select(each, NOW)) == (each is purpose)


def test_two_purposes(tmp_path: Path) -> None:
    """The same certificate in two folders, in two spellings, is one anchor for both."""
    put(tmp_path, **{"seal-makers__root_pem": ROOT_PEM, "signers__root_der": ROOT_DER})
    assert anchors(tmp_path) == {ROOT_DER: {"seal-maker", "signer"}}
    assert findings(tmp_path) == []


def test_bundle(tmp_path: Path) -> None:
    """A PEM file may hold several certificates and lists."""
    put(tmp_path, signers__all_pem=ROOT_PEM + LIST_PEM + OTHER_PEM)
    assert set(anchors(tmp_path)) == {ROOT_DER, OTHER_DER}
    assert len(read_trust_folder(tmp_path).store.revocation_lists) == 1
    assert findings(tmp_path) == []


@pytest.mark.parametrize("name", ["a_crl", "signers__a_crl", "crls__deep__a_crl", "crls__a_bin"])
@pytest.mark.parametrize("content", [LIST_DER, LIST_PEM])
def test_lists_anywhere(tmp_path: Path, name: str, content: bytes) -> None:
    """Revocation lists are found wherever they lie, in either encoding, by content."""
    put(tmp_path, **{name: content})
    store, found = read_trust_folder(tmp_path)
    assert [one.encoded for one in store.revocation_lists] == [LIST_DER]
    assert (store.anchors, found) == ((), ())


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("signers__a_pem", b"", TrustFindingKind.UNRECOGNISED),
        ("signers__a_pem", b"hello", TrustFindingKind.UNRECOGNISED),
        ("signers__a_der", ROOT_DER[:-1], TrustFindingKind.UNRECOGNISED),
        ("signers__a_der", ROOT_DER + b"\0", TrustFindingKind.UNRECOGNISED),
        ("signers__a_crl", LIST_DER[:-1], TrustFindingKind.LIST_MALFORMED),
        ("signers__a_pem", ROOT_PEM[:-30], TrustFindingKind.UNRECOGNISED),
        ("signers__a_pem", encode_pem(b"CERTIFICATE", ROOT_DER[:-1]), TrustFindingKind.CERTIFICATE_MALFORMED),
        ("signers__a_pem", encode_pem(b"X509 CRL", LIST_DER[:-1]), TrustFindingKind.LIST_MALFORMED),
        ("signers__a_pem", PRIVATE_PEM, TrustFindingKind.PRIVATE_KEY),
        ("signers__a_pem", ROOT_PEM.replace(b" CERTIFICATE", b" PKCS7"), TrustFindingKind.UNRECOGNISED),
        ("cas__a_pem", ROOT_PEM, TrustFindingKind.NO_PURPOSE),
        ("signers__old__a_pem", ROOT_PEM, TrustFindingKind.NO_PURPOSE),
        ("a__b__c__d__e__a_pem", ROOT_PEM, TrustFindingKind.TOO_DEEP),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, name: str, content: bytes, kind: TrustFindingKind) -> None:
    """Whatever cannot be used is named with a sentence in both languages, and trusts nobody."""
    put(tmp_path, **{name: content})
    store, (finding,) = read_trust_folder(tmp_path)
    assert (finding.kind, finding.is_fault) == (kind, True)
    assert finding.file.split("/")[0] == name.split("__", maxsplit=1)[0]
    assert finding.sentence.isascii()
    assert not finding.sentence_zh.isascii()
    assert (store.anchors, store.revocation_lists) == ((), ())


def test_private_key_beside_a_certificate(tmp_path: Path) -> None:
    """A private key in a bundle is said, and the certificate beside it still counts."""
    put(tmp_path, signers__a_pem=PRIVATE_PEM + ROOT_PEM)
    assert findings(tmp_path) == [("signers/a.pem", TrustFindingKind.PRIVATE_KEY)]
    assert set(anchors(tmp_path)) == {ROOT_DER}


def test_files_for_people(tmp_path: Path) -> None:
    """Hidden files, Markdown and text files are not read."""
    put(tmp_path, README_md=b"x", signers__note_TXT=b"x", _hidden=b"x", __git__config=b"x")
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "a.pem").write_bytes(ROOT_PEM)
    assert (anchors(tmp_path), findings(tmp_path)) == ({}, [])


def test_symbolic_links(tmp_path: Path) -> None:
    """Links to files are followed, as container platforms mount them; a circle of folders ends."""
    (tmp_path / "signers").mkdir()
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "root").write_bytes(ROOT_DER)
    (tmp_path / "signers" / "root.cer").symlink_to("../.data/root")
    (tmp_path / "signers" / "circle").symlink_to("..")
    (tmp_path / "signers" / "dangling.cer").symlink_to("nowhere")
    (tmp_path / "signers" / "self.cer").symlink_to("self.cer")
    assert anchors(tmp_path) == {ROOT_DER: {"signer"}}
    assert sorted(findings(tmp_path)) == [
        ("signers/circle", TrustFindingKind.LOOP),
        ("signers/dangling.cer", TrustFindingKind.UNREADABLE),
        ("signers/self.cer", TrustFindingKind.UNREADABLE),
    ]


def test_pipe(tmp_path: Path) -> None:
    """A named pipe does not hold up the start."""
    os.mkfifo(tmp_path / "pipe.pem")
    assert findings(tmp_path) == [("pipe.pem", TrustFindingKind.NOT_A_FILE)]


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are too large, too many files and too many certificates are said, and the rest is used."""
    put(tmp_path, signers__a_der=ROOT_DER, signers__b_der=OTHER_DER, signers__c_bin=b"x" * 1000)
    monkeypatch.setattr(trust_folder, "MAX_FILE_BYTES", 999)
    assert findings(tmp_path) == [("signers/c.bin", TrustFindingKind.TOO_LARGE)]
    monkeypatch.setattr(trust_folder, "MAX_ANCHORS", 1)
    assert ("", TrustFindingKind.TOO_MANY) in findings(tmp_path)
    assert set(anchors(tmp_path)) == {ROOT_DER}
    monkeypatch.setattr(trust_folder, "MAX_FILES", 1)
    assert findings(tmp_path) == [("", TrustFindingKind.TOO_MANY)]


def test_no_folder(tmp_path: Path) -> None:
    """A folder that is not there is an error, not an empty trust."""
    for path in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(NotADirectoryError):
            read_trust_folder(path)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda content: b"-----BEGIN " + content + b"-----END "))
def test_garbage(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Garbage is a finding, never an exception and never trust."""
    folder = tmp_path_factory.mktemp("garbage")
    put(folder, a_pem=content)
    store, found = read_trust_folder(folder)
    assert found
    assert (store.anchors, store.revocation_lists) == ((), ())


def test_every_kind_has_sentences() -> None:
    """Every kind of finding says what it is, in both languages."""
    for kind in TrustFindingKind:
        finding = trust_folder.TrustFinding(file="a", kind=kind)
        assert str(finding) == f"a: {finding.sentence}"
        assert finding.sentence_zh.endswith("。")


def test_intermediates_are_trusted_for_nothing(tmp_path: Path) -> None:
    """A certificate in ``intermediates`` is a candidate for the middle of chains, and no anchor."""
    put(tmp_path, intermediates__a_pem=ROOT_PEM + OTHER_PEM, signers__b_pem=OTHER_PEM)
    store, found = read_trust_folder(tmp_path)
    assert [one.encoded for one in store.intermediates] == [ROOT_DER, OTHER_DER]
    assert (list(anchors(tmp_path)), found) == ([OTHER_DER], ())


def test_who_keeps_what_expired(tmp_path: Path) -> None:
    """A certificate in ``keeps-expired`` says that its key keeps on its lists what has expired, and no more."""
    put(tmp_path, **{"keeps-expired__a_der": ROOT_DER})
    store, found = read_trust_folder(tmp_path)
    assert store.keeps_expired == {issuer_key(parse_certificate(ROOT_DER).spki)}
    assert (store.anchors, store.intermediates, found) == ((), (), ())


def test_a_list_in_the_name_of_a_known_ca_is_verified_while_reading(tmp_path: Path) -> None:
    """One that none of its keys signed is said and kept; one of a CA that is not at hand is left alone."""
    root = make_root("Listed CA")
    forged = make_root("Listed CA").revocation_list()
    put(
        tmp_path, signers__root_der=root.certificate.encoded, a_crl=forged, b_crl=root.revocation_list(), c_crl=LIST_DER
    )
    store, found = read_trust_folder(tmp_path)
    assert found == (TrustFinding(file="a.crl", kind=TrustFindingKind.LIST_BY_OTHER_KEY),)
    assert not found[0].is_fault
    assert len(store.revocation_lists) == 3
