"""The named functions: what a recipe may ask for, with which parameters. What is not here does not exist.

A recipe is a table such as ``{name = "sm4-cbc", iv_place = "front", charset = "gbk"}``; keys never stand in it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from keys.payload.bounds import MAX_ASSOCIATED, MAX_TEMPLATE
from keys.payload.charset import Charset
from keys.payload.encryption import Encryption, KeySpelling
from keys.payload.keyed_digest import KeyedDigest, compute_hmac_sha256, compute_sha256
from keys.payload.parameters import NamedFunction, choice, parse_function, seconds, text
from keys.payload.request_signature import MAX_TOLERANCE_SECONDS, RequestSignature
from keys.payload.secret_wrapping import SecretWrapping
from keys.payload.sm2_ciphertext import Sm2Form
from keys.payload.sm2_encryption import Sm2Encryption
from keys.payload.sm2_request import SignatureForm, Sm2Scheme
from keys.payload.spelling import Spelling, parse_spelling
from keys.payload.symmetric import BLOCK, IV_PLACES, BlockCipher, IvPlace, Mode, SymmetricEncryption
from keys.payload.template import Template, parse_template
from keys.payload.time_form import TimeForm
from keys.payload.weak_md5 import compute_weak_md5
from keys.sm2 import DEFAULT_USER_ID

# Guangdong's gateway and the national health insurance's: hex SHA-256(timestamp + token + nonce + timestamp).
SHA256_GATEWAY: Final = parse_template("{timestamp}{secret}{nonce}{timestamp}")
# Zhejiang's gateway: hex MD5(appKey + appSecret + requestTime). Nothing in it is fresh within a second.
MD5_GATEWAY: Final = parse_template("{app_key}{secret}{request_time}")

_FIELD: Final = 64  # characters of a field's name, as templates have it
_USER_ID: Final = 64  # characters; the usual one has 16, the one of TLS 26


def parse_encryption(recipe: Mapping[str, object]) -> Encryption:
    """Read the table that names how payloads are encrypted; raises MalformedRecipeError."""
    return parse_function(recipe, ENCRYPTIONS)


def parse_request_signature(recipe: Mapping[str, object]) -> RequestSignature:
    """Read the table that names how requests are signed; raises MalformedRecipeError."""
    return parse_function(recipe, REQUEST_SIGNATURES)


def parse_secret_wrapping(recipe: Mapping[str, object]) -> SecretWrapping:
    """Read the table that names how a secret arrives encrypted; raises MalformedRecipeError."""
    return parse_function(recipe, SECRET_WRAPPINGS)


def _symmetric(cipher: BlockCipher, mode: Mode) -> NamedFunction[SymmetricEncryption]:
    """Return a cipher in a mode, with the parameters that mean something there."""
    parameters = [
        choice("charset", Charset),
        choice("spelling", Spelling),
        choice("key_spelling", KeySpelling, required=True),
    ]
    if mode is not Mode.ECB:
        elsewhere = frozenset(IvPlace) - IV_PLACES[mode]
        parameters.append(choice("iv_place", IvPlace, but=elsewhere, required=True))
    if mode is Mode.CBC:
        parameters.append(text("fixed_iv", _read_iv, f"{2 * BLOCK} hexadecimal digits", longest=2 * BLOCK))
    if mode is Mode.GCM:
        parameters.append(text("associated", str.encode, "text", longest=MAX_ASSOCIATED))

    def make(**values: object) -> SymmetricEncryption:
        return SymmetricEncryption(cipher=cipher, mode=mode, **values)  # type: ignore[arg-type]  # each was read above

    return NamedFunction(parameters=tuple(parameters), make=make)


def _read_iv(value: str) -> bytes:
    return parse_spelling(value, Spelling.HEX)


def _wrapped(cipher: NamedFunction[SymmetricEncryption]) -> NamedFunction[SecretWrapping]:
    """Return a cipher as one for secrets, which have a spelling instead of a charset."""
    parameters = [one for one in cipher.parameters if one.name != "charset"]
    parameters.append(choice("secret_spelling", KeySpelling))

    def make(secret_spelling: KeySpelling = KeySpelling.TEXT, **values: object) -> SecretWrapping:
        return SecretWrapping(cipher=cipher.make(**values), secret_spelling=secret_spelling)

    return NamedFunction(parameters=tuple(parameters), make=make)


def _read_template(value: str) -> Template:
    """Read a template for a scheme that has its key elsewhere than in the text."""
    template = parse_template(value)
    if template.has_secret:
        raise ValueError("fields of the request were expected, got the secret")
    return template


_SM2_KEY: Final = choice("key_spelling", KeySpelling, but=frozenset({KeySpelling.TEXT}), required=True)
_TOLERANCE: Final = seconds("tolerance_seconds", MAX_TOLERANCE_SECONDS)
_COVERED: Final = (  # what a signature covers, where the system leaves that open
    text("template", _read_template, "{field}text{field}", longest=MAX_TEMPLATE, required=True),
    text("time_field", str, "field", longest=_FIELD, required=True),
    choice("time_form", TimeForm, required=True),
    text("nonce_field", str, "field", longest=_FIELD),
)


def _make_hmac(*, key_spelling: KeySpelling = KeySpelling.TEXT, **values: object) -> RequestSignature:
    scheme = KeyedDigest(compute=compute_hmac_sha256, key_spelling=key_spelling)
    return _sign(scheme=scheme, **values)


def _make_sm2(
    *,
    key_spelling: KeySpelling,
    form: SignatureForm = SignatureForm.RAW,
    user_id: bytes = DEFAULT_USER_ID,
    **values: object,
) -> RequestSignature:
    return _sign(scheme=Sm2Scheme(form=form, key_spelling=key_spelling, user_id=user_id), **values)


def _make_gateway(
    template: Template,
    compute: Callable[[bytes, bytes], bytes],
    *,
    time_field: str,
    time_form: TimeForm,
    nonce_field: str,
) -> NamedFunction[RequestSignature]:
    """Return a digest whose text the system has fixed."""

    def make(**values: object) -> RequestSignature:
        return _sign(
            scheme=KeyedDigest(compute=compute),
            template=template,
            time_field=time_field,
            time_form=time_form,
            nonce_field=nonce_field,
            **values,
        )

    return NamedFunction(parameters=(choice("spelling", Spelling), _TOLERANCE), make=make)


def _sign(**values: object) -> RequestSignature:
    return RequestSignature(**values)  # type: ignore[arg-type]  # each was read by its parameter


ENCRYPTIONS: Final[Mapping[str, NamedFunction[Encryption]]] = MappingProxyType(
    {
        "sm4-ecb": _symmetric(BlockCipher.SM4, Mode.ECB),
        "sm4-cbc": _symmetric(BlockCipher.SM4, Mode.CBC),
        "sm4-gcm": _symmetric(BlockCipher.SM4, Mode.GCM),
        "sm2": NamedFunction(
            parameters=(
                choice("form", Sm2Form, required=True),
                choice("charset", Charset),
                choice("spelling", Spelling),
                _SM2_KEY,
            ),
            make=Sm2Encryption,
        ),
    }
)

REQUEST_SIGNATURES: Final[Mapping[str, NamedFunction[RequestSignature]]] = MappingProxyType(
    {
        "hmac-sha256": NamedFunction(
            parameters=(
                *_COVERED,
                choice("spelling", Spelling),
                choice("key_spelling", KeySpelling),
                _TOLERANCE,
            ),
            make=_make_hmac,
        ),
        "sha256-gateway": _make_gateway(
            SHA256_GATEWAY,
            compute_sha256,
            time_field="timestamp",
            time_form=TimeForm.EPOCH_SECONDS,
            nonce_field="nonce",
        ),
        "md5-gateway": _make_gateway(
            MD5_GATEWAY, compute_weak_md5, time_field="request_time", time_form=TimeForm.COMPACT, nonce_field=""
        ),
        "sm2-signature": NamedFunction(
            parameters=(
                *_COVERED,
                choice("form", SignatureForm),
                text("user_id", str.encode, "text", longest=_USER_ID),
                choice("spelling", Spelling),
                _SM2_KEY,
                _TOLERANCE,
            ),
            make=_make_sm2,
        ),
    }
)

SECRET_WRAPPINGS: Final[Mapping[str, NamedFunction[SecretWrapping]]] = MappingProxyType(
    {f"aes-{mode}": _wrapped(_symmetric(BlockCipher.AES, mode)) for mode in Mode}
)
