"""Credentials that are wrong in one way each, whoever presents them."""

import json
from datetime import timedelta

from keys.sd_jwt.base64url import encode_base64url
from keys.sd_jwt.claims import encode_moment
from keys.sd_jwt.errors import SdJwtFault
from tests.keys.sd_jwt.credentials import ISSUER, NOW, TYPE
from tests.keys.sd_jwt.parts import (
    DECOY,
    NAME,
    OTHER_KEY,
    ROW,
    Change,
    Parts,
    claim,
    digest,
    fold,
    header,
    issued,
    no_claim,
    part,
    shows,
    sign,
    text,
)

RFC = "RFC 9901 section"
VC = "draft-ietf-oauth-sd-jwt-vc-19 section"
Wrong = tuple[SdJwtFault, str, str, str, Change]  # what is found, a name, why, the source, what is changed

_INNER = fold("c2FsdC0z", "inner", "1")
_OUTER = fold("c2FsdC00", "outer", {"_sd": [digest(_INNER)]})


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _show_inner_alone(parts: Parts) -> None:
    """Disclose what stands inside a claim, and withhold the claim."""
    parts.disclosures.append(_INNER)
    parts.payload["_sd"].append(digest(_OUTER))


def _dig(parts: Parts) -> None:
    """Disclose a chain of claims, each inside the one before."""
    encoded = fold("salt", "a", "bottom")
    for _ in range(20):
        parts.disclosures.append(encoded)
        encoded = fold("salt", "a", {"_sd": [digest(encoded)]})
    shows(encoded)(parts)


