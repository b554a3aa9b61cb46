"""Commands of the shell interrupted at random moments: one sentence, the right status, nothing half written."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SENTENCES = {"en": "interrupted; nothing is half written\n", "zh": "已中断；没有留下只写了一半的文件\n"}
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
#: What the first run on a machine says, in lines as wide as the terminal.
COMPILING = re.compile(r"^(warning: .*being compiled|提示：正在编译).*\n( {4,}.*\n)*", re.MULTILINE)
#: A whole run takes longer than this.
LONGEST = 4.0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_run_that_is_interrupted(tmp_path: Path, tries: Any, record: Any) -> None:
    """Ctrl-C and SIGTERM at random moments of `siting demo`: status 130 or 143, one sentence, nothing left, in time."""
    number = tries(3, 200)
    counts = dict.fromkeys(("ended", "late", "other_status", "other_words", "litter"), 0)
    for _ in range(number):
        sent, lang = random.choice(list(STATUS)), random.choice(list(SENTENCES))
        command = [sys.executable, "-m", "siting", "demo", "--out", str(tmp_path / "out"), "--lang", lang]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as run:
            time.sleep(random.uniform(0.4, LONGEST))
            run.send_signal(sent)
            began = time.perf_counter()
            told = run.communicate()[1].decode()
        if run.returncode in (0, -sent):  # it was done, or in the last steps of Python itself
            counts["ended"] += 1
            continue
        counts["late"] += time.perf_counter() - began > 5
        counts["other_status"] += run.returncode != STATUS[sent]
        counts["other_words"] += COMPILING.sub("", told) != SENTENCES[lang]
        counts["litter"] += bool(set(tmp_path.iterdir()) - {tmp_path / "out"})
    record(number, told=f"{counts.pop('ended')} were done before", **counts)
    assert not any(counts.values()), counts


BUSY = """
import os, signal, sys, threading, time
from siting import interrupt
interrupt.GRACE = 0.5
with interrupt.interruptible():
    print("ready", flush=True)
    {busy}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    "busy",
    [
        "__import__('ctypes').CDLL(None).sleep(60)",
        "[threading.Thread(target=time.sleep, args=(60,)).start(), time.sleep(60)]",
        "[exec('try:\\n time.sleep(60)\\nexcept Exception: pass') for _ in range(9)]",
        "type('Lost', (), {'__del__': lambda self: time.sleep(60)})()",
        "exec('try:\\n time.sleep(60)\\nexcept BaseException: raise ImportError')",
    ],
    ids=["in compiled code", "with a thread", "with handlers", "in a finalizer", "in an import"],
)
def test_a_process_that_is_busy(busy: str) -> None:
    """Compiled code that lets no signal in, threads that go on, a finalizer that swallows exceptions, an import
    that makes another of them."""
    command = [sys.executable, "-c", BUSY.format(busy=busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(0.2)
        began = time.perf_counter()
        run.send_signal(signal.SIGINT)
        told = run.communicate()[1].decode()
    assert time.perf_counter() - began < 10
    assert (run.returncode, told) == (130, SENTENCES["en"])  # the language of messages, where none is asked for
