"""Shandong's CertShare: queries by identifier, holder and presentation code; certData goes to the caller's SM2 key."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from adapters.record.record import LicenceRecord
from gateway.adapters.tree import replace_texts
from gateway.standins.desk import Desk, answer_json, make_application, read_json, render, text_at
from gateway.standins.fault import Fault
from gateway.standins.manner import show_code
from keys.payload.encryption import Encryptor
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret
from keys.sm2 import Sm2PrivateKey

_MAX_CAUSE: Final = 200  # characters
_NOT_PROVIDED, _AUTHENTICATION, _MISSING, _PARAMETER, _NO_PERMISSION = "2", "11", "12", "101", "100"


def make(desk: Desk) -> web.Application:
    """Return the application."""
    here = _Shandong(desk)
    return make_application(
        [
            web.post("/CertShare/queryCertInfo", desk.serve(here.by_identifier)),
            web.post("/CertShare/queryCertInfoByHolderCode", desk.serve(here.by_holder)),
            web.post("/CertShare/queryCertInfoByQRcode", desk.serve(here.by_code)),
            web.post("/CertShare/downloadFile", desk.serve(here.file)),
        ]
    )


class _Shandong:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def by_identifier(self, request: web.Request) -> web.Response:
        """POST /CertShare/queryCertInfo."""
        return await self._answer(
            request, ("certIdentifier",), lambda asked, record: record.identifier == text_at(asked, "certIdentifier")
        )

    async def by_holder(self, request: web.Request) -> web.Response:
        """POST /CertShare/queryCertInfoByHolderCode."""

        def is_meant(asked: object, record: LicenceRecord) -> bool:
            holders = {(one.code, one.code_type) for one in record.holders}
            is_holder = (text_at(asked, "holderCode"), text_at(asked, "holderTypeCode")) in holders
            return is_holder and record.type_code == text_at(asked, "certTypeCode")

        return await self._answer(request, ("certTypeCode", "holderCode", "holderTypeCode"), is_meant)

    async def by_code(self, request: web.Request) -> web.Response:
        """POST /CertShare/queryCertInfoByQRcode."""
        return await self._answer(
            request, ("qrcode",), lambda asked, record: show_code(record) == text_at(asked, "qrcode")
        )

    async def file(self, request: web.Request) -> web.Response:
        """POST /CertShare/downloadFile: what this source does not offer."""
        asked = await read_json(request)
        return _refuse(self._fault(request, asked, ("certIdentifier",)) or _NOT_PROVIDED)

    async def _answer(
        self, request: web.Request, needed: tuple[str, ...], is_meant: Callable[[object, LicenceRecord], bool]
    ) -> web.Response:
        asked = await read_json(request)
        code = self._fault(request, asked, needed)
        if code:
            return _refuse(code)
        found = self._desk.find(lambda record: is_meant(asked, record))[:1]
        message = render(self._desk, found)
        if found:
            message = self._encrypt(message)
        return answer_json(message)

    def _fault(self, request: web.Request, asked: object, needed: tuple[str, ...]) -> str:
        """Return the code of what is wrong with a request, "" for nothing."""
        access = self._desk.access
        is_known = request.headers.get("accessId") == access.settings["access_id"]
        is_known = is_known and not self._desk.has(Fault.WRONG_SIGNATURE)
        if not is_known or request.headers.get("accessToken") != self._desk.secret("access_token"):
            return _AUTHENTICATION
        if not all(text_at(asked, name) for name in (*needed, "useCause")):
            return _MISSING
        if len(text_at(asked, "useCause")) > _MAX_CAUSE:
            return _PARAMETER
        if self._desk.has(Fault.DENIED):
            return _NO_PERMISSION
        return _NOT_PROVIDED if self._desk.has(Fault.NOT_PROVIDED) else ""

    def _encrypt(self, message: bytes) -> bytes:
        form = self._desk.adapter.rules.message.form
        tree = form.read(message)
        for part in self._desk.recipe.encryption:
            if part.path is not None:
                encryptor = self._encryptor(part.function.table, part.function.key)
                tree = replace_texts(tree, part.path, partial(_encrypt_text, encryptor))
        return form.write(tree)

    def _encryptor(self, table: Mapping[str, object], key: str) -> Encryptor:
        """Return the function with the caller's public key, which the system knows from the application form."""
        scalar = int(self._desk.secret(key), 16)
        private_key = Sm2PrivateKey.generate() if self._desk.has(Fault.WRONG_KEY) else Sm2PrivateKey.from_scalar(scalar)
        return parse_encryption(table).make_encryptor(Secret(private_key.public_key.point.hex().encode()))


def _encrypt_text(encryptor: Encryptor, text: str) -> str:
    return encryptor.encrypt_text(text).text


def _refuse(code: str) -> web.Response:
    return answer_json(json.dumps({"code": code, "message": "见错误代码表"}, ensure_ascii=False).encode())
