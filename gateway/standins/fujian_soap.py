"""Fujian's old SOAP service: Authorization gives a GUID, answers are GBK text under SM4-ECB."""

import uuid
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web

from adapters.mapping.error import AdapterError
from adapters.mapping.forms.charset import Charset
from adapters.mapping.forms.xml import xml_form
from gateway.adapters.connection import MAX_ANSWER
from gateway.standins.desk import Desk, make_application, render
from gateway.standins.fault import Fault
from keys.payload.registry import parse_encryption
from keys.payload.secret import Secret

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_OURS: Final = "http://tempuri.org/"
_AUTHORIZATION: Final = "Authorization"
_REFUSED: Final = "<ROOT><HEAD><CODE>99</CODE><MESSAGE>授权码无效</MESSAGE></HEAD></ROOT>"  # inferred: any but 00
_OPERATIONS: Final = {"GetLicenseDataByHolderID": "holderID", "GetLicenseDataByLicenseID": "licenseID"}
_REFUSING: Final = (Fault.DENIED, Fault.NOT_PROVIDED, Fault.WRONG_SIGNATURE)  # no other code than 00 is known
_OTHER_KEY: Final = Secret(b"ff" * 16)


def make(desk: Desk) -> web.Application:
    """Return the application: one address for all operations."""
    here = _Fujian(desk)
    sign_in, call = desk.sign_in(here.authorize), desk.serve(here.answer)

    async def dispatch(request: web.Request) -> web.StreamResponse:
        is_sign_in = _AUTHORIZATION in request.headers.get("SOAPAction", "")
        return await (sign_in if is_sign_in else call)(request)

    return make_application([web.post("/", dispatch)])


class _Fujian:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._guids: set[str] = set()

    async def authorize(self, request: web.Request) -> web.Response:
        """Answer Authorization: a GUID for an account and its password, nothing for others."""
        _, asked = await _read(request)
        guid = ""
        is_known = asked.get("account") == self._desk.access.settings["account"]
        if is_known and asked.get("password") == self._desk.secret("password"):
            guid = str(uuid.uuid4())
            self._guids.add(guid)
        return _envelope(_AUTHORIZATION, guid)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer GetLicenseData…: what is known of a holder or a licence, encrypted."""
        operation, asked = await _read(request)
        key = _OPERATIONS.get(operation)
        if key is None:
            raise web.HTTPInternalServerError
        wanted = asked.get(key, "")
        if asked.get("guid") not in self._guids or any(map(self._desk.has, _REFUSING)):
            message = _REFUSED.encode("gbk")
        elif key == "holderID":
            message = render(self._desk, self._desk.find_holder(wanted))
        else:
            message = render(self._desk, self._desk.find(lambda record: record.number == wanted))
        return _envelope(operation, self._encrypt(message))

    def _encrypt(self, message: bytes) -> str:
        (part,) = self._desk.recipe.encryption
        key = _OTHER_KEY if self._desk.has(Fault.WRONG_KEY) else self._desk.access.secrets[part.function.key]
        if self._desk.has(Fault.WRONG_CHARSET):
            message = message.decode("gbk").encode("utf-8")
        return parse_encryption(part.function.table).make_encryptor(key).encrypt_bytes(message).text


async def _read(request: web.Request) -> tuple[str, dict[str, str]]:
    """Return the operation and its parameters; raises HTTPBadRequest."""
    try:
        tree = xml_form(Charset.UTF_8, MAX_ANSWER, {}, declaration=False).read(await request.read())
    except AdapterError as error:
        raise web.HTTPBadRequest from error
    body: object = tree
    for name in (f"{{{_SOAP}}}Envelope", f"{{{_SOAP}}}Body"):
        body = body.get(name) if isinstance(body, dict) else None
    if not isinstance(body, dict) or len(body) != 1:
        raise web.HTTPBadRequest
    ((operation, parameters),) = body.items()
    texts = parameters.items() if isinstance(parameters, dict) else ()
    prefix = f"{{{_OURS}}}"
    return operation.removeprefix(prefix), {
        name.removeprefix(prefix): text for name, text in texts if isinstance(text, str)
    }


def _envelope(operation: str, result: str) -> web.Response:
    text = (
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body><f:{operation}Response xmlns:f="{_OURS}">'
        f"<f:{operation}Result>{escape(result)}</f:{operation}Result></f:{operation}Response></s:Body></s:Envelope>"
    )
    return web.Response(body=text.encode(), content_type="text/xml", charset="utf-8")
