"""Compatibility kits: the same for the same mapping, bound to who signs, and read without trusting anything in them."""

import json
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.adapter import Adapter, load_adapter
from adapters.transport.recipe import TransportRecipe
from gateway.adapters.functions import load_recipe
from gateway.audit.finding.package import encode_package
from gateway.cli.adapter_files import read_adapter
from gateway.kit.kit import MAX_KIT, Compared, check_kit, make_kit, open_kit, pack_kit, read_kit
from gateway.kit.manifest import (
    MANIFEST_FILE,
    MAPPING_FILE,
    SIGNATURE_FILE,
    KitError,
    KitFault,
    parse_manifest,
    sign_manifest,
    verify_manifest,
)
from gateway.standins.samples import SAMPLES
from keys.own.record import KeyAlgorithm
from keys.own.signer import SoftwareSigner
from tests.support.adapters import SHIPPED_FILES

NAMES = [path.stem for path in SHIPPED_FILES]
SIGNER = SoftwareSigner.generate(KeyAlgorithm.SM2)
Change = Callable[[dict[str, bytes]], None]


def load(name: str) -> tuple[bytes, Adapter, TransportRecipe | None]:
    """Return a shipped mapping with its recipe, None where it has none."""
    (data, *_), adapter = read_adapter(name)
    return data, adapter, load_recipe(adapter) if adapter.transport else None


def kit(name: str = "shandong", signer: SoftwareSigner | None = SIGNER) -> dict[str, bytes]:
    """Return the files of a kit."""
    return dict(make_kit(*load(name), SAMPLES, signer=signer))


SHANDONG = kit()


@pytest.mark.parametrize("name", NAMES)
def test_a_kit_agrees_with_its_own_mapping(name: str) -> None:
    """Every case of every shipped mapping is read as it says; answers and requests, as far as there is a recipe."""
    _, adapter, recipe = load(name)
    files = kit(name)
    manifest = open_kit(files, public_key=SIGNER.public_key)
    results = check_kit(files, manifest, adapter, recipe)
    assert {one.compared for one in results} == {Compared.SAME}
    kinds = {one.kind for one in results}
    assert "answer" in kinds
    assert ("request" in kinds) is (recipe is not None)


@pytest.mark.parametrize("name", NAMES)
def test_a_kit_is_the_same_each_time(name: str) -> None:
    """Without a signature, which is another one each time, the package is the same to the last byte."""
    assert pack_kit(kit(name, signer=None)) == pack_kit(kit(name, signer=None))


def test_another_mapping_differs_at_paths() -> None:
    """A mapping that reads a date elsewhere differs there and nowhere else, and no value is told."""
    data, _, recipe = load("shandong")
    changed = load_adapter(data.replace(b"certData@json.ZZBFRQ", b"certData@json.FZRQ"), "changed.toml")
    manifest = open_kit(SHANDONG, public_key=SIGNER.public_key)
    results = {one.name: one for one in check_kit(SHANDONG, manifest, changed, recipe)}
    assert results["record-1"].compared is Compared.DIFFERS
    assert "$.records[0].issued_on" in results["record-1"].paths
    assert results["outcome-not-found"].compared is Compared.SAME
    told = repr(results)
    assert SAMPLES[0].number not in told
    assert SAMPLES[0].holders[0].name not in told


def test_another_recipe_differs_at_words() -> None:
    """A recipe that has a word elsewhere reads another one from the request."""
    data, adapter, _ = load("shandong")
    text = data.replace(b'certIdentifier = "{identifier}", useCause', b'certID = "{identifier}", useCause')
    recipe = load_recipe(load_adapter(text, "changed.toml"))
    manifest = open_kit(SHANDONG, public_key=SIGNER.public_key)
    results = {one.name: one for one in check_kit(SHANDONG, manifest, adapter, recipe)}
    assert results["request-identifier"].paths == ("$.words.identifier",)


def test_a_mapping_without_a_recipe() -> None:
    """Requests are not checked then, and nobody calls them the same."""
    _, adapter, _ = load("shandong")
    manifest = open_kit(SHANDONG, public_key=SIGNER.public_key)
    results = check_kit(SHANDONG, manifest, adapter, None)
    assert {one.compared for one in results if one.kind == "request"} == {Compared.NOT_CHECKED}


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_signatures(algorithm: KeyAlgorithm) -> None:
    """A manifest counts by the key that was named and no other, and by no other text that the key signed."""
    signer, other = SoftwareSigner.generate(algorithm), SoftwareSigner.generate(algorithm)
    data = SHANDONG[MANIFEST_FILE]
    verify_manifest(data, sign_manifest(data, signer), public_key=signer.public_key)
    for signature, expected in (
        (None, KitFault.UNSIGNED),
        (b"", KitFault.SIGNATURE),
        (sign_manifest(data, other), KitFault.SIGNATURE),
        (signer.sign(data), KitFault.SIGNATURE),
        (sign_manifest(data + b" ", signer), KitFault.SIGNATURE),
    ):
        with pytest.raises(KitError) as caught:
            verify_manifest(data, signature, public_key=signer.public_key)
        assert caught.value.fault is expected
    with pytest.raises(KitError):
        verify_manifest(data, sign_manifest(data, signer), public_key=b"no key")


