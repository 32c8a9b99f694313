"""``tongban consent``: the options of the group; what they do is in `consent_commands`."""

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gateway.cli.language import say
from gateway.cli.options import Json, argument, option

consent_app = typer.Typer(
    name="consent",
    no_args_is_help=True,
    help=say("持证人的同意：登记、撤回、查看。", "Consents of holders: add, withdraw, show."),
)

Site = Annotated[Path, option("--site", zh="站点文件夹。", en="The site folder.", metavar="DIR")]
Consent = Annotated[str, argument("CONSENT", "同意编号。", "The id of the consent.")]


def _commands() -> ModuleType:
    from gateway.cli import consent_commands  # noqa: PLC0415 - loaded when used, so that --help is quick

    return consent_commands


@consent_app.command(
    "add",
    help=say(
        "登记一项同意；持证人号码逐行由标准输入读取，只保存其加密散列。",
        "Register a consent; the holders' numbers are read from standard input, a line each, and kept as keyed hashes.",
    ),
)
def add_command(
    *,
    site: Site,
    item: Annotated[list[str], option("--item", zh="事项编码，可重复。", en="Code of an item; repeatable.")],
    licence: Annotated[
        list[str], option("--licence", zh="证照类型，可重复。", en="Licence type, by its id in the policy; repeatable.")
    ],
    organisation: Annotated[
        list[str],
        option(
            "--organisation",
            zh="可使用的单位（统一社会信用代码），可重复。",
            en="Who may use it, by credit code; repeatable.",
            metavar="CODE",
        ),
    ],
    expires: Annotated[
        str,
        option(
            "--expires",
            zh="自此时起失效：RFC 3339 时间或日期（北京时间零时）。",
            en="From when it does not count: RFC 3339 time, or a date (its start in China).",
            metavar="TIME",
        ),
    ],
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field", help=say("限于此信息项，可重复；默认全部。", "Only this field; repeatable."), show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0, or 2 when something is wrong in the options or the store cannot be used."""
    raise typer.Exit(
        _commands().add(
            site=site,
            items=item,
            licences=licence,
            organisations=organisation,
            fields=field,
            expires=expires,
            as_json=as_json,
        )
    )


@consent_app.command("withdraw", help=say("撤回一项同意，即刻生效。", "Withdraw a consent, from now on."))
def withdraw_command(consent: Consent, *, site: Site, as_json: Json = False) -> None:
    """Exit with 0, 1 when there is no such consent, 2 when the store cannot be used."""
    raise typer.Exit(_commands().withdraw(consent, site=site, as_json=as_json))


@consent_app.command("show", help=say("显示一项同意，不含个人信息。", "Show a consent, without personal data."))
def show_command(consent: Consent, *, site: Site, as_json: Json = False) -> None:
    """Exit with 0, 1 when there is no such consent, 2 when the store cannot be used."""
    raise typer.Exit(_commands().show(consent, site=site, as_json=as_json))
