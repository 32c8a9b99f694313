"""``tongban``: one program; this file names the commands and their options, each command lives in its own file."""

import gc
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.adapter import adapter_app
from gateway.cli.audit import audit_app
from gateway.cli.consent import consent_app
from gateway.cli.console import prepare_streams
from gateway.cli.credential import credential_app
from gateway.cli.demo_app import demo_app
from gateway.cli.keys import keys_app
from gateway.cli.language import say
from gateway.cli.licences import licences_app
from gateway.cli.limits import BENCHMARKS, DEFAULT_HOST, DEFAULT_PORT, MAX_SOAK_MINUTES, MAX_WORKERS
from gateway.cli.policy import policy_app
from gateway.cli.store import store_app
from gateway.cli.trust import trust_app

_GARBAGE_AFTER: Final = 50_000  # objects: loading modules makes none, and looking for it took a tenth of a command


def _argument(metavar: str, zh: str = "", en: str = "") -> object:
    return typer.Argument(metavar=metavar, help=say(zh, en), show_default=False)


def _option(zh: str, en: str, **more: object) -> object:
    return typer.Option(help=say(zh, en), **more)  # type: ignore[arg-type]  # passed on as they are


app = typer.Typer(
    name="tongban",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=say(
        "通办：电子证照跨省互认网关。",
        "Tongban (通办): a gateway that verifies and shares e-licences across provinces.",
    ),
)

Files = Annotated[
    list[str], _argument("FILE…", "文件、文件夹，或 - 表示标准输入。", "Files, folders, or - for standard input.")
]
Json = Annotated[
    bool,
    typer.Option("--json", help=say("每个结果输出一行 JSON。", "Print one JSON object per line."), show_default=False),
]


@app.command("verify", help=say("离线核验电子证照文件和电子印章。", "Verify documents and seals, offline."))
def verify_command(
    files: Files,
    *,
    trust: Annotated[
        Path | None,
        _option(
            "信任文件夹：受信任的证书与 CRL；不指定则证书链结果为未知。",
            "Folder of trusted certificates and CRLs; without it every chain is unknown.",
            metavar="DIR",
        ),
    ] = None,
    at: Annotated[
        str | None,
        _option(
            "核验时刻：RFC 3339 时间，或日期（北京时间零时）；默认现在。",
            "Moment of verification: RFC 3339 time, or a date (its start in China); default: now.",
            metavar="TIME",
        ),
    ] = None,
    ocsp: Annotated[
        list[Path] | None,
        _option(
            "OCSP 应答文件（DER），可重复；与信任文件夹中的吊销信息同等使用。",
            "File with an OCSP answer (DER), repeatable; it counts as the revocation information of the folder does.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 all valid, 1 any invalid, 3 none invalid but any unknown, 2 usage or unreadable."""
    from gateway.cli.verify import verify

    raise typer.Exit(verify(files, trust=trust, at=at, as_json=as_json, ocsp=ocsp or ()))


@app.command("inspect", help=say("显示文件内容，不作判断。", "Show what a document says, without judging it."))
def inspect_command(files: Files, *, as_json: Json = False) -> None:
    """Exit with 0, 1 when an input cannot be parsed, 2 when it cannot be read."""
    from gateway.cli.inspect import inspect

    raise typer.Exit(inspect(files, as_json=as_json))


@app.command("init", help=say("生成一个可直接修改的站点文件夹。", "Write a complete site folder to edit."))
def init_command(directory: Annotated[Path, _argument("DIR")]) -> None:
    """Exit with 0, or 2 when the folder is not empty or cannot be written."""
    from gateway.cli.init import init

    raise typer.Exit(init(directory))


@app.command("serve", help=say("启动网关。", "Start the gateway."))
def serve_command(
    *,
    site: Annotated[Path, _option("站点文件夹。", "The site folder.", metavar="DIR", show_default=False)],
    host: Annotated[str, _option("监听地址。", "Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int, _option("端口；0 为任意空闲端口。", "Port; 0 takes a free one.", min=0, max=65535)
    ] = DEFAULT_PORT,
    workers: Annotated[int, _option("进程数。", "Number of processes.", min=1, max=MAX_WORKERS)] = 1,
) -> None:
    """Serve until stopped; exit with 2 when the site has faults."""
    from gateway.cli.serve import serve

    raise typer.Exit(serve(site, host=host, port=port, workers=workers))


@app.command(
    "reload",
    help=say(
        "使站点文件夹的改动在运行中的网关生效。",
        "Put changes of the site in force, in the gateway that runs.",
    ),
)
def reload_command(
    *,
    site: Annotated[Path, _option("站点文件夹。", "The site folder.", metavar="DIR", show_default=False)],
    as_json: Json = False,
) -> None:
    """Exit with 0, or 1 when not all of it is in force, or 2 when no gateway runs."""
    from gateway.cli.reload import reload

    raise typer.Exit(reload(site, as_json=as_json))


@app.command("bench", help=say("性能测试，每项与目标对照。", "Measure; each figure beside its goal."))
def bench_command(
    name: Annotated[
        str,
        _argument("NAME", f"测试名称：{'、'.join(BENCHMARKS)}。", f"Name of the benchmark: {', '.join(BENCHMARKS)}."),
    ],
    *,
    rounds: Annotated[int, _option("轮数。", "Number of rounds.", min=3, max=100_000)] = 200,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help=say("另测最大规模（growth：一千万份）。", "The largest size too (growth: ten million)."),
            show_default=False,
        ),
    ] = False,
    soak: Annotated[
        int | None,
        _option(
            "改为满负荷运行若干分钟，查看内存是否平稳（http）。",
            "Ask at full load for so long instead, to see memory come to rest (http).",
            metavar="MINUTES",
            min=1,
            max=MAX_SOAK_MINUTES,
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Exit with 0 when every goal is reached, 1 when one is missed, 2 for an unknown name."""
    from gateway.cli.bench import bench

    raise typer.Exit(bench(name, rounds=rounds, full=full, soak=soak, as_json=as_json))


app.add_typer(demo_app)
app.add_typer(keys_app)
app.add_typer(trust_app)
app.add_typer(store_app)
app.add_typer(licences_app)
app.add_typer(consent_app)
app.add_typer(policy_app)
app.add_typer(adapter_app)
app.add_typer(credential_app)
app.add_typer(audit_app)


def main() -> None:
    """Run the program."""
    gc.set_threshold(_GARBAGE_AFTER)
    prepare_streams()
    app()