def _replace(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: data})


def _drop(name: str) -> Change:
    return lambda files: files.pop(name) and None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_replace(MAPPING_FILE, b"another"), KitFault.FILES),
        (_replace("cases/record-1.msg", b"{}"), KitFault.FILES),
        (_replace("cases/record-1.json", b"{}"), KitFault.FILES),
        (_replace("cases/more.msg", b"{}"), KitFault.FILES),
        (_drop("cases/record-1.msg"), KitFault.FILES),
        (_drop(MAPPING_FILE), KitFault.FILES),
        (_drop(MANIFEST_FILE), KitFault.PACKAGE),
        (_drop(SIGNATURE_FILE), KitFault.UNSIGNED),
        (_replace(MANIFEST_FILE, SHANDONG[MANIFEST_FILE] + b" "), KitFault.SIGNATURE),
        (_replace(MANIFEST_FILE, SHANDONG[MANIFEST_FILE].replace(b"shandong", b"shandonG")), KitFault.SIGNATURE),
    ],
)
def test_one_thing_changed(change: Change, fault: KitFault) -> None:
    """Whatever is changed, added or taken away is found, with the file that it is."""
    files = dict(SHANDONG)
    change(files)
    with pytest.raises(KitError) as caught:
        open_kit(files, public_key=SIGNER.public_key)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(schema="tongban-adapter-kit/2"),
        lambda manifest: manifest.update(system="../x"),
        lambda manifest: manifest.update(cases=[*manifest["cases"], manifest["cases"][0]]),
        lambda manifest: manifest["files"].update({"../x": "0" * 64}),
        lambda manifest: manifest["files"].update({"cases/../x.msg": "0" * 64}),
        lambda manifest: manifest.update(spare=1),
        lambda manifest: manifest.pop("files"),
        lambda manifest: manifest.update(cases=[{"name": f"c{n}", "kind": "answer"} for n in range(1000)]),
    ],
)
def test_manifests_that_are_none(change: Callable[[dict[str, object]], object]) -> None:
    """A manifest has exactly its form, with cases told apart and names that lead nowhere else."""
    manifest = json.loads(SHANDONG[MANIFEST_FILE])
    change(manifest)
    data = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(KitError) as caught:
        parse_manifest(data)
    assert caught.value.fault is KitFault.MANIFEST


@given(st.binary(max_size=200))
def test_garbage_is_no_manifest(data: bytes) -> None:
    """Any bytes are refused as what they are."""
    with pytest.raises(KitError):
        parse_manifest(data)


def test_what_a_case_expects_must_be_json() -> None:
    """A kit that its sender signed may still hold nonsense: that is the kit's fault."""
    files = dict(SHANDONG)
    files["cases/record-1.json"] = b"{"
    manifest = parse_manifest(files[MANIFEST_FILE])
    _, adapter, recipe = load("shandong")
    with pytest.raises(KitError) as caught:
        check_kit(files, manifest, adapter, recipe)
    assert (caught.value.fault, caught.value.where) == (KitFault.MANIFEST, "cases/record-1.json")


@pytest.mark.parametrize("message", [b"", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}', b"null"])
def test_messages_of_others_are_only_read(message: bytes) -> None:
    """Whatever a kit has as a message, it differs, and nothing fails."""
    files = {**SHANDONG, "cases/record-1.msg": message, "cases/request-holder.msg": message}
    _, adapter, recipe = load("shandong")
    results = {one.name: one for one in check_kit(files, parse_manifest(files[MANIFEST_FILE]), adapter, recipe)}
    assert results["record-1"].compared is Compared.DIFFERS
    assert results["request-holder"].paths


def zipped(files: Mapping[str, bytes], compression: int) -> bytes:
    """Return a ZIP as a usual program writes it."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as package:
        for name, data in files.items():
            package.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        zipped(SHANDONG, zipfile.ZIP_STORED),
        zipped({MANIFEST_FILE: bytes(1024 * 1024)}, zipfile.ZIP_DEFLATED),
        zipped({"../kit.json": b"{}"}, zipfile.ZIP_STORED),
        pack_kit(SHANDONG) + b" ",
        encode_package({MANIFEST_FILE: bytes(MAX_KIT)}),
    ],
    ids=["empty", "cut", "other-spelling", "bomb", "name", "behind", "large"],
)
def test_packages_that_are_none(tmp_path: Path, data: bytes) -> None:
    """Only the one spelling of a ZIP is a kit: nothing in it inflates, leads elsewhere, or is beyond the bound."""
    place = tmp_path / "kit.zip"
    place.write_bytes(data)
    with pytest.raises(KitError) as caught:
        read_kit(place)
    assert caught.value.fault is KitFault.PACKAGE


def test_folders(tmp_path: Path) -> None:
    """A folder is read as the package is; what is more or larger than a kit is refused."""
    for name, data in SHANDONG.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert read_kit(tmp_path) == SHANDONG
    large = tmp_path / "cases" / "large.msg"
    large.write_bytes(bytes(MAX_KIT))
    with pytest.raises(KitError):
        read_kit(tmp_path)
    large.unlink()
    for number in range(300):
        (tmp_path / f"more-{number}").touch()
    with pytest.raises(KitError):
        read_kit(tmp_path)
