"""Guangdong's license-app/v1: login, the list by duty page by page, the grant of one use, the file."""

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from typing import Final

from aiohttp import web

from adapters.record.record import LicenceRecord, RecordDocument
from gateway.standins.desk import Desk, answer_json, make_application, read_json, render, text_at
from gateway.standins.fault import Fault

_REFUSING: Final = (Fault.DENIED, Fault.NOT_PROVIDED, Fault.WRONG_SIGNATURE)  # FAILURE says no more than that
_MAX_PAGE: Final = 150
_MAX_DIGITS: Final = 4  # of a number of a page
_OPERATOR: Final = ("account", "name", "identity_num", "role", "division", "division_code", "service_org")
_GRANT: Final = "granted-"


def make(desk: Desk) -> web.Application:
    """Return the application."""
    here = _Guangdong(desk)
    return make_application(
        [
            web.post("/security/login", desk.sign_in(here.login)),
            web.post("/license/auth", desk.serve(here.list_licences)),
            web.get("/license/token", desk.serve(here.grant)),
            web.get("/license/archive", desk.serve(here.archive)),
        ]
    )


class _Guangdong:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tokens: set[str] = set()

    async def login(self, request: web.Request) -> web.Response:
        """POST /security/login."""
        asked, access = await read_json(request), self._desk.access
        is_known = (
            text_at(asked, "app_key") == access.settings["app_key"]
            and text_at(asked, "account") == access.settings["account"]
            and text_at(asked, "app_secret") == self._desk.secret("app_secret")
            and text_at(asked, "password") == self._desk.secret("password")
        )
        if not is_known:
            return _fail("用户名或口令错误")
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return _succeed({"access_token": token})

    async def list_licences(self, request: web.Request) -> web.Response:
        """POST /license/auth: by duty, at most 150 a page."""
        asked = await read_json(request)
        data = asked.get("data")
        if self._is_refused(request):
            return _fail("无权限")
        operator = data.get("operator") if isinstance(data, dict) else None
        numbers = data.get("identity_number") if isinstance(data, dict) else None
        if not isinstance(numbers, list) or not all(text_at(operator, name) for name in _OPERATOR):
            return _fail("缺少必填参数")
        found = [
            record
            for number in numbers
            for record in self._desk.find_holder(str(number), text_at(data, "license_item_code"))
        ]
        page, size = _number(text_at(asked, "page"), 1), min(_number(text_at(asked, "page_size"), _MAX_PAGE), _MAX_PAGE)
        rows = found[(page - 1) * size : page * size]
        if self._desk.has(Fault.PARTIAL_PAGE):
            rows = rows[: len(rows) // 2]
        envelope = {"correlation_id": text_at(asked, "request_id"), "total_count": str(len(found))}
        granted = tuple(replace(record, document=RecordDocument(link=_auth_code(record))) for record in rows)
        if found and not rows:  # beyond the last page, or a page that was cut to nothing
            return answer_json(_spell({"ack_code": "SUCCESS", "total_count": len(found), "data": []}))
        return answer_json(render(self._desk, granted, envelope))

    async def grant(self, request: web.Request) -> web.Response:
        """GET /license/token: one use of one licence."""
        auth_code = request.query.get("auth_code", "")
        if self._is_refused(request) or self._find(auth_code) is None:
            return _fail("授权码无效")
        return _succeed({"license_access_token": _GRANT + auth_code})

    async def archive(self, request: web.Request) -> web.Response:
        """GET /license/archive: the file in base64."""
        auth_code = request.query.get("auth_code", "")
        record = self._find(auth_code)
        is_granted = request.headers.get("license_access_token") == _GRANT + auth_code
        if self._is_refused(request) or record is None or not is_granted:
            return _fail("未授权")
        return _succeed(
            {"file_name": f"{record.number}.ofd", "file_data": base64.b64encode(self._desk.file_of(record)).decode()}
        )

    def _is_refused(self, request: web.Request) -> bool:
        return request.query.get("access_token") not in self._tokens or any(map(self._desk.has, _REFUSING))

    def _find(self, auth_code: str) -> LicenceRecord | None:
        return next(iter(self._desk.find(lambda record: _auth_code(record) == auth_code)), None)


def _auth_code(record: LicenceRecord) -> str:
    """Return the grant of one use: a time stamp and letters, 28 characters as in the system."""
    return "20260102030405" + hashlib.sha256(record.identifier.encode()).hexdigest()[:14]


def _number(text: str, otherwise: int) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return (int(text) if is_number else 0) or otherwise


def _succeed(data: dict[str, str]) -> web.Response:
    return answer_json(_spell({"ack_code": "SUCCESS", "errors": [], "data": data}))


def _fail(why: str) -> web.Response:
    return answer_json(_spell({"ack_code": "FAILURE", "errors": [why]}))


def _spell(tree: object) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()
