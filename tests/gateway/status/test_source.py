"""Sources in the site folder: read with every fault named; when they are asked; what is kept on disk."""

import base64
from datetime import timedelta

import pytest

from gateway.status.failure import SENTENCES, StatusFailure
from gateway.status.schedule import next_delay_seconds
from gateway.status.shelf import KeptAnswer, Shelf
from gateway.status.source import SourceKind, load_status_sources
from keys.ocsp import IdDigest
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki

CA = pki.make_root("Configured CA")
BASE = TrustStore(anchors=(Anchor(certificate=CA.certificate, purposes=frozenset(Purpose)),))

LIST = """
kind = "crl"
issuer = "trust/ca.der"
urls = ["http://lists.test/ca.crl"]
hosts = ["lists.test:80"]
"""


def load(folder, text, name="one"):
    (folder / "status").mkdir(exist_ok=True)
    (folder / "trust").mkdir(exist_ok=True)
    (folder / "trust" / "ca.der").write_bytes(CA.certificate.encoded)
    (folder / "status" / f"{name}.toml").write_text(text, encoding="utf-8")
    faults = []
    return load_status_sources(folder, store=BASE, faults=faults), faults


def test_no_folder_is_no_source(tmp_path):
    """A site without the folder fetches nothing."""
    faults = []
    assert load_status_sources(tmp_path, store=BASE, faults=faults) == ()
    assert faults == []


def test_a_list(tmp_path):
    """The file's name is the source's; what is not said has a default."""
    (source,), faults = load(tmp_path, LIST)
    assert faults == []
    assert (source.name, source.kind, source.issuer) == ("one", SourceKind.LIST, CA.certificate)
    assert (source.interval_seconds, source.tolerance_seconds, source.networks) == (3600, 86400, ())


def test_everything(tmp_path):
    """Every key of a responder and of a feed is read."""
    (source,), faults = load(
        tmp_path,
        f"""
kind = "ocsp"
issuer_name = "{CA.certificate.subject_text}"
from_certificates = true
hosts = ["ocsp.test:8080", "[::1]:80"]
allow_networks = ["10.1.2.0/24"]
proxy = "http://proxy.test:3128"
digest = "sm3"
nonce_required = true
interval_seconds = 60
tolerance_seconds = 600
timeout_seconds = 2.5
max_bytes = 65536
""",
    )
    assert faults == []
    assert (source.digest, source.nonce_required, source.proxy) == (IdDigest.SM3, True, "http://proxy.test:3128")
    assert [str(network) for network in source.networks] == ["10.1.2.0/24"]
    key = base64.b64encode(pki.sm2_key().spki).decode()
    (feed, _), faults = load(
        tmp_path,
        f"""
kind = "feed"
issuer = "trust/ca.der"
urls = ["https://feed.test/370000"]
delta_urls = ["https://feed.test/370000/since/{{seq}}"]
hosts = ["feed.test:443"]
publisher = "370000"
[key]
id = "feed-1"
algorithm = "sm2"
public_key = "{key}"
""",
        "feed",
    )
    assert faults == []
    assert (feed.publisher, feed.keys[0].id) == ("370000", "feed-1")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('kind = "crl"', 'kind = "ldap"', "kind"),
        ('kind = "crl"', "", "kind"),
        ('"trust/ca.der"', '"trust/none.der"', "issuer"),
        ('"trust/ca.der"', '"../ca.der"', "issuer"),
        ('issuer = "trust/ca.der"', 'issuer_name = "CN=nobody"', "issuer_name"),
        ('issuer = "trust/ca.der"', "", "issuer"),
        ('hosts = ["lists.test:80"]', "", "hosts"),
        ('hosts = ["lists.test:80"]', 'hosts = ["lists.test"]', "hosts"),
        ('hosts = ["lists.test:80"]', 'hosts = ["*:80"]', "hosts"),
        ('hosts = ["lists.test:80"]', 'hosts = ["lists.test:81"]', "urls"),
        ("http://lists.test/ca.crl", "ldap://lists.test/ca.crl", "urls"),
        ('urls = ["http://lists.test/ca.crl"]', "", "urls"),
        ("kind", 'proxy = "socks://x"\nkind', "proxy"),
        ("kind", 'allow_networks = ["10.1.2.3/8"]\nkind', "allow_networks"),
        ("kind", "tolerance_seconds = 60\nkind", "tolerance_seconds"),
        ("kind", "interval_seconds = 0\nkind", "interval_seconds"),
        ("kind", "max_bytes = 1\nkind", "max_bytes"),
        ("kind", "intervall = 5\nkind", "intervall"),
        ("kind", "= \nkind", ""),
    ],
)
def test_each_fault_is_named(tmp_path, old, new, key):
    """Whatever is wrong with a source is said with its file and key, and the source is not used."""
    sources, faults = load(tmp_path, LIST.replace(old, new, 1))
    assert sources == ()
    assert (faults[0].file, key) in {(fault.file, fault.key) for fault in faults}
    assert faults[0].file == "status/one.toml"


