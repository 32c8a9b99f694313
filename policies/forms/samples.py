"""What the schemes make of a few samples: a changed mask changes the version of the forms without anybody's doing."""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Final

from policies.catalogue import ValueType
from policies.forms.pseudonym import SHORTEST_MASTER, Pseudonyms
from policies.forms.scheme import Scheme, Surroundings, Value

# Invented: usual values of each type, and what masks must hide.
SAMPLES: Final[tuple[Value, ...]] = (
    "", "无", "不详", "***", "张三", "张三丰", "欧阳小明", "买买提·阿不都", "JOHN SMITH", "亓小明", "某某有限公司",
    "34010419880612123X", "340104198806121238", "340104880612123", "91350100M000100Y43", "92340104MA2XXXXXX7",
    "E12345673", "e12345673", "CHN123456789012", "13812341234", "+86 138-1234-1234", "0551-62345667", "05516234567",
    "安徽省合肥市蜀山区长江西路1号", "北京市石景山区某某路1号", "南京市军区1号", "340104", "340104001002",
    "皖A12347", "皖AD12347", "6200000000000005", "someone@example.org", "a@example.org",
    "2024-03-05", "2024年3月5日", "2024-03-05 06:07:08", "长期", "2099-12-31", "9999-12-31",
    date(1930, 1, 1), date(1988, 6, 12), date(2008, 3, 1), date(2024, 3, 5), date(2027, 3, 1),
    "120万元", "9999.99", "1.2亿", "热食;冷食(不含凉菜)", "停止经营:热食、冷食",
)  # fmt: skip
ASKED: Final = ({"valid-on": "2026-06-01", "covers": "热食"}, {"valid-on": "2029-01-01", "covers": "冷食"})


def digest_outputs(schemes: Iterable[Scheme], tables: str) -> str:
    """Return a digest over what each scheme makes of every sample, by each type, and over the digest of the tables."""
    pseudonyms = Pseudonyms(master=bytes(SHORTEST_MASTER), partner="sample", purpose="sample", epoch=0)
    surroundings = [
        Surroundings(today=date(2026, 3, 1), pseudonyms=pseudonyms, asked=asked, valid_from=date(2024, 3, 5))
        for asked in ASKED
    ]
    made = {
        f"{scheme.form} {value_type}": [str(apply(value, around)) for value in SAMPLES for around in surroundings]
        for scheme in schemes
        for value_type in ValueType
        if value_type in scheme.accepts
        for apply in (scheme.apply_to(value_type),)
    }
    return hashlib.sha256(json.dumps([tables, made], sort_keys=True).encode()).hexdigest()
