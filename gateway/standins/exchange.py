"""The national exchange platform: a secret that is fetched and rotated, signed headers, and its error codes."""

import json
import secrets
from datetime import timedelta
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from gateway.adapters.request import spell_time
from gateway.standins.desk import Desk, answer_json, make_application, read_json, render, text_at
from gateway.standins.fault import Fault
from keys.payload.errors import RequestFault, RequestSignatureError
from keys.payload.registry import parse_request_signature
from keys.payload.secret import Secret
from keys.payload.spelling import Spelling, encode_spelling
from keys.payload.symmetric import Mode, encrypt

OWN_FAULTS: Final = frozenset({Fault.RATE_LIMIT})
SECRET_LIFETIME: Final = timedelta(hours=1)

_OK, _NO_APP, _SIGNATURE, _CLOCK, _NO_API, _NOT_GRANTED, _NOT_PUBLISHED = "0", "-2", "-5", "-19", "-20", "-49", "-48"
_KEY_REFRESH, _TOKEN_EXPIRED, _MINUTE = "-50", "-21", "12101"
_HEADERS: Final = "gjgxjhpt_"
_SWITCHED: Final = {
    Fault.KEY_REFRESH: _KEY_REFRESH,
    Fault.RATE_LIMIT: _MINUTE,
    Fault.WRONG_SIGNATURE: _SIGNATURE,
    Fault.NOT_PROVIDED: _NOT_PUBLISHED,
    Fault.DENIED: _NOT_GRANTED,
}
_SIGNATURE_CODES: Final = {RequestFault.TOO_OLD: _CLOCK, RequestFault.IN_FUTURE: _CLOCK}


def make(desk: Desk) -> web.Application:
    """Return the application."""
    here = _Exchange(desk)
    sid = desk.access.settings["sid"]
    return make_application(
        [web.post("/token", desk.sign_in(here.hand_out)), web.post(f"/{sid}", desk.serve(here.answer))]
    )


class _Exchange:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._secret = ""
        self._until = desk.clock()

    async def hand_out(self, request: web.Request) -> web.Response:
        """POST /token: a new secret, encrypted under the application's key; the one before is no longer good."""
        asked, settings = await read_json(request), self._desk.access.settings
        if text_at(asked, "rid") != settings["rid"]:
            return _say(_NO_APP)
        self._secret = secrets.token_hex(16)
        self._until = self._desk.clock() + SECRET_LIFETIME
        key = AES(self._desk.access.secrets["app_key"].reveal())
        wrapped = encode_spelling(encrypt(key, Mode.ECB, self._secret.encode(), iv=b""), Spelling.BASE64)
        return _say(_OK, data={"secret": wrapped, "secretEndTime": spell_time(self._until, "epoch-ms")})

    async def answer(self, request: web.Request) -> web.Response:
        """POST to the service: judged as the platform does, answered as the service behind it does."""
        asked = await read_json(request)
        code = self._judge(request)
        if code != _OK:
            return _say(code)
        identifier, holder = text_at(asked, "CertificateID"), text_at(asked, "CertificateHolderCode")
        if identifier:
            found = self._desk.find(lambda record: record.identifier == identifier)
        else:
            found = self._desk.find_holder(holder, text_at(asked, "CertificateType"))
        return answer_json(render(self._desk, found))

    def _judge(self, request: web.Request) -> str:
        """Return the code of what is wrong with a request, "0" for nothing."""
        settings = self._desk.access.settings
        fields = {name: request.headers.get(_HEADERS + name, "") for name in ("rid", "sid", "rtime")}
        if fields["rid"] != settings["rid"]:
            return _NO_APP
        if fields["sid"] != settings["sid"]:
            return _NO_API
        switched = next((code for fault, code in _SWITCHED.items() if self._desk.has(fault)), "")
        if switched:
            return switched
        if self._desk.clock() >= self._until:
            return _TOKEN_EXPIRED
        signature = self._desk.recipe.signature
        if signature is None:
            return _SIGNATURE
        verifier = parse_request_signature(signature.table).make_verifier(Secret(self._secret.encode()))
        try:
            verifier.verify(fields, request.headers.get(_HEADERS + "sign", ""), at=self._desk.clock())
        except RequestSignatureError as error:
            return _SIGNATURE_CODES.get(error.fault, _SIGNATURE)
        return _OK


def _say(code: str, data: object = None) -> web.Response:
    return answer_json(json.dumps({"code": code, "msg": "", "data": data}).encode())
