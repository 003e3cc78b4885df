"""What is built is whole: the wheel has every module and data file, the console, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "vedette"
CONSOLE = PACKAGE / "console_assets" / "index.html"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> zipfile.ZipFile:
    (path,) = distributions.glob("*.whl")
    return zipfile.ZipFile(path)


def _package_files() -> set[str]:
    return {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".pyo"}
    }


def test_the_wheel_has_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    inside = {name for name in wheel.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    assert inside == _package_files()
    assert "vedette/py.typed" in inside


@pytest.mark.skipif(not (ROOT / "console" / "package.json").is_file(), reason="there is no console in this checkout")
def test_the_wheel_carries_the_built_console(wheel: zipfile.ZipFile) -> None:
    assert CONSOLE.is_file(), "the console is not built: make console"
    page = wheel.read("vedette/console_assets/index.html").decode()
    names = set(wheel.namelist())
    assets = [part.partition('"')[0] for part in page.split('src="')[1:]]
    assert assets, "the page loads no script"
    for asset in assets:
        assert f"vedette/console_assets/{asset.lstrip('./')}" in names


def test_the_metadata_states_what_pyproject_does(wheel: zipfile.ZipFile) -> None:
    import vedette

    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Version"] == vedette.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "duckdb" in str(metadata.get_all("Requires-Dist"))
    (points,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert "vedette = vedette.cli.main:main" in wheel.read(points).decode()


def test_the_source_distribution_builds_the_same_package(
    distributions: Path, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "LICENSE").is_file()
    assert (source / "README.md").is_file()
    assert not list(source.rglob("node_modules"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "again")]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    (again,) = (tmp_path / "again").glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(wheel.namelist())


def test_an_installed_wheel_works_without_the_checkout(distributions: Path, tmp_path: Path) -> None:
    """Its dependencies come from the running environment; the package itself from the wheel alone."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    (path,) = distributions.glob("*.whl")
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    python = programs / ("python.exe" if os.name == "nt" else "python")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(path),
    ]
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(install, env=clean, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    libraries = [entry for entry in sys.path if entry.endswith("site-packages")]
    ask = "import vedette, pathlib; print(pathlib.Path(vedette.__file__).resolve())"
    answer = subprocess.run(
        [str(python), "-c", f"import sys; sys.path += {libraries!r}; {ask}"],
        cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert Path(answer.stdout.strip()).is_relative_to(environment.resolve())
    assert any(entry.stem == "vedette" for entry in programs.iterdir())
    if (PACKAGE / "cli" / "main.py").is_file():
        version = subprocess.run(
            [str(python), "-c", f"import sys; sys.path += {libraries!r}; sys.argv = ['vedette', '--help']; "
             "from vedette.cli.main import main; sys.exit(main())"],
            cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert version.returncode == 0, version.stderr
        assert "serve" in version.stdout
