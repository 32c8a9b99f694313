"""A small policy that is right in everything, as files: three licence types, four items, four kinds of callers.

All of it is invented. Tests start from it and break one thing with `changed`.
"""

from collections.abc import Mapping

REAL_ESTATE = "34-001"  # registration of real estate: statutory
NOTARY = "34-002"  # notarisation of a driving licence: with the holder's consent
BUSINESS = "34-003"  # change of a business registration: statutory
PUBLIC = "34-004"  # public look-up of businesses: no consent

CATALOGUE = """\
[bundle]
schema = "tongban-policy/1"
name = "small"
version = "2026.1"
valid_from = "2026-01-01"
valid_to = "2028-01-01"
residual = 10000

[[caller_kind]]
id = "counter"
zh = "综合窗口"
en = "service counter"
home = ["own"]

[[caller_kind]]
id = "approval"
zh = "审批系统"
en = "approval system"
home = ["own"]

[[caller_kind]]
id = "partner-counter"
zh = "合作省份窗口"
en = "counter of a partner province"
home = ["partner"]

[[caller_kind]]
id = "notary"
zh = "公证机构"
en = "notary office"

[[licence]]
id = "id-card"
zh = "居民身份证"
en = "resident identity card"
holders = ["person"]
codes = ["11100000000013338W011"]
fields.holder_name = { type = "name", share = "conditional", sensitivity = "personal", source = "holder-name", \
zh = "姓名", en = "name" }
fields.holder_id = { type = "citizen-id", share = "conditional", source = "holder-code", \
zh = "公民身份号码", en = "citizen number" }
fields.birth_date = { type = "date", share = "conditional", source = "KZ_CSRQ", zh = "出生日期", en = "date of birth" }
fields.address = { type = "address", share = "conditional", source = "KZ_ZS", zh = "住址", en = "address" }
fields.photo = { type = "image", share = "none", basis = "to be verified", source = "KZ_ZP", zh = "照片", en = "photo" }
fields.status = { type = "term", share = "unconditional", sensitivity = "public", source = "status", \
zh = "证照状态", en = "status" }

[[licence]]
id = "driving-licence"
zh = "机动车驾驶证"
en = "driving licence"
holders = ["person"]
fields.holder_name = { type = "name", share = "conditional", sensitivity = "personal", source = "holder-name", \
zh = "姓名", en = "name" }
fields.holder_id = { type = "citizen-id", share = "conditional", source = "holder-code", \
zh = "公民身份号码", en = "citizen number" }
fields.holder_phone = { type = "phone", source = "KZ_LXDH", zh = "联系电话", en = "telephone" }
fields.licence_no = { type = "code", share = "conditional", sensitivity = "internal", source = "number", \
zh = "证号", en = "licence number" }
fields.vehicle_class = { type = "term", share = "unconditional", sensitivity = "internal", source = "KZ_ZJCX", \
zh = "准驾车型", en = "vehicle class" }
fields.valid_to = { type = "date", share = "conditional", sensitivity = "internal", source = "valid-to", \
zh = "有效期至", en = "valid to" }
fields.status = { type = "term", share = "unconditional", sensitivity = "public", source = "status", \
zh = "证照状态", en = "status" }

[[licence]]
id = "business-licence"
zh = "营业执照"
en = "business licence"
holders = ["organisation", "sole-trader"]
fields.holder_name = { type = "name", share = "unconditional", sensitivity = "public", source = "holder-name", \
zh = "名称", en = "name" }
fields.credit_code = { type = "credit-code", share = "unconditional", sensitivity = "public", source = "holder-code", \
zh = "统一社会信用代码", en = "credit code" }
fields.representative = { type = "name", share = "conditional", sensitivity = "personal", source = "KZ_FDDBR", \
zh = "法定代表人", en = "legal representative" }
fields.scope = { type = "list", share = "unconditional", sensitivity = "public", source = "KZ_JYFW", \
zh = "经营范围", en = "business scope" }
fields.capital = { type = "amount", share = "conditional", sensitivity = "internal", source = "KZ_ZCZB", \
zh = "注册资本", en = "registered capital" }
fields.issued_on = { type = "date", share = "unconditional", sensitivity = "public", source = "issued-on", \
zh = "发证日期", en = "date of issue" }
fields.status = { type = "term", share = "unconditional", sensitivity = "public", source = "status", \
zh = "证照状态", en = "status" }
"""

