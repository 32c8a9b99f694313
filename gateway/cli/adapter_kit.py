"""``tongban adapter kit write|check``: compatibility kits for partners, and those that partners sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from adapters.mapping.adapter import Adapter
from adapters.transport.recipe import TransportRecipe
from gateway.adapters.functions import load_recipe
from gateway.cli.adapter_commands import guard
from gateway.cli.adapter_files import read_adapter
from gateway.cli.adapter_samples import make_samples
from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.signing_key import KeyChoice
from gateway.kit.kit import CaseResult, Compared, check_kit, make_kit, open_kit, pack_kit, read_kit
from gateway.kit.manifest import KitError, KitFault, KitManifest
from gateway.trust.drafts import DraftError, load_public_key
from gateway.trust.files import replace_file
from keys.own.record import KeyPurpose
from keys.own.signer import Signer

_ZIP: Final = ".zip"
_FAULTS: Final = {
    KitFault.PACKAGE: ("不是兼容性测试包", "this is no compatibility kit"),
    KitFault.MANIFEST: ("清单有误", "the manifest, or what a case expects, is wrong"),
    KitFault.FILES: ("文件缺失、多余，或与清单不符", "a file is missing, too many, or not the one of the manifest"),
    KitFault.UNSIGNED: (
        "没有签名；确认来源可靠时可用 --unsigned",
        "it is not signed; --unsigned, where you know where it is from",
    ),
    KitFault.SIGNATURE: (
        "签名不成立：密钥不同，或内容被改动",
        "the signature does not verify: another key, or changed",
    ),
}
_COMPARED: Final = {
    Compared.SAME: ("一致", "same"),
    Compared.DIFFERS: ("不一致", "differs"),
    Compared.NOT_CHECKED: ("未核对（映射无 [transport]）", "not checked: our mapping has no [transport]"),
}
_STYLES: Final = {Compared.SAME: "", Compared.DIFFERS: "red", Compared.NOT_CHECKED: "yellow"}


def write(name: str, *, site: Path | None, out: Path, choice: KeyChoice | None, as_json: bool) -> ExitCode:
    """Write a kit; USAGE where the place is taken, or the key cannot sign."""

    def run(_: datetime) -> ExitCode:
        if out.exists():
            raise UsageError(say(f"{out} 已存在，不覆盖。", f"{out} is there already, and is not written over"))
        mapping, adapter = read_adapter(name, site=site)
        signer = None if choice is None else _open(choice)
        if signer is None:
            ERR.print(say("未签名：收件人须用 --unsigned 核对。", "not signed: who checks it needs --unsigned"))
        files = make_kit(mapping.data, adapter, _recipe(adapter), make_samples(adapter), signer=signer)
        if out.suffix == _ZIP:
            replace_file(out, pack_kit(files))
        else:
            for path, content in files.items():
                replace_file(out / path, content)
        cases = sum(path.endswith(".msg") for path in files)
        if as_json:
            key = None if signer is None else signer.key_id
            print_json({"out": str(out), "system": adapter.id, "mapping": adapter.digest, "cases": cases, "key": key})
        else:
            OUT.print(escape(say(f"{cases} 个用例，写入 {out}", f"{cases} cases, written to {out}")))
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def check(place: Path, *, adapter: str, site: Path | None, key: Path | None, unsigned: bool, as_json: bool) -> ExitCode:
    """Check a kit; INVALID where a case differs or the kit is unreliable, UNKNOWN where a case was not checked."""

    def run(_: datetime) -> ExitCode:
        if (key is None) is not unsigned:
            zh, en = (
                "请用 --key 给出对方公钥，或用 --unsigned。",
                "give the partner's key with --key, or use --unsigned",
            )
            raise UsageError(say(zh, en))
        ours = read_adapter(adapter, site=site)[1]
        recipe = _recipe(ours)
        public_key = None if key is None else _load_key(key)
        if public_key is None:
            ERR.print(say("未核验签名：来源由您负责。", "the signature is not verified: where it is from is up to you"))
        try:
            files = read_kit(place)
            manifest = open_kit(files, public_key=public_key)
            results = check_kit(files, manifest, ours, recipe)
        except KitError as error:
            fail(f"kit.{error.fault}", say(*_FAULTS[error.fault]), error.where, as_json=as_json, place=error.where)
            return ExitCode.INVALID
        code = _judge(results)
        if as_json:
            print_json(_describe(manifest, results, ours, is_signed=public_key is not None, code=code))
        else:
            _show(manifest, results, ours)
        return code

    return guard(run, as_json=as_json)


def _open(choice: KeyChoice) -> Signer:
    stored = choice.find()
    purpose = stored.key.record.purpose
    if purpose is not KeyPurpose.PARTNER:
        text = f"{stored.id}: {purpose}"
        raise UsageError(
            say(f"此密钥不用于合作方报文：{text}", f"this key is not one for messages to partners: {text}")
        )
    return choice.open(stored)


def _load_key(path: Path) -> bytes:
    try:
        return load_public_key(path)
    except DraftError as error:
        zh = "请用 tongban keys export-public --form trust-list 导出的公钥。"
        raise UsageError(
            say(zh, "a public key as `tongban keys export-public --form trust-list` writes it is needed")
        ) from error


def _recipe(adapter: Adapter) -> TransportRecipe | None:
    """Return the recipe of a mapping; None where it has none."""
    return load_recipe(adapter) if adapter.transport else None


def _judge(results: Sequence[CaseResult]) -> ExitCode:
    compared = {one.compared for one in results}
    if Compared.DIFFERS in compared:
        return ExitCode.INVALID
    return ExitCode.UNKNOWN if Compared.NOT_CHECKED in compared or not results else ExitCode.DONE


def _describe(
    manifest: KitManifest, results: Sequence[CaseResult], ours: Adapter, *, is_signed: bool, code: ExitCode
) -> Mapping[str, Any]:
    return {
        "ok": code is ExitCode.DONE,
        "system": manifest.system,
        "mapping": manifest.mapping,
        "same_mapping": manifest.mapping == ours.digest,
        "signature": "verified" if is_signed else "not-verified",
        "cases": [
            {"name": one.name, "kind": one.kind, "result": one.compared.value, "differs": list(one.paths)}
            for one in results
        ],
    }


def _show(manifest: KitManifest, results: Sequence[CaseResult], ours: Adapter) -> None:
    if manifest.mapping != ours.digest:
        ERR.print(say("测试包由另一映射生成。", "the kit was made from another mapping than ours"))
    table = Table(title=printable(manifest.system), title_justify="left")
    for title in (say("用例", "case"), say("核对", "result"), say("不一致之处", "differs at")):
        table.add_column(title, overflow="fold")
    for one in results:
        table.add_row(
            escape(one.name),
            say(*_COMPARED[one.compared]),
            escape(printable(", ".join(one.paths))),
            style=_STYLES[one.compared],
        )
    OUT.print(table)
    same = sum(one.compared is Compared.SAME for one in results)
    OUT.print(say(f"{len(results)} 个用例，{same} 个一致", f"{same} of {len(results)} cases are the same"))
