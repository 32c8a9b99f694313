"""Made-up systems for tests, one for each form of message, that differ in every dimension."""

from typing import Final

_LOSSES: Final = """
[losses]
trust_level = "none"
under_objection = "none"
document = "none"
issuer = "none"
issuer_code = "none"
area = "none"
type_code = "none"
"""

XML: Final = (
    """
[system]
id = "xml-town"
zh = "XML 镇"
en = "XML town"

[message]
form = "xml"
charset = "gbk"
records = "/p:ANSWER/p:LIST/p:ROW[*]"
namespaces = { p = "urn:town:1", x = "urn:other" }

[[outcome]]
at = "/p:ANSWER/p:HEAD/@code"
codes = { "00" = "found", "01" = "not-found", "50" = "retry", "51" = "denied" }
retry_after_seconds = { "50" = 20 }

[[envelope]]
name = "case"
at = "/p:ANSWER/p:HEAD/p:YWXTBH"

[[envelope]]
at = "/p:ANSWER/p:HEAD/@version"
constant = "1.0"

[[field]]
to = "identifier"
at = "/@id"

[[field]]
to = "number"
at = "/p:NO"
codec = ["width:full"]
loses = "the width"

[[field]]
to = "surface.kind"
at = "/p:NO/@x:kind"

[[field]]
to = "name"
at = "/p:NAME"
codec = ["trim", "null:-"]
loses = "white space"

[[field]]
to = "issued_on"
at = ["/p:D/p:Y", "/p:D/p:M", "/p:D/p:DAY"]
codec = ["day-parts"]

[[field]]
to = "valid_from"
at = "/p:FROM"
codec = ["date:yyyy年MM月dd日"]

[[field]]
to = "valid_to"
at = "/p:TO"
codec = ["long-term:", "date:yyyy年M月d日"]

[[field]]
to = "holders[].name"
at = "/p:CZZT/p:H[*]/p:XM"

[[field]]
to = "holders[].code"
at = "/p:CZZT/p:H[*]/@dm"
codec = ["upper"]
loses = "small letters"

[[field]]
to = "holders[].code_type"
at = "/p:CZZT/p:H[*]/@lx"
codec = ["table:types"]
loses = "which code"

[[field]]
to = "surface.notes[]"
at = "/p:NOTE[*]"

[[field]]
to = "surface.shares[].who"
at = "/p:SHARE[*]/p:WHO"

[[field]]
to = "surface.shares[].part"
at = "/p:SHARE[*]/p:PART"
codec = ["suffix:%"]

[[field]]
to = "surface.*"
at = "/p:EXT@xml/ext"
prefix = "KZ_"

[codes.types]
pairs = { "1" = "111", "2" = "001", "3" = "001" }
wins = ["2"]

[status]
at = "/p:ZT"
codes = { "0" = "active", "1" = "cancelled" }
"""
    + _LOSSES
)

FORM: Final = (
    """
[system]
id = "form-town"
zh = "表单镇"
en = "Form town"

[message]
form = "form"
charset = "gb18030"

[[outcome]]
at = "$.ret"
codes = { ok = "found", no = "not-found" }

[[field]]
to = "identifier"
at = ["$.id1", "$.id2"]
codec = ["join:/"]

[[field]]
to = "number"
at = "$.no"
codec = ["prefix:第"]

[[field]]
to = "name"
at = "$.mc"
codec = ["base64-text"]

[[field]]
to = "issued_on"
at = "$.fzrq"
codec = ["date:epoch-ms"]
loses = "the time of day"

[[field]]
to = "valid_from"
at = "$.qsrq"
codec = ["date:epoch-s"]
loses = "the time of day"

[[field]]
to = "valid_to"
at = "$.jzrq"
codec = ["long-term:长期|9999-12-31", "date:yyyy-MM-dd|yyyy/M/d"]
loses = "the spelling"

[[field]]
to = "holders[].name"
at = "$.czzt"
codec = ["split:、"]

[[field]]
to = "holders[].code"
at = "$.czztdm"
codec = ["split:、"]

[[field]]
to = "holders[].code_type"
at = "$.czztdmlx"
codec = ["for-all"]

[[field]]
to = "surface.tags[]"
at = "$.tags"
codec = ["split:,"]

[[field]]
to = "surface.*"
at = "$.jsonInfo@json.list[*]"
pairs = { name = "$.columnName", value = "$.value" }

[status]
at = "$.zt"
codes = { "有效" = "active", "注销" = "cancelled", "过期" = "expired" }
"""
    + _LOSSES
)