ITEMS = """\
[[item]]
id = "34-001"
zh = "不动产登记"
en = "registration of real estate"
purpose = "real-estate"
basis = "to be verified"
licences = ["id-card", "business-licence"]
consent = "statutory"
valid_from = "2026-01-01"
valid_to = "2027-01-01"
case = { pattern = "BDC[0-9]{8}" }
[item.ceiling]
holder_name = ["plain", "mask:name"]
holder_id = ["match"]
birth_date = ["general:year"]
address = ["mask:addr-district"]
credit_code = ["plain"]
status = ["plain"]

[[item]]
id = "34-002"
zh = "机动车驾驶证公证"
en = "notarisation of a driving licence"
purpose = "notarisation"
basis = "to be verified"
licences = ["id-card", "driving-licence"]
consent = "given"
valid_from = "2026-01-01"
valid_to = "2028-01-01"
[item.ceiling]
holder_name = ["plain"]
holder_id = ["match"]
birth_date = ["attest:age>=18"]
licence_no = ["plain"]
vehicle_class = ["plain"]
valid_to = ["plain", "general:year"]
status = ["plain"]

[[item]]
id = "34-003"
zh = "企业变更登记"
en = "change of a business registration"
purpose = "business-change"
basis = "to be verified"
licences = ["business-licence"]
consent = "statutory"
valid_from = "2026-01-01"
valid_to = "2028-01-01"
[item.ceiling]
holder_name = ["plain"]
credit_code = ["plain"]
representative = ["mask:name"]
scope = ["plain"]
capital = ["general:band"]
issued_on = ["plain"]
status = ["plain"]

[[item]]
id = "34-004"
zh = "企业信息公开查询"
en = "public look-up of businesses"
purpose = "public-lookup"
basis = "to be verified"
licences = ["business-licence"]
consent = "none"
valid_from = "2026-01-01"
valid_to = "2028-01-01"
case = { required = false }
[item.ceiling]
holder_name = ["plain"]
credit_code = ["plain"]
issued_on = ["general:year"]
status = ["plain"]
"""

RULES = """\
[[rule]]
id = "R-001"
why = "the own counter checks who applies"
basis = "to be verified"
item = ["34-001"]
caller = { kind = ["counter"], home = ["own"] }
licence = { type = ["id-card"], status = ["active"] }
grant = { holder_name = "plain", holder_id = "match", birth_date = "general:year", \
address = "mask:addr-district", status = "plain" }

[[rule]]
id = "R-002"
why = "a partner's counter recognises the applicant"
basis = "to be verified"
item = ["34-001"]
caller = { kind = ["partner-counter"], home = ["partner"] }
licence = { type = ["id-card"], status = ["active"] }
holder = { age = ["minor", "adult"] }
grant = { holder_name = "mask:name", holder_id = "match", status = "plain" }
oblige = { audit = "full", keep_days = 1825, per_minute = 30, watermark = true }

[[rule]]
id = "R-003"
why = "counters identify the business that applies"
basis = "to be verified"
item = ["34-001"]
caller = { kind = ["counter", "partner-counter"] }
licence = { type = ["business-licence"], status = ["active", "suspended"] }
grant = { holder_name = "plain", credit_code = "plain", status = "plain" }

[[rule]]
id = "R-004"
why = "the notary certifies the licence"
basis = "to be verified"
item = ["34-002"]
caller = { kind = ["notary"] }
licence = { type = ["driving-licence"], status = ["active", "suspended", "expired"] }
consent = ["given"]
[rule.grant]
holder_name = "plain"
holder_id = "match"
licence_no = "plain"
vehicle_class = "plain"
valid_to = "general:year"
status = "plain"

[[rule]]
id = "R-005"
why = "the own notary needs the exact day for adults"
basis = "to be verified"
item = ["34-002"]
caller = { kind = ["notary"], home = ["own"] }
licence = { type = ["driving-licence"], status = ["active"] }
holder = { age = ["adult"] }
consent = ["given"]
grant = { valid_to = "plain" }
overrides = ["R-004"]

[[rule]]
id = "R-006"
why = "the notary checks who appears and whether of age"
basis = "to be verified"
item = ["34-002"]
caller = { kind = ["notary"] }
licence = { type = ["id-card"], status = ["active"] }
consent = ["given"]
grant = { holder_name = "plain", birth_date = "attest:age>=18", status = "plain" }

[[rule]]
id = "R-007"
why = "the approval system compares the register"
basis = "to be verified"
item = ["34-003"]
caller = { kind = ["approval"] }
licence = { type = ["business-licence"] }
[rule.grant]
holder_name = "plain"
credit_code = "plain"
representative = "mask:name"
scope = "plain"
capital = "general:band"
issued_on = "plain"
status = "plain"

[[rule]]
id = "R-008"
why = "what the public register shows, everyone may see"
basis = "to be verified"
item = ["34-004"]
licence = { type = ["business-licence"] }
grant = { holder_name = "plain", credit_code = "plain", issued_on = "general:year", status = "plain" }

[[rule]]
id = "R-009"
why = "who asked learns the status also of a licence that did not hold"
basis = "to be verified"
item = ["34-001", "34-002", "34-003"]
outcome = ["invalid", "unknown"]
oblige = { audit = "brief" }
grant = { status = "plain" }

[[rule]]
id = "R-010"
why = "of children under 14 neither the year of birth nor the address is needed"
basis = "to be verified"
item = ["34-001"]
licence = { type = ["id-card"] }
holder = { type = ["person"], age = ["under-14"] }
grant = { birth_date = "withheld", address = "withheld" }
"""

