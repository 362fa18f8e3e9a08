"""What the benchmark needs around it: an environment with the peers, the spawn loop, and facts about the machine."""

import datetime
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[1]
PROJECT = BENCH.parent
VENV = BENCH / ".venv"
PYTHON = VENV / "bin/python"
SPAWN_LOOP = BENCH / ".build/spawn_loop"


class NotReady(Exception):
    """Something that the whole benchmark needs is missing."""


def prepare() -> None:
    make_venv()
    install_peers()
    make_prong_importable()
    build_spawn_loop()


def make_venv() -> None:
    if PYTHON.exists():
        return
    base = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    say(f"making {VENV.relative_to(PROJECT)}")
    made = subprocess.run([base, "-m", "venv", VENV])
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise NotReady(f"{base} cannot make an environment; on Debian, install python3-venv")


def install_peers() -> None:
    """All at once; if that fails, one by one, so that one bad peer is missing alone and the table says so."""
    requirements = BENCH / "requirements.txt"
    installed = VENV / "installed-requirements.txt"
    if installed.exists() and installed.read_text() == requirements.read_text():
        return
    say("installing the peers")
    pins = [line for line in requirements.read_text().splitlines() if line[:1] not in ("", "#")]
    if not pip_install(*pins):
        failed = [pin for pin in pins if not pip_install(pin)]
        say(f"could not be installed: {', '.join(failed)}")
    else:
        installed.write_text(requirements.read_text())


def pip_install(*pins: str) -> bool:
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*pip, *pins]).returncode == 0


def make_prong_importable() -> None:
    packages = next(VENV.glob("lib/python*/site-packages"))
    (packages / "prong-in-development.pth").write_text(f"{PROJECT / 'python'}\n")


def build_spawn_loop() -> None:
    source = BENCH / "spawn_loop.cc"
    if SPAWN_LOOP.exists() and SPAWN_LOOP.stat().st_mtime > source.stat().st_mtime:
        return
    SPAWN_LOOP.parent.mkdir(exist_ok=True)
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-std=c++20", "-O2", "-o", SPAWN_LOOP, source], check=True)


def facts() -> dict:
    """What a reader must know to judge the figures."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "source": source_version(),
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "libc": " ".join(platform.libc_ver()),
        "load_before": os.getloadavg()[0],
    }


def source_version() -> str:
    """The commit that was measured; a + at the end says that files had changed since."""
    git = ["git", "-C", str(PROJECT)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True)
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "") or "unknown"


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
