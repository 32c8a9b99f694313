"""``tongban init``: a complete site folder to edit."""

import sys
from pathlib import Path

from gateway.cli.console import ExitCode
from gateway.cli.language import say
from gateway.site_template import write_site


def init(folder: Path) -> ExitCode:
    """Write a site folder and say what to do next; USAGE when it could not be written."""
    try:
        written = write_site(folder)
    except FileExistsError:
        english = f"{folder} is not an empty folder; nothing was written"
        print(f"tongban: {say(f'{folder} 不是空文件夹，未写入。', english)}", file=sys.stderr)
        return ExitCode.USAGE
    except OSError as error:
        why = error.strerror or type(error).__name__
        print(f"tongban: {say(f'无法写入 {folder}：{why}', f'cannot write {folder}: {why}')}", file=sys.stderr)
        return ExitCode.USAGE
    for path in written:
        print(path)
    print(say(f"下一步：阅读 {folder / 'README.md'}", f"Next: read {folder / 'README.md'}"))
    return ExitCode.DONE
