"""Ways to be wrong in the formats of the log: each starts from something valid and breaks one thing."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.vectors.tlog_artefacts import (
    CHECKPOINT,
    LOG,
    LOG_LINE,
    LOG_SM2,
    NOTE,
    ORIGIN,
    POLICY,
    PROOF,
    PROOF_LINES,
    SIZE,
    TEXT,
    WITNESSES,
    b64,
    text_of,
)

NOTE_SPEC = "C2SP signed-note"
CHECKPOINT_SPEC = "C2SP tlog-checkpoint"
TILES_SPEC = "C2SP tlog-tiles"
PROOF_SPEC = "C2SP tlog-proof"
POLICY_SPEC = "C2SP tlog-policy"
OURS = "docs/audit-format.md"

ROOT = TEXT.split("\n")[2]


class Case(NamedTuple):
    """Bytes of a format, and the flaw that a reader must find in them (None: they are good)."""

    format: str
    why: str
    source: str
    flaw: str | None
    data: bytes


def _changed(text: str, old: str, new: str) -> bytes:
    if text.count(old) < 1:
        raise ValueError(f"{old!r} was expected")
    return text.replace(old, new, 1).encode()


def _last_character(encoded: str, step: int) -> str:
    """Change unused bits in the last character before the padding."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = encoded.rstrip("=")
    return body[:-1] + alphabet[alphabet.index(body[-1]) + step] + encoded[len(body) :]


def cases() -> Iterator[Case]:
    """Return all cases that a reader decides."""
    yield from _vkeys()
    yield from _notes()
    yield from _checkpoints()
    yield from _proofs()
    yield from _policies()
    yield from _paths()
    yield from _bundles()


def _vkeys() -> Iterator[Case]:
    def case(why: str, flaw: str | None, text: str, source: str = NOTE_SPEC) -> Case:
        return Case("vkey", why, source, flaw, text.encode())

    name, key_id, key = LOG.vkey.split("+", 2)
    yield case("an Ed25519 key", None, LOG.vkey)
    yield case("the Ed25519 key of a witness", None, WITNESSES[0].vkey)
    yield case("an SM2 key", None, LOG_SM2.vkey, OURS)
    yield case("the key is missing", "lines", f"{name}+{key_id}")
    yield case("an empty name", "name", f"+{key_id}+{key}")
    yield case("a space in the name", "name", f"gw example+{key_id}+{key}")
    yield case("an ideographic space in the name", "name", f"gw\u3000example+{key_id}+{key}")
    yield case("the id in capitals", "key", f"{name}+{key_id.upper()}+{key}")
    yield case("the id of another key", "key", f"{name}+{WITNESSES[0].key_id.hex()}+{key}")
    yield case("the id under another name", "key", f"gw.example/other+{key_id}+{key}")
    yield case("base64 without its padding", "base64", f"{name}+{key_id}+{LOG_SM2.vkey.split('+', 2)[2].rstrip('=')}X")
    yield case("no key behind the type", "length", f"{name}+{key_id}+{b64(LOG.typed_key[:1])}")
    yield case("a key of 31 bytes", "length", f"{name}+{key_id}+{b64(LOG.typed_key[:-1])}")
    yield case("a key of 33 bytes", "length", f"{name}+{key_id}+{b64(LOG.typed_key + bytes(1))}")
    yield case(
        "an ECDSA key, which we do not verify", "unknown-type", f"{name}+{key_id}+{b64(bytes((2,)) + bytes(91))}"
    )
    yield case("another vendor's type", "unknown-type", f"{name}+{key_id}+{b64(bytes((255,)) + bytes(65))}")
    off_curve = LOG_SM2.typed_key[:-1] + bytes((LOG_SM2.typed_key[-1] ^ 1,))
    moved = type(LOG_SM2)(ORIGIN, off_curve, b"")
    yield case("an SM2 point that is not on the curve", "key", moved.vkey, OURS)