WRONG_CREDENTIALS: list[Wrong] = [
    (SdJwtFault.FORM, "no-tilde", "a bare JWS is no SD-JWT", f"{RFC} 4", text(lambda t: t.split("~")[0])),
    (
        SdJwtFault.FORM,
        "two-parts",
        "a JWS has three parts",
        "RFC 7515 section 3.1",
        text(lambda t: t.replace(".", "", 1)),
    ),
    (SdJwtFault.FORM, "not-ascii", "the compact form is ASCII", f"{RFC} 4", text(lambda t: "é" + t)),
    (
        SdJwtFault.FORM,
        "empty-disclosure",
        "two tildes without a disclosure between",
        f"{RFC} 4",
        text(lambda t: t + "~"),
    ),
    (
        SdJwtFault.BASE64,
        "padding",
        "base64url has no padding here",
        "RFC 7515 section 2",
        text(lambda t: t[:-1] + "=~"),
    ),
    (
        SdJwtFault.BASE64,
        "space",
        "characters outside the alphabet are not skipped",
        "RFC 7515 section 2",
        text(lambda t: " " + t),
    ),
    (
        SdJwtFault.BASE64,
        "unused-bits",
        "one spelling per value: the last bits of the signature are not free",
        "RFC 4648 section 3.5",
        text(lambda t: t.replace(issued(t), issued(t)[:-1] + "B", 1)),
    ),
    (
        SdJwtFault.TOO_LARGE,
        "characters",
        "more characters than any licence needs",
        "bound",
        text(lambda t: t + "A" * 262_144),
    ),
    (
        SdJwtFault.TOO_LARGE,
        "disclosures",
        "more disclosures than any licence has",
        "bound",
        text(lambda t: t + "e~" * 1_001),
    ),
    (SdJwtFault.JSON, "header-list", "a header is an object", "RFC 7515 section 4", part("header", "[]")),
    (SdJwtFault.JSON, "payload-text", "a payload is an object", "RFC 7519 section 7.2", part("payload", '"claims"')),
    (
        SdJwtFault.JSON,
        "name-twice",
        "two readers could believe two issuers",
        "RFC 7493 section 2.3",
        part("payload", '{"iss": "a", "iss": "b"}'),
    ),
    (SdJwtFault.JSON, "nan", "NaN is no JSON", "RFC 8259 section 6", part("payload", '{"iat": NaN}')),
    (
        SdJwtFault.JSON,
        "huge-number",
        "numbers beyond 64 bits",
        "RFC 7493 section 2.2",
        part("payload", '{"iat": 1' + "0" * 30 + "}"),
    ),
    (
        SdJwtFault.JSON,
        "infinite-number",
        "a float beyond the range",
        "RFC 7493 section 2.2",
        part("payload", '{"iat": 1e999}'),
    ),
    (
        SdJwtFault.JSON,
        "surrogate",
        "half a surrogate pair is no character",
        "RFC 7493 section 2.1",
        part("payload", '{"a": "\\ud800"}'),
    ),
    (SdJwtFault.JSON, "deep", "nesting beyond the bound", "bound", claim("a", json.loads(_nested(20)))),
    (
        SdJwtFault.JSON,
        "bottomless",
        "nesting beyond any reader",
        "bound",
        part("payload", '{"a":' + _nested(50_000) + "}"),
    ),
    (SdJwtFault.HEADER, "typ", "another kind of token", f"{VC} 2.2.1", header(typ="JWT")),
    (SdJwtFault.HEADER, "typ-old", "the type of drafts before 06", f"{VC} 2.2.1", header(typ="vc+sd-jwt")),
    (
        SdJwtFault.HEADER,
        "kid",
        "no key is tried that was not named",
        "house rule",
        lambda parts: parts.header.pop("kid"),
    ),
    (
        SdJwtFault.HEADER,
        "crit",
        "an extension that must be understood",
        "RFC 7515 section 4.1.11",
        header(crit=["b64"], b64=False),
    ),
    (SdJwtFault.CLAIMS, "iss", "an issuer must be named", "house rule", no_claim("iss")),
    (SdJwtFault.CLAIMS, "iss-list", "an issuer is one text", "RFC 7519 section 4.1.1", claim("iss", [ISSUER])),
    (SdJwtFault.CLAIMS, "vct", "a type must be named", f"{VC} 2.2.2.1", no_claim("vct")),
    (SdJwtFault.CLAIMS, "exp", "a credential without an end", f"{RFC} 9.7", no_claim("exp")),
    (SdJwtFault.CLAIMS, "exp-text", "times are numbers", "RFC 7519 section 2", claim("exp", "2026-03-02")),
    (SdJwtFault.CLAIMS, "exp-true", "true is no number", "RFC 7519 section 2", claim("exp", True)),
    (SdJwtFault.CLAIMS, "exp-beyond", "a time beyond the calendar", "bound", claim("exp", 10**18)),
    (
        SdJwtFault.UNKNOWN_ISSUER,
        "iss",
        "the key belongs to another issuer",
        f"{RFC} 7.1 step 2c",
        claim("iss", "https://other.example"),
    ),
    (SdJwtFault.UNKNOWN_ISSUER, "kid", "nobody has a key of this id", f"{RFC} 7.1 step 2c", header(kid="0" * 64)),
    (SdJwtFault.ALGORITHM, "none", "unsigned", f"{RFC} 7.1 step 2a", header(alg="none")),
    (
        SdJwtFault.ALGORITHM,
        "hmac",
        "a public key as the secret of an HMAC",
        "RFC 8725 section 2.1",
        header(alg="HS256"),
    ),
    (SdJwtFault.ALGORITHM, "es256", "another algorithm than the key's", "RFC 8725 section 3.1", header(alg="ES256")),
    (
        SdJwtFault.ALGORITHM,
        "absent",
        "an algorithm must be named",
        "RFC 7515 section 4.1.1",
        lambda parts: parts.header.pop("alg"),
    ),
    (SdJwtFault.SIGNATURE, "key", "signed with another key", f"{RFC} 7.1 step 2b", part("key", OTHER_KEY)),
    (
        SdJwtFault.SIGNATURE,
        "length",
        "a signature of another length",
        "RFC 8037 section 3.1",
        text(lambda t: t.replace("~", "AA~", 1)),
    ),
    (
        SdJwtFault.SIGNATURE,
        "payload",
        "the payload was changed after signing",
        f"{RFC} 7.1 step 2b",
        text(
            lambda t: ".".join(
                [t.split(".")[0], sign({}, {"iss": ISSUER, "vct": TYPE}, OTHER_KEY).split(".")[1], *t.split(".")[2:]]
            )
        ),
    ),
    (SdJwtFault.DIGEST_ALGORITHM, "md5", "a digest that can be forged", f"{RFC} 4.1.1", claim("_sd_alg", "md5")),
    (SdJwtFault.DIGEST_ALGORITHM, "sha-1", "a digest that can be forged", f"{RFC} 4.1.1", claim("_sd_alg", "sha-1")),
    (SdJwtFault.DIGEST_ALGORITHM, "number", "a digest is named by text", f"{RFC} 4.1.1", claim("_sd_alg", 256)),
    (SdJwtFault.DISCLOSURE, "one-element", "a salt alone", f"{RFC} 4.2", shows(fold("salt"))),
    (SdJwtFault.DISCLOSURE, "four-elements", "one element too many", f"{RFC} 4.2", shows(fold("salt", "a", "1", "2"))),
    (SdJwtFault.DISCLOSURE, "salt-number", "a salt is text", f"{RFC} 4.2.1", shows(fold(1, "a", "1"))),
    (SdJwtFault.DISCLOSURE, "name-number", "a name is text", f"{RFC} 4.2.1", shows(fold("salt", 1, "1"))),
    (SdJwtFault.DISCLOSURE, "object", "a disclosure is a list", f"{RFC} 4.2", shows(encode_base64url(b'{"a": 1}'))),
    (
        SdJwtFault.DISCLOSURE,
        "element-as-property",
        "an element where a property belongs",
        f"{RFC} 7.1 step 3c",
        shows(fold("salt", "1")),
    ),
    (
        SdJwtFault.DISCLOSURE,
        "property-as-element",
        "a property where an element belongs",
        f"{RFC} 7.1 step 3c",
        claim("holders", [{"...": digest(ROW)}, {"...": digest(NAME)}]),
    ),
    (
        SdJwtFault.DIGEST_TWICE,
        "in-one-list",
        "a digest twice in one list",
        f"{RFC} 7.1 step 4",
        claim("_sd", [digest(NAME)] * 2),
    ),
    (
        SdJwtFault.DIGEST_TWICE,
        "decoy",
        "a decoy twice",
        f"{RFC} 7.1 step 4",
        claim("_sd", [digest(NAME), DECOY, DECOY]),
    ),
    (
        SdJwtFault.DIGEST_TWICE,
        "in-two-places",
        "one claim in two places",
        f"{RFC} 7.1 step 4",
        claim("inner", {"_sd": [digest(NAME)]}),
    ),
    (
        SdJwtFault.DIGEST_TWICE,
        "in-a-disclosure",
        "a digest that a disclosure brings again",
        f"{RFC} 7.1 step 4",
        shows(fold("salt", "a", {"_sd": [DECOY]})),
    ),
    (SdJwtFault.DIGEST_TWICE, "disclosure", "one disclosure sent twice", f"{RFC} 7.1 step 4", shows(NAME, embed=False)),
    (
        SdJwtFault.NOT_REFERENCED,
        "stranger",
        "a disclosure that the issuer never signed",
        f"{RFC} 7.1 step 5",
        shows(fold("salt", "a", "1"), embed=False),
    ),
    (
        SdJwtFault.NOT_REFERENCED,
        "inner-alone",
        "a claim inside a claim that is not shown",
        f"{RFC} 4.2.6",
        _show_inner_alone,
    ),
    (
        SdJwtFault.NOT_REFERENCED,
        "value-changed",
        "a disclosure with another value",
        f"{RFC} 9.2",
        part("disclosures", [fold("c2FsdC0x", "holder_name", "另一公司"), ROW]),
    ),
    (
        SdJwtFault.RESERVED_NAME,
        "digests",
        "a disclosure that brings digests in",
        f"{RFC} 7.1 step 3c",
        shows(fold("salt", "_sd", [DECOY])),
    ),
    (
        SdJwtFault.RESERVED_NAME,
        "element",
        "a disclosure named ...",
        f"{RFC} 7.1 step 3c",
        shows(fold("salt", "...", "1")),
    ),
    (
        SdJwtFault.RESERVED_NAME,
        "algorithm",
        "a disclosure that names the digest",
        "house rule",
        shows(fold("salt", "_sd_alg", "md5")),
    ),
    (SdJwtFault.RESERVED_NAME, "digests-text", "digests are a list", f"{RFC} 4.2.4.1", claim("_sd", digest(NAME))),
    (SdJwtFault.RESERVED_NAME, "digest-number", "a digest is text", f"{RFC} 4.2.4.1", claim("_sd", [1])),
    (
        SdJwtFault.RESERVED_NAME,
        "element-and-more",
        "an element with more beside its digest",
        f"{RFC} 4.2.4.2",
        claim("holders", [{"...": digest(ROW), "a": 1}]),
    ),
    (
        SdJwtFault.RESERVED_NAME,
        "element-in-object",
        "the place of an element outside a list",
        f"{RFC} 4.2.4.2",
        claim("a", {"...": digest(ROW)}),
    ),
    (
        SdJwtFault.NAME_TWICE,
        "in-the-open",
        "a disclosure that replaces what stands in the open",
        f"{RFC} 7.1 step 3c",
        shows(fold("salt", "name", "1")),
    ),
    (
        SdJwtFault.NAME_TWICE,
        "disclosed",
        "two disclosures of one name",
        f"{RFC} 7.1 step 3c",
        shows(fold("salt", "holder_name", "1")),
    ),
    (
        SdJwtFault.NOT_DISCLOSABLE,
        "status",
        "a revocation that could be withheld",
        f"{VC} 2.2.2.3",
        shows(fold("salt", "status", {})),
    ),
    (
        SdJwtFault.NOT_DISCLOSABLE,
        "nbf",
        "a beginning that could be withheld",
        f"{VC} 2.2.2.3",
        shows(fold("salt", "nbf", 1)),
    ),
    (
        SdJwtFault.NOT_DISCLOSABLE,
        "inside-cnf",
        "a part of the holder's key that could be withheld",
        f"{VC} 2.2.2.3",
        claim("cnf", {"_sd": [digest("a")]}),
    ),
    (SdJwtFault.JSON, "deep-by-disclosures", "nesting beyond the bound, a level at a time", "bound", _dig),
    (
        SdJwtFault.TYPE,
        "other",
        "a credential of a type that was not asked for",
        f"{VC} 2.2.2.1",
        claim("vct", "urn:example:other"),
    ),
    (
        SdJwtFault.EXPIRED,
        "exp",
        "past its end and the leeway",
        "RFC 7519 section 4.1.4",
        claim("exp", encode_moment(NOW - timedelta(seconds=30))),
    ),
    (
        SdJwtFault.NOT_YET_VALID,
        "nbf",
        "before its beginning",
        "RFC 7519 section 4.1.5",
        claim("nbf", encode_moment(NOW + timedelta(seconds=31))),
    ),
    (
        SdJwtFault.NOT_YET_VALID,
        "iat",
        "issued in the future",
        "RFC 7519 section 4.1.6",
        claim("iat", encode_moment(NOW + timedelta(seconds=31))),
    ),
    (
        SdJwtFault.BINDING_UNEXPECTED,
        "present",
        "the answer to a question that was not asked",
        f"{RFC} 7.3",
        part("is_bound", True),
    ),
]