def test_every_failure_has_its_sentences():
    """Every kind of failure has a sentence in Chinese and in English."""
    assert set(SENTENCES) == set(StatusFailure)
    assert all(zh and en for zh, en in SENTENCES.values())


def delay(*, failures=0, ends=None, random=0.5, interval=3600):
    ends_at = None if ends is None else pki.NOW + timedelta(seconds=ends)
    return next_delay_seconds(
        interval_seconds=interval, failures=failures, now=pki.NOW, ends_at=ends_at, random=lambda: random
    )


def test_the_schedule():
    """The interval, with a tenth of jitter; half of what is left of an answer; from 5 seconds up while it fails.

    What has ended makes no haste, and what is left of an answer counts while fetching the next one fails, too.
    """
    assert delay() == 3600
    assert (round(delay(random=0)), round(delay(random=1))) == (3240, 3960)
    assert delay(ends=600) == 300
    assert delay(ends=-5) == delay(ends=0) == 3600
    assert (delay(failures=10, ends=600), delay(failures=10, ends=4), delay(failures=10, ends=-5)) == (300, 5, 2560)
    assert [delay(failures=count) for count in (1, 2, 3, 10, 1000)] == [5, 10, 20, 2560, 3600]
    assert delay(failures=9, interval=30) == 30


def test_the_shelf(tmp_path):
    """What was kept is read; what is replaced or removed is gone; nothing half-written is left."""
    shelf = Shelf(tmp_path / "new")
    assert shelf.read("one").answers == {}
    first = KeptAnswer(body=b"a\nb", confirmed_at=pki.NOW, skew=timedelta(hours=-1), about=b"c")
    second = KeptAnswer(body=b"", confirmed_at=pki.NOW)
    shelf.write("one", "part", first)
    shelf.write("one", "other", second)
    assert shelf.read("one").answers == {"part": first, "other": second}
    shelf.write("one", "part", second)
    shelf.remove("one", "other")
    shelf.remove("one", "never")
    assert shelf.read("one").answers == {"part": second}
    assert [path.name for path in (tmp_path / "new" / "one").iterdir()] == ["part.status"]


@pytest.mark.parametrize("name", ["../up", "a/b", "..", ".hidden", "", "省" * 100, "x" * 300])
def test_names_stay_inside(tmp_path, name):
    """Whatever a source is called, its files stay inside the folder."""
    shelf = Shelf(tmp_path / "in")
    shelf.write(name, name, KeptAnswer(body=b"x", confirmed_at=pki.NOW))
    assert next(iter(shelf.read(name).answers.values())).body == b"x"
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_sequence(tmp_path):
    """The number is kept; a file that holds none counts as none."""
    shelf = Shelf(tmp_path)
    assert shelf.read_sequence() == 0
    shelf.write_sequence(1042)
    assert shelf.read_sequence() == 1042
    (tmp_path / "sequence").write_text("many", encoding="utf-8")
    assert shelf.read_sequence() == 0
