"""What another system is asked about a licence, in the words that recipes have places for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from adapters.codes import is_credit_code_form
from adapters.transport.recipe import Question
from gateway.adapters.inquiry import Inquiry
from gateway.sources.errand import Errand
from gateway.sources.source import ByIdentifier, ByNumber, LicenceIndex, LicenceKey
from policies.forms.citizen import is_citizen_number

_MAX_HOLDERS: Final = 8  # of one licence by whom it is looked for: hardly any has more, and each is a question
_CREDIT_CODE: Final = "001"  # of GB/T 36903
_CITIZEN_NUMBER: Final = "111"  # likewise


def make_inquiry(question: Question, key: LicenceKey, errand: Errand) -> Inquiry:
    """Return the question with everything that a recipe may need."""
    asked = Inquiry(
        question=question,
        type_code=errand.type_code,
        name=errand.type_name,
        area=errand.area,
        use=errand.use or errand.item_name,
        item_code=errand.item_code,
        item_name=errand.item_name,
        case=errand.case,
        operator_id=errand.operator_id,
        operator_name=errand.operator_name,
        operator_org=errand.operator_org,
        operator_org_code=errand.operator_org_code,
        question_id=errand.question_id,
    )
    if isinstance(key, ByIdentifier):
        return replace(asked, identifier=key.written or key.identifier)
    holder = key.holder or ""
    kind = _CITIZEN_NUMBER if is_citizen_number(holder) else _CREDIT_CODE if is_credit_code_form(holder) else ""
    is_code = not errand.type_code and key.type.isascii()  # nobody knows the type: a name has Han characters
    written = key.written_type or key.type
    return replace(
        asked,
        number=key.written_number or key.number,
        type_code=written if is_code else errand.type_code,
        name=errand.type_name or ("" if is_code else written),
        holder_code=holder,
        holder_code_type=kind,
    )


def keys_of(index: LicenceIndex) -> Iterable[LicenceKey]:
    """Return what the licence of a document may be asked for by: its identifier, else its number, for each holder."""
    if index.identifier:
        yield ByIdentifier(identifier=index.identifier)
    if index.number and (index.type_code or index.name):
        for holder in index.holders[:_MAX_HOLDERS] or (None,):
            yield ByNumber(number=index.number, type=index.type_code or index.name, holder=holder)
