"""Install siting from the wheels beside this file, without a network, and run its demo: start.py [FOLDER]."""

import hashlib
import importlib.util
import io
import os
import platform
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Opens a window in which `siting` is a command; it lies beside the environment.
PROMPT = '@set "PATH=%~dp0env\\Scripts;%PATH%"\r\n@cmd /k siting --help\r\n'


def fits() -> bool:
    """Whether there are wheels for this Python on this system."""
    tags = {"win-amd64": "win_amd64", "linux-x86_64": "manylinux*x86_64"}
    python = "cp{}{}".format(*sys.version_info)
    tag = tags.get(sysconfig.get_platform(), "none")
    known = not tag.startswith("many") or platform.libc_ver()[0] == "glibc"
    # Debian packs ensurepip, which environments are made with, apart from Python.
    able = known and importlib.util.find_spec("ensurepip") is not None
    return able and any(HERE.glob(f"wheels/numpy-*-{python}-{python}-*{tag}.whl"))


def say(zh: str, en: str) -> None:
    """Print a line in both languages."""
    sys.stdout.write(f"{zh}\n{en}\n")
    sys.stdout.flush()


def damaged() -> list[str]:
    """Return the files that are missing or not what SHA256SUMS says."""
    found = []
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        seal, name = line.split(maxsplit=1)
        file = HERE / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != seal:
            found.append(name)
    return found


def install(env: Path, python: Path) -> None:
    """Make the environment anew and install into it; SystemExit when that fails."""
    if env.exists() and not (env / "pyvenv.cfg").is_file():
        raise SystemExit(f"{env} 不是虚拟环境，请换一个文件夹 / is no environment; name another folder")
    if names := damaged():
        raise SystemExit("文件不完整，请重新拷贝 / damaged, copy the folder again:\n" + "\n".join(names))
    say(f"正在安装到 {env}，约需一两分钟 …", f"installing into {env}, which takes a minute or two …")
    venv.create(env, clear=True, with_pip=True)
    asked = ["--no-index", "--find-links", str(HERE / "wheels"), "-r", str(HERE / "requirements.txt")]
    # What is set up for pip on this machine names indexes that cannot be reached.
    alone = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([str(python), "-m", "pip", "--isolated", "install", "--quiet", *asked], env=alone, check=True)


def main() -> None:
    """Install once, run the demo, and say where its report lies."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.argv[1:] == ["--fits"]:
        sys.exit(not fits())
    home = Path(*sys.argv[1:2] or [Path.home() / "siting"]).absolute()
    env = home / "env"
    windows = os.name == "nt"
    scripts = env / ("Scripts" if windows else "bin")
    python = scripts / ("python.exe" if windows else "python")
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8").strip().rpartition("==")[2]
    command = [str(python), "-c", "import siting; print(siting.__version__)"]
    has = python.exists() and subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout.strip()
    try:
        if has != wanted:
            home.mkdir(parents=True, exist_ok=True)
            install(env, python)
        if windows:
            (home / "siting.bat").write_bytes(PROMPT.encode("ascii"))
        say("正在计算示例 …", "computing the sample …")
        subprocess.run([str(python), "-m", "siting", "demo", "--out", str(home / "demo")], check=True)
    except subprocess.CalledProcessError as fault:
        raise SystemExit(f"没有成功，原因见上 / failed, see above ({fault.returncode})") from None
    page, siting = home / "demo" / "report.html", home / "siting.bat" if windows else scripts / "siting"
    say(f"\n完成。请用浏览器打开报告：{page}", f"done; open the report in a browser: {page}")
    say(f"以后使用：{siting}", f"from now on: {siting}")


if __name__ == "__main__":
    main()
