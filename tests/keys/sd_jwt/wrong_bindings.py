"""Presentations whose proof of possession is wrong in one way each."""

from datetime import timedelta

from keys.sd_jwt.claims import encode_moment
from keys.sd_jwt.errors import SdJwtFault
from tests.keys.sd_jwt.credentials import AUDIENCE, NOW
from tests.keys.sd_jwt.parts import NAME, OTHER_KEY, binding, claim, digest, no_claim, part, text
from tests.keys.sd_jwt.wrong_credentials import RFC, VC, Wrong

WRONG_BINDINGS: list[Wrong] = [
    (SdJwtFault.BINDING_MISSING, "absent", "possession was not proven", f"{RFC} 7.3 step 2", part("is_bound", False)),
    (
        SdJwtFault.BINDING_MISSING,
        "stripped",
        "the holder's signature was cut off",
        f"{RFC} 9.5",
        text(lambda t: t[: t.rindex("~") + 1]),
    ),
    (SdJwtFault.HOLDER_KEY, "no-cnf", "bound to nobody", f"{VC} 2.2.2.3", no_claim("cnf")),
    (
        SdJwtFault.HOLDER_KEY,
        "no-jwk",
        "a confirmation of another kind",
        "RFC 7800 section 3.2",
        claim("cnf", {"kid": "1"}),
    ),
    (
        SdJwtFault.HOLDER_KEY,
        "short",
        "half a key",
        "RFC 8037 section 2",
        claim("cnf", {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}),
    ),
    (
        SdJwtFault.BINDING_CLAIMS,
        "typ",
        "another kind of token",
        f"{RFC} 7.3 step 5d",
        part("binding_header", {"alg": "EdDSA", "typ": "JWT"}),
    ),
    (
        SdJwtFault.BINDING_SIGNATURE,
        "key",
        "signed by somebody else than the holder",
        f"{RFC} 7.3 step 5c",
        part("binding_key", OTHER_KEY),
    ),
    (
        SdJwtFault.BINDING_SIGNATURE,
        "none",
        "unsigned",
        f"{RFC} 7.3 step 5b",
        part("binding_header", {"alg": "none", "typ": "kb+jwt"}),
    ),
    (
        SdJwtFault.BINDING_SIGNATURE,
        "crit",
        "an extension that must be understood",
        "RFC 7515 section 4.1.11",
        part("binding_header", {"alg": "EdDSA", "typ": "kb+jwt", "crit": ["a"]}),
    ),
    (
        SdJwtFault.AUDIENCE,
        "other",
        "made for another counter",
        f"{RFC} 7.3 step 5f",
        binding(aud="https://counter.example.mo"),
    ),
    (SdJwtFault.BINDING_CLAIMS, "audiences", "an audience is one text", f"{RFC} 4.3", binding(aud=[AUDIENCE])),
    (SdJwtFault.NONCE, "replay", "made for another question", f"{RFC} 7.3 step 5f", binding(nonce="n-older")),
    (
        SdJwtFault.BINDING_CLAIMS,
        "nonce",
        "without a nonce it could be shown again",
        f"{RFC} 4.3",
        lambda parts: parts.binding.pop("nonce"),
    ),
    (SdJwtFault.BINDING_CLAIMS, "iat", "without a time", f"{RFC} 4.3", lambda parts: parts.binding.pop("iat")),
    (SdJwtFault.BINDING_CLAIMS, "iat-text", "times are numbers", "RFC 7519 section 2", binding(iat="now")),
    (
        SdJwtFault.BINDING_TIME,
        "old",
        "made too long ago",
        f"{RFC} 7.3 step 5e",
        binding(iat=encode_moment(NOW - timedelta(seconds=330))),
    ),
    (
        SdJwtFault.BINDING_TIME,
        "future",
        "made in the future",
        f"{RFC} 7.3 step 5e",
        binding(iat=encode_moment(NOW + timedelta(seconds=31))),
    ),
    (
        SdJwtFault.BINDING_DIGEST,
        "more-shown",
        "made for another selection",
        f"{RFC} 7.3 step 5g",
        binding(sd_hash=digest("another")),
    ),
    (
        SdJwtFault.BINDING_DIGEST,
        "disclosure-removed",
        "a disclosure was taken out on the way",
        f"{RFC} 9.10",
        text(lambda t: t.replace(f"~{NAME}", "", 1)),
    ),
]
