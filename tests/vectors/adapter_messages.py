"""Sample messages of foreign systems, ours: made from the documented shapes, with nobody's data in them.

The numbers are the worked examples of GB 11643, GB 32100 and GB/T 36904; names and everything else are made up.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

_PERSON: Final = "11010519491231002X"
_COMPANY: Final = "91350100M000100Y43"
_AUTHORITY: Final = "11430000006122244L"
_IDENTIFIER: Final = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
_TYPE: Final = "11100000000013338W011"

_NATIONAL: Final = {
    "certificateID": _IDENTIFIER,
    "certificateNumber": "样（2023）第0403号",
    "certificateTypeCode": _TYPE,
    "certificateName": "样品资格证书",
    "certificateType": "样品资格证书",
    "certificateHolder": "张样",
    "certificateHolderCode": _PERSON,
    "certificateHolderType": "111",
    "issueDept": "样省住房和城乡建设厅",
    "issueDeptCode": _AUTHORITY,
    "issueDate": "2023-04-03",
    "certificateValidateStart": "2023-04-03",
    "certificateValidateEnd": "2026-04-02",
    "certificateAreaCode": "430000",
    "dataSource": "143",
    "digitalSign": "",
    "surface": [
        {"columnName": "ZYLB", "value": "架子工"},
        {"columnName": "XB", "name": "性别", "value": "女", "valueType": "text"},
    ],
}
_LONG_TERM: Final = {
    **_NATIONAL,
    "certificateID": "",
    "certificateHolder": "张样,样品有限公司",
    "certificateHolderCode": f"{_PERSON},{_COMPANY}",
    "certificateHolderType": "999",
    "issueDate": "20230403",
    "certificateValidateEnd": "长期",
    "certificateAreaCode": "430102001000",
    "detail": [{"group": "变更记录", "datalist": []}],
}
_JIANGSU: Final = {
    "license_code": "32000020200018P0WR",
    "license_item_code": "100010601000021135320000",
    "name": "样品资格证书",
    "id_code": "苏样字〔2020〕18号",
    "holder_name": "张样",
    "holder_identity_num": _PERSON,
    "holder_identity_type": "10",
    "issue_org_name": "样市行政审批局",
    "issue_org_code": _AUTHORITY,
    "division_code": "320000",
    "issue_date": "2020-05-06",
    "begin_date": "2020-05-06",
    "expiry_date": "2099-12-31",
    "data_fields": json.dumps({"ZZBS": _IDENTIFIER, "XM": "张样", "LB": ["甲", "乙"]}, ensure_ascii=False),
    "license_status": "ISSUED",
}
_FUJIAN: Final = {
    "certificateIdentifier": _IDENTIFIER,
    "certificateNumber": "闽样 0001",
    "certificateTypeCode": _TYPE,
    "certificateName": "样品资格证书",
    "certificateHolderCode": _PERSON,
    "proposerCodeTypeCode": "SF",
    "certUnitCode": _AUTHORITY,
    "startDate": "2021-01-02",
    "validateDate": "2031年01月01日",
}
_SHANDONG: Final = {
    "certIdentifier": _IDENTIFIER,
    "certNo": "鲁样 0001",
    "certName": "样品资格证书",
    "certTypeCode": _TYPE,
    "holderCode": _PERSON,
    "holderTypeCode": "111",
    "certData": json.dumps(
        {"CZZT": "张样", "ZZBFJG": "样市行政审批局", "ZZBFRQ": "2022-02-28", "ZZYXQJZRQ": "2027-02-27", "KZ_LB": "甲"},
        ensure_ascii=False,
    ),
}
_TAGS: Final = {
    "ZZBS": _IDENTIFIER,
    "ZZBH": "样0001",
    "ZZMC": "样品资格证书",
    "ZZLXDM": _TYPE,
    "CZZT": "张样",
    "CZZTDM": _PERSON,
    "CZZTDMLXDM": "111",
    "CZZTDMLX": "公民身份号码",
    "ZZBFJG": "样省住房和城乡建设厅",
    "ZZBFJGDM": _AUTHORITY,
    "ZZBFRQ": "2023-04-03",
    "ZZYXQQSRQ": "2023-04-03",
    "ZZYXQJZRQ": "2026-04-02",
    "KZ_ZYLB": "架子工",
    "status": "0",
}


def _json(tree: object) -> bytes:
    return (json.dumps(tree, ensure_ascii=False, indent=1) + "\n").encode()


def _headed(status: str, message: str, records: list[Any]) -> bytes:
    return _json({"head": {"status": status, "message": message}, "data": records})


def _coded(code: str, message_key: str, records: Any, **more: object) -> bytes:
    return _json({"code": code, message_key: "样", "data": records, **more})


def _fujian_soap(code: str, *licences: Mapping[str, str]) -> bytes:
    rows = "".join(
        "<LICENSE>" + "".join(f"<{name}>{value}</{name}>" for name, value in one.items()) + "</LICENSE>"
        for one in licences
    )
    head = f"<HEAD><CODE>{code}</CODE><MESSAGE>样</MESSAGE></HEAD>"
    return f'<?xml version="1.0" encoding="GBK"?>\n<ROOT>{head}<LIST>{rows}</LIST></ROOT>'.encode("gbk")


def _package(code: str, records: str) -> bytes:
    head = (
        "<BBH>1.0</BBH><FSDW_DM>430100000000</FSDW_DM><FSDW_MC>样市公安局</FSDW_MC><JSDW_DM>350100000000</JSDW_DM>"
        "<JSDW_MC>例市公安局</JSDW_MC><ZAGLYWFLDM>01</ZAGLYWFLDM><YWXTBH>YWXT0001</YWXTBH><YWXTQYFW>2</YWXTQYFW>"
        f"<FSSJ>20240102030405</FSSJ><FHDM>{code}</FHDM>"
    )
    data = f"<DATA>{records}</DATA>" if records else "<DATA/>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<PACKAGE><PACKAGEHEAD>{head}</PACKAGEHEAD>{data}</PACKAGE>'
    return text.encode()


_FUJIAN_SOAP: Final = {
    **_FUJIAN,
    "holderName": "张样",
    "certificateIssuingAuthorityName": "样市行政审批局",
    "areaCode": "350100000000",
    "certificateIssuedDate": "2021年01月02日",
    "certContent": '{"KZ_LB":"甲"}',
}
_FUJIAN_POST: Final = {
    **_FUJIAN,
    "proposerName": "张样",
    "certUnit": "样市行政审批局",
    "areaCode": "35010000000",
    "certifiedTime": "2021-01-02 03:04:05",
    "jsonInfo": '{"KZ_LB":"甲"}',
}
_PERMIT: Final = (
    '<RECORD no="1" sid="a1"><ZQZBH>样准迁0001</ZQZBH><ZJMC>准予迁入证明</ZJMC><XM>张样</XM>'
    f"<GMSFHM>{_PERSON}</GMSFHM><QFJG_MC>样派出所</QFJG_MC><QFJG_DM>430102000000</QFJG_DM><SSXQDM>430102</SSXQDM>"
    "<QFRQ>20240101</QFRQ><YXQJZRQ>20240131</YXQJZRQ><FIELDS><QCDXZ>样街道</QCDXZ></FIELDS></RECORD>"
)

# System, then the name of the case, then the message. A case says what is particular about it.
MESSAGES: Final[Mapping[str, Mapping[str, bytes]]] = {
    "national": {
        "found": _headed("0", "ok", [_NATIONAL, _LONG_TERM]),
        "not-found": _headed("0", "ok", []),
        "code-never-seen": _headed("7", "样", []),
        "status-is-no-field": _headed("0", "ok", [{**_NATIONAL, "status": "1"}]),
    },
    "exchange": {
        "found": _coded("0", "msg", [_NATIONAL]),
        "key-being-refreshed": _coded("-50", "msg", None),
        "not-granted": _coded("-49", "msg", None),
        "not-published": _coded("-48", "msg", None),
        "limit-of-the-day": _coded("12103", "msg", None),
        "code-as-number": _json({"code": -50, "msg": "样"}),
        "code-never-seen": _coded("-99", "msg", None),
        "no-code": _json({"msg": "样"}),
    },
    "jiangsu": {
        "found": _json(
            {"status": {"code": 200, "text": "ok"}, "custom": {"licensedatas": [_JIANGSU], "certfiles": ["5qC3"]}}
        ),
        "every-status": _json(
            {
                "status": {"code": 200, "text": "ok"},
                "custom": {
                    "licensedatas": [
                        {"id_code": f"样{number}", "license_status": status}
                        for number, status in enumerate(["ISSUED", "ABOLISHED", "DRAFT", "REGISTERED", "FROZEN", ""])
                    ]
                },
            }
        ),
        "another-code": _json({"status": {"code": 500, "text": "样"}}),
    },
    "fujian-soap": {
        "found": _fujian_soap("00", _FUJIAN_SOAP),
        "not-found": _fujian_soap("00"),
        "another-code": _fujian_soap("01"),
        "names-of-the-new-service": _fujian_soap(
            "00", {name: value for name, value in _FUJIAN_POST.items() if name not in {"jsonInfo", "areaCode"}}
        ),
        "names-that-contradict": _fujian_soap("00", {**_FUJIAN_SOAP, "proposerName": "李样"}),
        "holder-type-never-seen": _fujian_soap("00", {**_FUJIAN_SOAP, "proposerCodeTypeCode": "ZZ"}),
    },
    "fujian-post": {
        "found": _coded("00", "message", [_FUJIAN_POST, {**_FUJIAN_POST, "areaCode": "350100000000"}]),
        "not-found": _coded("00", "message", []),
        "another-code": _coded("99", "message", []),
    },
    "shandong": {
        "found": _coded("0", "message", _SHANDONG),
        "abolished-without-data": _coded("21", "message", None),
        "abolished": _coded("21", "message", _SHANDONG),
        "expired": _coded("22", "message", _SHANDONG),
        "restricted": _coded("23", "message", _SHANDONG),
        "not-found": _coded("10", "message", None),
        "not-provided": _coded("2", "message", None),
        "no-permission": _coded("100", "message", None),
        "catalogue-error": _coded("105", "message", None),
        "code-never-seen": _coded("104", "message", _SHANDONG),
    },
    "shanghai": {
        "found": _coded("0", "message", [_NATIONAL]),
        "not-found": _coded("0", "message", []),
        "code-never-seen": _coded("401", "message", None),
    },
    "zhejiang": {
        "found": _coded("00", "msg", [_NATIONAL], requestId="样0001"),
        "not-found": _coded("00", "msg", []),
        "code-never-seen": _coded("14", "msg", None),
    },
    "gbt36906": {
        "found": _headed("0", "ok", [_TAGS]),
        "every-status": _headed(
            "0", "ok", [{"ZZBH": f"样{code}", "status": code} for code in ("0", "1", "2", "3", "9", "")]
        ),
        "dates-as-beijing-spells-them": _headed(
            "0",
            "ok",
            [
                {name: value for name, value in _TAGS.items() if not name.startswith("ZZYXQ")}
                | {"ZZYXQQSSJ": "2023-04-03", "ZZYXQJZSJ": "2026-04-02"}
            ],
        ),
        "dates-that-contradict": _headed("0", "ok", [{**_TAGS, "ZZYXQJZSJ": "2027-04-02"}]),
        "date-that-does-not-exist": _headed("0", "ok", [{**_TAGS, "ZZBFRQ": "2023-02-29"}, _TAGS]),
        "code-never-seen": _headed("4", "样", []),
    },
    "police-package": {
        "found": _package("0", _PERMIT),
        "permit-not-recognised": _package("0", '<RECORD no="1"><CWDM>-902</CWDM></RECORD>'),
        "permit-check-failed": _package("-50", ""),
        "faults-of-records": _package(
            "0", "".join(f'<RECORD no="{one}"><CWDM>{one}</CWDM></RECORD>' for one in (-901, -902, -903, -905, -904))
        ),
        "code-never-seen": _package("-51", ""),
    },
}