def _notes() -> Iterator[Case]:
    def case(why: str, flaw: str | None, data: bytes) -> Case:
        return Case("note", why, NOTE_SPEC, flaw, data)

    encoded = LOG_LINE.split(" ")[2].rstrip("\n")
    yield case("one signature", None, NOTE.encode())
    yield case("a text with an empty line", None, f"one\n\ntwo\n\n{LOG_LINE}".encode())
    yield case("a text that is one empty line", None, f"\n\n{LOG_LINE}".encode())
    yield case("64 signatures", None, f"{TEXT}\n{LOG_LINE * 64}".encode())
    yield case("65 signatures", "too-large", f"{TEXT}\n{LOG_LINE * 65}".encode())
    yield case("nothing", "lines", b"")
    yield case("a text without signatures", "lines", TEXT.encode())
    yield case("an empty line, and no signature", "lines", f"{TEXT}\n".encode())
    yield case("no newline at the end", "lines", NOTE.encode().rstrip(b"\n"))
    yield case("an empty line at the end", "lines", f"{NOTE}\n".encode())
    yield case("a line below the signatures", "lines", f"{NOTE}and so on\n".encode())
    yield case("a hyphen for the dash", "lines", _changed(NOTE, "— ", "- "))
    yield case("two spaces", "base64", _changed(NOTE, f"{ORIGIN} {encoded}", f"{ORIGIN}  {encoded}"))
    yield case("a space at the end of a line", "base64", _changed(NOTE, encoded, encoded + " "))
    yield case("carriage returns", "text", NOTE.replace("\n", "\r\n").encode())
    yield case("a tab in the text", "text", f"a\tb\n\n{LOG_LINE}".encode())
    yield case("bytes that are no UTF-8", "text", b"\xc3\x28\n\n" + LOG_LINE.encode())
    yield case("a plus in the key name", "name", _changed(NOTE, f"— {ORIGIN}", "— gw+example"))
    yield case("a no-break space in the key name", "name", _changed(NOTE, f"— {ORIGIN}", "— gw\u00a0example"))
    yield case("an empty key name", "name", _changed(NOTE, f"— {ORIGIN}", "— "))
    yield case("a key id, and no signature", "length", f"{TEXT}\n{LOG.line(b'')}".encode())
    yield case("base64 of the URL alphabet", "base64", f"{TEXT}\n— {ORIGIN} -_-_-_-_\n".encode())
    yield case("unused bits that are not zero", "base64", _changed(NOTE, encoded, _last_character(encoded, 1)))
    yield case("surplus padding", "base64", _changed(NOTE, encoded, encoded + "="))


