"""The demo's forgeries, judged by the gateway's own checks."""

import pytest

from gateway.pipeline import verify_document
from gateway.reason import Reason
from gateway.trust.folder import read_trust_folder
from gateway.verdict import Outcome
from tests.support.demo import NOW, demo_stock


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Read the demo's trust folder as the gateway does."""
    folder = tmp_path_factory.mktemp("trust")
    stock = demo_stock()
    stock.authority.write_trust_folder(folder, NOW)
    read = read_trust_folder(folder)
    assert read.findings == ()
    return read.store


@pytest.mark.parametrize("index", range(20))
def test_a_genuine_licence_is_valid(index, store):
    """Every licence that the demo issues is valid, with no reason against it."""
    licence = demo_stock().licences[index]
    verdict = verify_document(licence.document, store=store, at=NOW)
    assert (verdict.outcome, verdict.reasons) == (Outcome.VALID, ())


@pytest.mark.parametrize("index", range(10))
def test_a_forgery_is_found_out_for_its_own_reason(index, store):
    """Each of the ten has the outcome that is expected of it, and its reason is the first one named."""
    forgery = demo_stock().forgeries[index]
    verdict = verify_document(forgery.document, store=store, at=NOW)
    assert (verdict.outcome, verdict.reasons[0]) == (forgery.outcome, forgery.reason)


@pytest.mark.parametrize("index", range(3))
def test_further_forgeries_are_found_out_too(index, store):
    """An expired seal, a time to come and a file cut short are named for what they are."""
    forgery = demo_stock().more_forgeries[index]
    verdict = verify_document(forgery.document, store=store, at=NOW)
    assert (verdict.outcome, verdict.reasons[0]) == (forgery.outcome, forgery.reason)


def test_there_are_ten_different_ways():
    """No two forgeries are forged in the same way, or share a file name, a description or a document."""
    forgeries = demo_stock().forgeries
    assert len(forgeries) == 10
    for values in (
        {forgery.reason for forgery in forgeries},
        {forgery.name for forgery in forgeries},
        {forgery.done_zh for forgery in forgeries},
        {forgery.done_en for forgery in forgeries},
        {forgery.document for forgery in forgeries},
    ):
        assert len(values) == 10


def test_no_forgery_is_expected_to_pass():
    """A home-made seal cannot be disproved, only not confirmed; every other forgery is invalid."""
    stock = demo_stock()
    unknown = {forgery.reason for forgery in stock.forgeries if forgery.outcome is Outcome.UNKNOWN}
    assert unknown == {Reason.MAKER_CHAIN_UNKNOWN_ISSUER}
    assert all(forgery.outcome is not Outcome.VALID for forgery in (*stock.forgeries, *stock.more_forgeries))


def test_no_forgery_is_a_genuine_file():
    """Every forgery differs from every licence that was issued."""
    stock = demo_stock()
    assert not {forgery.document for forgery in stock.forgeries} & {licence.document for licence in stock.licences}
