"""The language of the shell: what is asked for, else that of the study, else that of the system."""

from __future__ import annotations

import ctypes
import locale
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from siting.data.sample import sample_path
from siting.labels import LANGUAGES, Language

__all__ = ["SYSTEM", "spoken"]

#: Variables of the environment that name the language of messages, the first that is set decides.
SYSTEM = ("LC_ALL", "LC_MESSAGES", "LANG")
#: The beginning of `results.json` names the language of its study.
HEAD = re.compile(r'^\{\s*"lang": "(\w+)"')


def spoken(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of a command.

    It is the first that is known of ``--lang`` among the arguments, ``SITING_LANG``, ``lang`` of the study or of the
    results that an argument names, and the locale. Without any it is Chinese, where the terminal can show that.

    Examples
    --------
    >>> spoken(["run", "town.toml", "--lang", "en"], {"LANG": "zh_CN.UTF-8"})
    'en'
    >>> spoken(["standards"], {"LANG": "zh_CN.UTF-8"}), spoken(["standards"], {"LANG": "de_DE.UTF-8"})
    ('zh', 'en')
    """
    named = " ".join(arguments).replace("--lang=", "--lang ").split()
    after = named[named.index("--lang") + 1 :] if "--lang" in named else []
    for word in (*after[:1], environment.get("SITING_LANG", ""), *_of_files(arguments)):
        for lang in LANGUAGES:
            if word.lower().startswith(lang):
                return lang
    return _of_system(environment)


def _of_files(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the language of each study and folder of results among the arguments."""
    paths = [Path(word) for word in arguments if not word.startswith("-")]
    if arguments[:1] == ["demo"]:
        paths.append(sample_path("study.toml"))
    for path in paths:
        try:
            if path.suffix == ".toml":
                yield _text(tomllib.loads(path.read_text(encoding="utf-8-sig")).get("study"))
            elif (path / "results.json").is_file():
                with (path / "results.json").open(encoding="utf-8") as file:
                    found = HEAD.match(file.read(100))
                yield found[1] if found else ""
        except (OSError, ValueError):  # told by the command, which reads the file
            continue


def _text(table: Any) -> str:
    return str(table.get("lang", "")) if isinstance(table, Mapping) else ""


def _of_system(environment: Mapping[str, str]) -> Language:
    name = next(filter(None, map(environment.get, SYSTEM)), "")
    if sys.platform == "win32" and not name:
        name = locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    plain = name.split(".")[0] in ("", "C", "POSIX")
    return "zh" if (plain and _writes_chinese()) or name.lower().startswith("zh") else "en"


def _writes_chinese() -> bool:
    """Whether the terminal has Chinese characters at all."""
    try:
        "中".encode(sys.stderr.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