def _checkpoints() -> Iterator[Case]:
    def case(why: str, flaw: str | None, data: bytes, source: str = CHECKPOINT_SPEC) -> Case:
        return Case("checkpoint", why, source, flaw, data)

    yield case("signatures of the log with Ed25519 and SM2, and of two witnesses", None, CHECKPOINT.encode())
    yield case("the empty tree", None, f"{text_of(0)}\n{LOG_LINE}".encode())
    yield case("an extension line, against which the specification advises", None, f"{TEXT}more\n\n{LOG_LINE}".encode())
    yield case("the largest size", None, _changed(NOTE, f"\n{SIZE}\n", f"\n{2**63 - 1}\n"))
    yield case("a size beyond 63 bits", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n{2**63}\n"))
    yield case("a leading zero", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n0{SIZE}\n"))
    yield case("a plus sign", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n+{SIZE}\n"))
    yield case("a negative size", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n-{SIZE}\n"))
    yield case("an underscore, which Python's int() reads", "number", _changed(NOTE, f"\n{SIZE}\n", "\n1_0\n"))
    yield case("Arabic digits, which Python's int() reads", "number", _changed(NOTE, f"\n{SIZE}\n", "\n\u0669\n"))
    yield case("full-width digits", "number", _changed(NOTE, f"\n{SIZE}\n", "\n\uff19\n"))
    yield case("a space before the size", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n {SIZE}\n"))
    yield case("a size of 10,000 digits", "number", _changed(NOTE, f"\n{SIZE}\n", f"\n{'9' * 10_000}\n"))
    yield case("no root", "lines", _changed(NOTE, f"{ROOT}\n", ""))
    yield case("an empty line in the text", "lines", _changed(NOTE, f"{ROOT}\n", f"\n{ROOT}\n"))
    yield case("an empty line before the separating one", "lines", _changed(NOTE, f"{ROOT}\n", f"{ROOT}\n\n"))
    yield case("an empty origin", "lines", _changed(NOTE, f"{ORIGIN}\n", "\n"))
    yield case("a root of 31 bytes", "length", _changed(NOTE, ROOT, b64(bytes(31))))
    yield case("a root of 33 bytes", "length", _changed(NOTE, ROOT, b64(bytes(33))))
    yield case("unused bits in the root", "base64", _changed(NOTE, ROOT, _last_character(ROOT, 1)))
    yield case("junk in the root, which lenient readers skip", "base64", _changed(NOTE, ROOT, f"{ROOT[:8]}!{ROOT[8:]}"))
    yield case("an origin of 256 bytes", "name", _changed(NOTE, f"{ORIGIN}\n", f"{'o' * 256}\n"), OURS)
    yield case(
        "17 extension lines", "too-large", _changed(NOTE, f"{ROOT}\n", f"{ROOT}\n{'more' + chr(10)}" + "x\n" * 16), OURS
    )


def _proofs() -> Iterator[Case]:
    def case(why: str, flaw: str | None, data: bytes) -> Case:
        return Case("proof", why, PROOF_SPEC, flaw, data)

    first = PROOF_LINES.split("\n")[0]
    yield case("a proof", None, PROOF.encode())
    yield case("extra data", None, _changed(PROOF, "index", f"extra {b64(b'more')}\nindex"))
    yield case("no hashes", None, _changed(PROOF, PROOF_LINES, ""))
    yield case("extra data of no bytes", "length", _changed(PROOF, "index", "extra \nindex"))
    yield case("extra data twice", "lines", _changed(PROOF, "index", "extra AAAA\nextra AAAA\nindex"))
    yield case("extra data behind the index", "base64", _changed(PROOF, first, f"extra AAAA\n{first}"))
    yield case("extra data that is no base64", "base64", _changed(PROOF, "index", "extra !\nindex"))
    yield case("another version", "lines", _changed(PROOF, "@v1", "@v2"))
    yield case("no index", "lines", _changed(PROOF, "index 5\n", ""))
    yield case("nothing behind the first line", "lines", b"c2sp.org/tlog-proof@v1\n\n" + CHECKPOINT.encode())
    yield case("an index with a leading zero", "number", _changed(PROOF, "index 5", "index 05"))
    yield case("an index beyond every tree", "number", _changed(PROOF, "index 5", f"index {2**63 - 1}"))
    yield case("64 hashes", "too-large", _changed(PROOF, PROOF_LINES, f"{first}\n" * 64))
    yield case("a hash of 31 bytes", "length", _changed(PROOF, first, b64(bytes(31))))
    yield case("unused bits in a hash", "base64", _changed(PROOF, first, _last_character(first, 1)))
    yield case("no empty line before the checkpoint", "base64", _changed(PROOF, f"{PROOF_LINES}\n", PROOF_LINES))
    yield case(
        "two empty lines before the checkpoint", "lines", _changed(PROOF, f"{PROOF_LINES}\n", f"{PROOF_LINES}\n\n")
    )
    yield case("no empty line at all", "lines", PROOF.replace("\n\n", "\n").encode())
    yield case("no checkpoint", "lines", PROOF.removesuffix(CHECKPOINT).encode())
    yield case("a carriage return", "text", _changed(PROOF, "index 5\n", "index 5\r\n"))


def _policies() -> Iterator[Case]:
    def case(why: str, flaw: str | None, data: bytes | str) -> Case:
        return Case("policy", why, POLICY_SPEC, flaw, data if isinstance(data, bytes) else data.encode())

    w1, w2, w3 = (f"witness w{number} {key.vkey}\n" for number, key in enumerate(WITNESSES, start=1))
    yield case("two of three witnesses", None, POLICY)
    yield case("no witnesses needed", None, "quorum none\n")
    yield case("one witness", None, f"{w1}quorum w1\n")
    yield case(
        "URLs, comments, tabs, spaces and empty lines",
        None,
        f"\n# who\n \t# else\n\tlog  {LOG.vkey}\thttps://gw.example/ \nquorum none\n",
    )
    yield case("groups of groups", None, f"{w1}{w2}{w3}group g any w1 w2\ngroup h all g w3\nquorum h\n")
    yield case("definitions below the quorum", None, f"quorum none\n{w1}")
    yield case("a name in Chinese", None, f"witness 见证一 {WITNESSES[0].vkey}\nquorum 见证一\n")
    yield case("no quorum", "no-quorum", f"log {LOG.vkey}\n")
    yield case("nothing", "lines", "")
    yield case("two quorums", "duplicate", "quorum none\nquorum none\n")
    yield case("a quorum that nothing defines", "undefined", "quorum w1\n")
    yield case("a quorum defined below", "undefined", f"quorum w1\n{w1}")
    yield case("a quorum of two names", "word", f"{w1}{w2}quorum w1 w2\n")
    yield case("a name twice", "duplicate", f"{w1}witness w1 {WITNESSES[1].vkey}\nquorum none\n")
    yield case("a group named as a witness", "duplicate", f"{w1}{w2}group w1 any w2\nquorum none\n")
    yield case("a witness named none", "duplicate", f"witness none {WITNESSES[0].vkey}\nquorum none\n")
    yield case("one public key for two witnesses", "duplicate", f"{w1}witness x {WITNESSES[0].vkey}\nquorum none\n")
    yield case("one public key for two logs", "duplicate", f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n")
    yield case("the key of a log for a witness", "unknown-type", f"witness w1 {LOG.vkey}\nquorum none\n")
    yield case("the key of a witness for a log", "unknown-type", f"log {WITNESSES[0].vkey}\nquorum none\n")
    yield case("a member that nothing defines", "undefined", f"{w1}group g any w1 w2\nquorum g\n")
    yield case("a group that is its own member", "undefined", f"{w1}group g any w1 g\nquorum g\n")
    yield case("none as a member", "undefined", f"{w1}group g any w1 none\nquorum g\n")
    yield case("a member twice", "duplicate", f"{w1}group g 2 w1 w1\nquorum g\n")
    yield case("a member of two groups", "duplicate", f"{w1}{w2}group g any w1\ngroup h any w1 w2\nquorum h\n")
    yield case("no members", "word", f"{w1}group g any\nquorum none\n")
    yield case("none of the members needed", "threshold", f"{w1}group g 0 w1\nquorum g\n")
    yield case("more members needed than there are", "threshold", f"{w1}group g 2 w1\nquorum g\n")
    yield case("a threshold with a leading zero", "number", f"{w1}group g 01 w1\nquorum g\n")
    yield case("a negative threshold", "number", f"{w1}group g -1 w1\nquorum g\n")
    yield case("an unknown word", "word", "require all\nquorum none\n")
    yield case(
        "a comment behind a line, which other readers allow",
        "word",
        f"log {LOG.vkey} https://gw.example/ # ours\nquorum none\n",
    )
    yield case("a carriage return", "text", "quorum none\r\n")
    yield case("a no-break space between words", "word", "quorum\u00a0none\n")
    yield case("a delete character", "text", "# \x7f\nquorum none\n")
    yield case("the last line does not end", "lines", "quorum none")


def _paths() -> Iterator[Case]:
    def case(why: str, flaw: str | None, path: str) -> Case:
        return Case("path", why, TILES_SPEC, flaw, path.encode())

    yield case("the first tile", None, "tile/0/000")
    yield case("the example of the specification", None, "tile/0/x001/x234/067")
    yield case("a partial tile", None, "tile/1/000.p/1")
    yield case("a bundle", None, "tile/entries/x001/000.p/255")
    yield case("the last tile of the largest tree, almost full", None, "tile/7/000.p/127")
    yield case("a width that no tree reaches at this level", "path", "tile/7/000.p/128")
    yield case("a level that no tree reaches", "path", "tile/8/000.p/1")
    yield case("a level with a leading zero", "path", "tile/00/000")
    yield case("a negative level", "path", "tile/-1/000")
    yield case("two digits", "path", "tile/0/00")
    yield case("four digits", "path", "tile/0/0001")
    yield case("a group without x", "path", "tile/0/001/000")
    yield case("an x before the last group", "path", "tile/0/x001")
    yield case("a needless group of zeros", "path", "tile/0/x000/001")
    yield case("a partial tile of width 0", "path", "tile/0/000.p/0")
    yield case("a partial tile of width 256", "path", "tile/0/000.p/256")
    yield case("a width with a leading zero", "path", "tile/0/000.p/01")
    yield case("an index that no tree reaches", "path", "tile/0/x036/x028/x797/x018/x963/968")
    yield case("a slash at the end", "path", "tile/0/000/")
    yield case("a newline at the end", "path", "tile/0/000\n")
    yield case("full-width digits", "path", "tile/0/\uff10\uff10\uff10")
    yield case("a way out of the folder", "path", "tile/0/../../checkpoint")
    yield case("nothing", "path", "")


def _bundles() -> Iterator[Case]:
    def case(why: str, flaw: str | None, data: bytes) -> Case:
        return Case("bundle of 2", why, TILES_SPEC, flaw, data)

    first, second = b"\x00\x03one", b"\x00\x03two"
    yield case("two entries", None, first + second)
    yield case("entries of no bytes", None, bytes(4))
    yield case("one entry", "length", first)
    yield case("three entries", "length", first + second + second)
    yield case("the last byte is missing", "length", (first + second)[:-1])
    yield case("half a length", "length", first + b"\x00")
    yield case("a byte behind the last entry", "length", first + second + b"\x00")
    yield case("nothing", "length", b"")
