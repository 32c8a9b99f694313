"""Where a certificate says that its status can be asked for: read whole, whatever the length; never more than a few."""

import pytest

from keys.der import encode_header
from keys.status_addresses import MAX_ADDRESS, MAX_ADDRESSES, read_list_addresses, read_ocsp_addresses
from tests.support import pki
from tests.support.pki import extension, sequence, tlv

CA = pki.make_root("Addressed CA")
URI = 0x86
OCSP = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01"
ISSUERS = OCSP[:-1] + b"\x02"


def points(*urls, tag=URI):
    """Return the extension that names one distribution point for each address."""
    names = [tlv(0xA0, tlv(0xA0, tlv(tag, url))) for url in urls]
    return extension("2.5.29.31", sequence(*(sequence(name) for name in names)))


def responders(*urls, method=OCSP):
    """Return the extension that names responders."""
    accesses = [sequence(method, tlv(URI, url)) for url in urls]
    return extension("1.3.6.1.5.5.7.1.1", sequence(*accesses))


def read(*more):
    """Return both kinds of address of a certificate."""
    certificate = CA.issue("signer", more=more).certificate
    return read_list_addresses(certificate), read_ocsp_addresses(certificate)


def address(length):
    return b"http://a.cn/".ljust(length, b"x")


@pytest.mark.parametrize("length", [13, 114, 119, 120, 121, 127, 128, 129, 255, 256, 257, MAX_ADDRESS])
def test_an_address_of_any_length_is_read_whole(length):
    """An address is read as it stands, also where DER needs two or three bytes for its length."""
    url = address(length)
    assert read(points(url), responders(url)) == ((url.decode(),), (url.decode(),))


@pytest.mark.parametrize("url", [address(MAX_ADDRESS + 1), b"", "http://证照.cn/".encode(), b"http://a.cn/\xff"])
def test_what_is_no_address_is_left_out(url):
    """An address beyond the bound, an empty one and one that is not ASCII are left out, and hide no other."""
    usable = address(20)
    assert read(points(url, usable), responders(url, usable)) == ((usable.decode(),), (usable.decode(),))


def test_no_more_than_a_few_are_read():
    """Of many addresses the bound is read."""
    urls = [address(20 + number) for number in range(MAX_ADDRESSES + 3)]
    assert [len(found) for found in read(points(*urls), responders(*urls))] == [MAX_ADDRESSES] * 2


def test_other_kinds_of_names_are_no_addresses():
    """Neither a directory's name nor an issuer's certificate is an address to ask."""
    assert read(points(address(20), tag=0x82), responders(address(20), method=ISSUERS)) == ((), ())
    assert read() == ((), ())


def test_an_extension_that_cannot_be_read_names_none():
    """Garbage in the extensions is no address and no error."""
    garbage = (extension(oid, encode_header(0x30, 5)) for oid in ("2.5.29.31", "1.3.6.1.5.5.7.1.1"))
    assert read(*garbage) == ((), ())