LIMITS = """\
[[together]]
fields = ["holder_id", "birth_date", "address"]
forms = ["mask", "plain"]
why = "together they identify a person"

[[budget]]
id = "subject-a-day"
zh = "每名持证人每日"
en = "each holder a day"
counts = "matches"
per = ["subject"]
limit = 20
window_seconds = 86400

[[budget]]
id = "notary-cases"
zh = "公证机构每件"
en = "each case of a notary"
counts = "questions"
per = ["caller", "case"]
limit = 10
window_seconds = 86400
item = ["34-002"]
caller = ["notary"]

[[test]]
name = "own counter, adult"
given = { item = "34-001", caller = "counter", home = "own", licence = "id-card", age = "adult" }
[test.expect]
holder_name = "plain"
holder_id = "match"
birth_date = "general:year"
address = "mask:addr-district"
status = "plain"

[[test]]
name = "own counter, child"
given = { item = "34-001", caller = "counter", home = "own", licence = "id-card", age = "under-14" }
expect = { holder_name = "plain", holder_id = "match", status = "plain" }

[[test]]
name = "partner counter, adult"
given = { item = "34-001", caller = "partner-counter", home = "partner", licence = "id-card", age = "adult", \
consent = "statutory" }
expect = { holder_name = "mask:name", holder_id = "match", status = "plain" }
obligations = { keep_days = 1825, per_minute = 30, watermark = true }

[[test]]
name = "counter, business"
given = { item = "34-001", caller = "counter", home = "own", licence = "business-licence", holder = "organisation" }
expect = { holder_name = "plain", credit_code = "plain", status = "plain" }

[[test]]
name = "own notary, the exact day"
given = { item = "34-002", caller = "notary", home = "own", licence = "driving-licence", age = "adult" }
[test.expect]
holder_name = "plain"
holder_id = "match"
licence_no = "plain"
vehicle_class = "plain"
valid_to = "plain"
status = "plain"

[[test]]
name = "notary without consent"
given = { item = "34-002", caller = "notary", home = "own", licence = "driving-licence", consent = "none" }
expect = {}

[[test]]
name = "everyone, public look-up"
given = { item = "34-004", caller = "counter", home = "own", licence = "business-licence", holder = "sole-trader" }
expect = { holder_name = "plain", credit_code = "plain", issued_on = "general:year", status = "plain" }

[[test]]
name = "a licence that is not valid"
given = { item = "34-003", caller = "approval", home = "own", licence = "business-licence", \
holder = "organisation", outcome = "invalid" }
expect = { status = "plain" }
obligations = { audit = "brief" }
"""


def small_policy() -> dict[str, bytes]:
    """Return the files of the policy."""
    texts = {"catalogue.toml": CATALOGUE, "items.toml": ITEMS, "rules.toml": RULES, "limits.toml": LIMITS}
    return {name: text.encode() for name, text in texts.items()}


def changed(file: str, old: str, new: str, *, files: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the files with one text, which stands there exactly once, replaced by another."""
    before = dict(small_policy() if files is None else files)
    count = before[file].count(old.encode())
    if count != 1:
        raise ValueError(f"{old!r} stands {count} times in {file}")
    return before | {file: before[file].replace(old.encode(), new.encode())}


def added(file: str, text: str) -> dict[str, bytes]:
    """Return the files with a text added at the end of one of them."""
    before = small_policy()
    return before | {file: before[file] + b"\n" + text.encode()}
