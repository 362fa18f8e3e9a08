"""The wheel that `pip install .` makes, installed into an environment of its own."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cloudpickle
import pytest

TREE = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

USE = """
import prong, sys
assert prong.__file__.startswith(sys.prefix), prong.__file__
with prong.Pool(2) as pool:
    assert pool.map(lambda x: x * x, range(10)) == [x * x for x in range(10)]
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel as pip does, but with what .venv has, and in a folder that later runs find again."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", folder]
    run(*pip, "--config-settings=build-dir=build-wheel", TREE)
    return next(folder.glob("prong-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Make an environment with nothing but the wheel and its one dependency."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    run(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    return folder


def clean_variables():
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def test_wheel_holds_the_package_and_the_programs_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"prong/__init__.py", "prong/_core.pyi", "prong/py.typed", "prong/_bin/prong-launcher"} <= set(names)
    assert [name for name in names if name.endswith(".so")] == [next(n for n in names if n.startswith("prong/_core."))]
    strange = [n for n in names if not n.startswith(("prong/", "prong-")) or n.endswith((".cc", ".h", ".a", ".pyc"))]
    assert strange == []
    shared = {name.split(".data/data/share/")[1] for name in names if ".data/data/share/" in name}
    assert {"man/man1/prong.1", "man/man1/prong-run.1", "bash-completion/completions/prong"} <= shared
    assert "systemd/user/prong@.service" in shared


def test_wheel_requires_cloudpickle(wheel):
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    assert "Requires-Dist: cloudpickle" in archive.read(metadata).decode()


def test_installed_package_runs_jobs(environment, tmp_path):
    run(environment / "bin/python", "-c", USE, cwd=tmp_path, env=clean_variables())


def test_installed_command_runs_commands(environment, tmp_path):
    command = [environment / "bin/prong", "run", "-k", "echo {}", ":::", "a", "b"]
    assert run(*command, cwd=tmp_path, env=clean_variables()) == "a\nb\n"
