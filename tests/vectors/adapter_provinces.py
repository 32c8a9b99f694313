"""Sample messages of Guangdong, Anhui and Jilin, ours: made from the documented shapes, with nobody's data in them."""

import json
from collections.abc import Mapping
from typing import Any, Final


def _spell(tree: object) -> bytes:
    """Spell a message as systems do: compact, with Han as it is."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


# Guangdong and Beijing, license-app/v1: answers of POST /license/auth.
_GUANGDONG: Final[dict[str, Any]] = {
    "license_code": "4401002024000011QW",
    "auth_code": "20240501100000440100abcdef",
    "license_item_code": "100010601000021135440100",
    "name": "食品经营许可证",
    "id_code": "JY14401060000019",
    "holder_name": "广州示例餐饮有限公司",
    "holder_identity_num": "91330105002500287C",
    "holder_identity_type": "70",
    "issue_org_name": "广州市示例区市场监督管理局",
    "issue_org_code": "11430000006122244L",
    "issue_date": "2024-02-29",
    "begin_date": "2024-02-29",
    "expiry_date": "2029-02-27",
    "division_code": "440106",
    "license_status": "ISSUED",
    "data_fields": '{"ZZHM":"JY14401060000019","CYRMC":"广州示例餐饮有限公司","JYXM":["热食类制售","冷食类制售"]}',
}


def _guangdong(rows: list[dict[str, object]], **more: object) -> bytes:
    return _spell(
        {
            "ack_code": "SUCCESS",
            "errors": [],
            "sign": "",
            "sign_method": "",
            "timestamp": "2024-05-01 10:00:00",
            "correlation_id": "req-1",
            "response_id": "res-1",
            "total_count": len(rows),
            "data": rows,
            **more,
        }
    )


_GUANGDONG_CASES = {
    "found": _guangdong([_GUANGDONG]),
    # The same licence in the spellings that the system is known for, and fields that no rule names.
    "odd-spellings": _guangdong(
        [
            {
                **_GUANGDONG,
                "issue_org_name": "null",
                "issue_date": "2024-02-29 00:00:00",
                "begin_date": "null",
                "expiry_date": "长期",
                "holder_identity_type": "50",
                "data_fields": "",
                "license_type": "1",
            }
        ]
    ),
    "identifier-in-data-fields": _guangdong(
        [
            {
                **_GUANGDONG,
                "data_fields": '{"ZZBS":"1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F"}',
            }
        ]
    ),
    "status-never-seen": _guangdong([{**_GUANGDONG, "license_status": "REISSUED"}]),
    "status-missing": _guangdong([{name: one for name, one in _GUANGDONG.items() if name != "license_status"}]),
    "holder-type-never-seen": _guangdong([{**_GUANGDONG, "holder_identity_type": "60"}]),
    "one-bad-of-two": _guangdong(
        [{**_GUANGDONG, "expiry_date": "2023-02-29"}, {**_GUANGDONG, "license_status": "ABOLISHED"}]
    ),
    "nothing": _guangdong([]),
    "failure": _guangdong([], ack_code="FAILURE", errors=[{"code": "40001", "message": "access_token 无效"}]),
}


# Anhui: answers of queryCertificate, after the vendor's SDK has decrypted them.
_ANHUI: Final[dict[str, Any]] = {
    "code": "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
    "infoCode": "皖（2024）示例市不动产权第0000001号",
    "contentCode": "11100000MB03271699022",
    "contentName": "不动产权证书",
    "ownerName": "张示例",
    "ownerId": "11010519491231002X",
    "infoValidityBegin": "20240501",
    "infoValidityEnd": "长期",
    "downloadUrl": "http://city.example/file/1",
    "data": {"ZL": "示例路 1 号", "MJ": "88.5"},
    "infoState": "1",
}

_ANHUI_CASES = {
    "found": _spell({"flag": "200", "result": "true", "data": [_ANHUI]}),
    "cancelled": _spell({"flag": "200", "result": "true", "data": [{**_ANHUI, "infoState": "4"}]}),
    "status-never-seen": _spell({"flag": "200", "result": "true", "data": [{**_ANHUI, "infoState": "7"}]}),
    "far-date": _spell({"flag": "200", "result": "true", "data": [{**_ANHUI, "infoValidityEnd": "99991231"}]}),
    "result-false": _spell({"flag": "200", "result": "false", "data": None}),
    "flag-never-seen": _spell({"flag": "502", "result": "true", "data": []}),
}


# Jilin-style registry records; the envelope is our guess.
_JILIN: Final[dict[str, Any]] = {
    "certificate_identifier": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "certificate_type_name_code": "11100000000013338W032",
    "certificate_number": "吉A0420240001",
    "certificate_name": "建筑施工特种作业操作资格证书",
    "certificate_version": "001",
    "certificate_issuing_authority_name": "示例省住房和城乡建设厅",
    "certificate_issuing_authority_code": "11220000013544541J",
    "certificate_issuing_authority_date": "20240229",
    "certificate_validate_start": "20240229",
    "certificate_validate_end": "20260228",
    "certificate_area_code": "220000",
    "certificate_holder_name": "张示例",
    "certificate_holder_code": "11010519491231002X",
    "certificate_holder_type": "111",
    "extend_info": '{"GZLB":"建筑电工","LSJL":[{"SJ":"2024-02-29","SX":"初次发证"}]}',
    "status": "1",
}

_JILIN_CASES = {
    "found": _spell({"code": "0", "data": [_JILIN]}),
    "two-holders": _spell(
        {
            "code": "0",
            "data": [
                {
                    **_JILIN,
                    "certificate_holder_name": "张示例,李示例",
                    "certificate_holder_code": "11010519491231002X,440524188001010014",
                    "certificate_validate_end": "99991231",
                }
            ],
        }
    ),
    "holders-do-not-pair": _spell({"code": "0", "data": [{**_JILIN, "certificate_holder_name": "张示例,李示例"}]}),
    "numbers-for-codes": _spell({"code": 0, "data": [{**_JILIN, "status": 5}]}),
    "not-found": _spell({"code": "1", "data": []}),
}


MESSAGES: Final[Mapping[str, Mapping[str, bytes]]] = {
    "anhui": _ANHUI_CASES,
    "guangdong": _GUANGDONG_CASES,
    "jilin": _JILIN_CASES,
}