DELIMITED: Final = """
[system]
id = "line-town"
zh = "行文本镇"
en = "Line town"

[message]
form = "delimited"
charset = "utf-8"
separator = "|"
columns = ["no", "mc", "fz", "q", "z", "xm", "hm", "lx", "zt", "bz", "bs"]
header = true
absent = "empty"

[[field]]
to = "identifier"
at = "$.bs"

[[field]]
to = "number"
at = "$.no"

[[field]]
to = "name"
at = "$.mc"

[[field]]
to = "issued_on"
at = "$.fz"
codec = ["date:yyyyMMdd"]

[[field]]
to = "valid_from"
at = "$.q"
codec = ["date:yyyy-MM-dd HH:mm:ss"]
loses = "the time of day"

[[field]]
to = "valid_to"
at = "$.z"
codec = ["long-term:99991231", "date:yyyyMMdd"]

[[field]]
to = "holders[].name"
at = "$.xm"

[[field]]
to = "holders[].code"
at = "$.hm"

[[field]]
to = "holders[].code_type"
at = "$.lx"
codec = ["holder-type:fujian"]

[[field]]
to = "surface.remark"
at = "$.bz"

[status]
at = "$.zt"
codes = { "1" = "active", "2" = "suspended", "3" = "suspended" }
wins = ["2"]
loses = "2 or 3"
""" + _LOSSES.replace('document = "none"', 'document = "none"\nsurface = "one remark only"')

JSON: Final = """
[system]
id = "json-town"
zh = "JSON 镇"
en = "JSON town"

[message]
form = "json"
absent = "null"
records = "$.body@json.rows[*]"

[[outcome]]
at = "$.status.code"
codec = ["number-text"]
codes = { "200" = "found", "404" = "not-found", "429" = "retry", "206" = "partial", "501" = "not-provided" }

[[field]]
to = "identifier"
at = '$["bs.id"]'

[[field]]
to = "number"
at = "$.no"
codec = ["number-text"]

[[field]]
to = "name"
at = "$.mc"
default = "营业执照"
loses = "no name reads as this one"

[[field]]
to = "type_code"
constant = "T1"
loses = "one type only"

[[field]]
at = "$.kind"
constant = "licence"

[[field]]
to = "issuer"
at = "$.fz.jg"

[[field]]
to = "issuer_code"
at = "$.fz.dm"

[[field]]
to = "issued_on"
at = "$.fz.rq"
codec = ["number-text", "date:epoch-ms"]
loses = "the time of day"

[[field]]
to = "valid_from"
at = "$.q"
codec = ["date:yyyyMMdd"]

[[field]]
to = "valid_to"
at = "$.z"
codec = ["number-text", "long-term:0", "date:epoch-ms"]
loses = "the time of day"

[[field]]
to = "area"
at = "$.qh"
codec = ["area:12"]
loses = "town and village"

[[field]]
to = "under_objection"
at = "$.yy"
codec = ["flag:1|0"]

[[field]]
to = "trust_level"
at = "$.dj"

[[field]]
to = "holders[].name"
at = "$.czr[*].xm"

[[field]]
to = "holders[].code"
at = "$.czr[*].hm"

[[field]]
to = "holders[].code_type"
at = "$.czr[*].lx"

[[field]]
to = "document.format"
at = "$.wj.lx"

[[field]]
to = "document.content"
at = "$.wj.nr"
codec = ["base64"]

[[field]]
to = "document.link"
at = "$.wj.dz"

[[field]]
to = "surface.amount"
at = "$.je"
codec = ["decimal-text"]
loses = "zeros"

[[field]]
to = "surface.ok"
at = "$.ok"
only = "in"
loses = "not written back"

[[field]]
to = "surface.rows[].a"
at = "$.mx[*].a"

[[field]]
to = "surface.rows[].b"
at = "$.mx[*].b"

[[field]]
to = "surface.*"
at = "$.ext"

[status]
at = "$.zt"
codes = { "1" = "active", "2" = "revoked" }
"""
ALL: Final = {"xml-town": XML, "form-town": FORM, "line-town": DELIMITED, "json-town": JSON}
