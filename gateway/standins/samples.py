"""The licences that stand-ins answer with: made up, with codes that pass their checks and belong to nobody."""

from datetime import date
from typing import Final

from adapters.record.record import LicenceRecord, RecordHolder
from adapters.record.status import RecordStatus

FILE: Final = b"a sample that stands for the bytes of a licence"

_ISSUER: Final = "某市市场监督管理局"
_ISSUER_CODE: Final = "11430000006122244L"
_FOOD: Final = "11100000000013338W004"
_TRADE: Final = "11100000MB0143028R001"

SAMPLES: Final = (
    LicenceRecord(
        identifier="1.2.156.3005.2.11100000000013338W004.11430000006122244L.JY14401060000019.001.1",
        number="JY14401060000019",
        type_code=_FOOD,
        name="食品经营许可证",
        holders=(RecordHolder(name="某市示例餐饮有限公司", code="91330105002500287C", code_type="001"),),
        issuer=_ISSUER,
        issuer_code=_ISSUER_CODE,
        area="440106",
        issued_on=date(2024, 2, 29),
        valid_from=date(2024, 2, 29),
        valid_to=date(2029, 2, 27),
        status=RecordStatus.ACTIVE,
        surface={"JYXM": "热食类制售"},
    ),
    LicenceRecord(
        identifier="1.2.156.3005.2.11100000MB0143028R001.11430000006122244L.91330105002500287C.001.2",
        number="91330105002500287C",
        type_code=_TRADE,
        name="营业执照",
        holders=(RecordHolder(name="某市示例餐饮有限公司", code="91330105002500287C", code_type="001"),),
        issuer=_ISSUER,
        issuer_code=_ISSUER_CODE,
        area="440106",
        issued_on=date(2020, 1, 6),
        valid_from=date(2020, 1, 6),
        long_term=True,
        status=RecordStatus.ACTIVE,
        surface={"JYFW": "餐饮服务（凭许可证经营）"},
    ),
    LicenceRecord(
        identifier="1.2.156.3005.2.11100000000013338W004.11430000006122244L.JY14401060000020.001.3",
        number="JY14401060000020",
        type_code=_FOOD,
        name="食品经营许可证",
        holders=(RecordHolder(name="某市示例茶饮店", code="92330105MA2B0C0D5K", code_type="001"),),
        issuer=_ISSUER,
        issuer_code=_ISSUER_CODE,
        area="440106",
        issued_on=date(2021, 5, 7),
        valid_from=date(2021, 5, 7),
        valid_to=date(2026, 5, 6),
        status=RecordStatus.CANCELLED,
    ),
    LicenceRecord(
        identifier="1.2.156.3005.2.11100000000013338W004.11430000006122244L.XCY4401060000021.001.4",
        number="XCY4401060000021",
        type_code=_FOOD,
        name="小餐饮经营许可证",
        # The number that GB 11643 itself has as its example.
        holders=(RecordHolder(name="张某", code="11010519491231002X", code_type="111"),),
        issuer=_ISSUER,
        issuer_code=_ISSUER_CODE,
        area="440106",
        issued_on=date(2025, 3, 4),
        valid_from=date(2025, 3, 4),
        valid_to=date(2028, 3, 3),
        status=RecordStatus.ACTIVE,
    ),
)
