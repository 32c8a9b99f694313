"""The record of a licence that was read from its document."""

from adapters.licence import Holder, LicenceFlag
from adapters.record.record import RecordHolder
from adapters.record.sealed import record_licence
from adapters.record.status import RecordStatus
from tests.support.sharing import ADULT, make_licence


def test_what_a_document_says() -> None:
    """Surface fields lose the prefix of their tags; status and source are told."""
    record = record_licence(make_licence(), status=RecordStatus.ACTIVE, under_objection=True, source="store")
    assert record.surface["ZS"] == "安徽省合肥市蜀山区长江西路1号"
    assert record.holders == (RecordHolder(name="欧阳晓禾", code=ADULT, code_type="111"),)
    assert (record.status, record.under_objection, record.source) == (RecordStatus.ACTIVE, True, "store")


def test_holders_that_do_not_pair() -> None:
    """Where it is not clear which name has which number, nobody is named."""
    licence = make_licence(
        holders=(Holder(name="甲", code="1", code_type="111"), Holder(name="乙", code="", code_type="")),
        flags=frozenset({LicenceFlag.HOLDERS_DO_NOT_PAIR}),
    )
    assert record_licence(licence, status=RecordStatus.ACTIVE, under_objection=False, source="").holders == ()
