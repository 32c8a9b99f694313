"""Shanghai: a login, an encoded holder code in exchange for a plain one, and queries that demand five elements."""

import json
import secrets
from typing import Final

from aiohttp import web

from adapters.record.record import LicenceRecord
from gateway.standins.desk import Desk, answer_json, make_application, read_json, render, text_at
from gateway.standins.fault import Fault

_OK, _WRONG, _UNAUTHORISED = "0", "1", "401"
_SWITCHED: Final = {Fault.WRONG_SIGNATURE: _UNAUTHORISED, Fault.DENIED: _WRONG, Fault.NOT_PROVIDED: _WRONG}
_FIVE: Final = ("orgName", "userName", "itemName", "itemCode", "businessCode", "UseFor")


def make(desk: Desk) -> web.Application:
    """Return the application."""
    here = _Shanghai(desk)
    return make_application(
        [
            web.post("/login", desk.sign_in(here.login)),
            web.post("/encodeHolderCode", desk.serve(here.encode_holder)),
            web.post("/GetCertificateDataByHolder", desk.serve(here.by_holder)),
            web.post("/GetCertificateDataByCertificateID", desk.serve(here.by_identifier)),
        ]
    )


class _Shanghai:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tokens: set[str] = set()
        self._encoded: dict[str, str] = {}

    async def login(self, request: web.Request) -> web.Response:
        """POST /login."""
        asked = await read_json(request)
        is_known = text_at(asked, "account") == self._desk.access.settings["account"]
        if not is_known or text_at(asked, "password") != self._desk.secret("password"):
            return _say(_WRONG)
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return _say(_OK, {"token": token})

    async def encode_holder(self, request: web.Request) -> web.Response:
        """POST /encodeHolderCode: a code that stands for the holder in the queries that follow."""
        asked = await read_json(request)
        if self._is_unknown(request):
            return _say(_UNAUTHORISED)
        encoded = secrets.token_hex(16)
        self._encoded[encoded] = text_at(asked, "certificateHolderCode")
        return _say(_OK, {"encodedHolderCode": encoded})

    async def by_holder(self, request: web.Request) -> web.Response:
        """POST /GetCertificateDataByHolder: by an encoded code, never by a plain one."""
        asked = await read_json(request)
        holder = self._encoded.get(text_at(asked, "CertificateHolderCode"))
        found = () if holder is None else self._desk.find_holder(holder, text_at(asked, "CertificateType"))
        return self._answer(request, asked, found)

    async def by_identifier(self, request: web.Request) -> web.Response:
        """POST /GetCertificateDataByCertificateID."""
        asked = await read_json(request)
        identifier = text_at(asked, "CertificateID")
        return self._answer(request, asked, self._desk.find(lambda record: record.identifier == identifier))

    def _answer(self, request: web.Request, asked: object, found: tuple[LicenceRecord, ...]) -> web.Response:
        if self._is_unknown(request):
            return _say(_UNAUTHORISED)
        switched = next((code for fault, code in _SWITCHED.items() if self._desk.has(fault)), "")
        if switched:
            return _say(switched)
        if not all(text_at(asked, name) for name in _FIVE):
            return _say(_WRONG)
        return answer_json(render(self._desk, found))

    def _is_unknown(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") not in self._tokens


def _say(code: str, data: object = None) -> web.Response:
    return answer_json(json.dumps({"code": code, "data": data}).encode())
