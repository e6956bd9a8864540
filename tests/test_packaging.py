"""Packages of functions: same bytes everywhere, nothing in them that was not pinned and checked."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from drgen.errors import DrgenError, UsageError
from drgen.packaging import Package, package

LAMBDAS = Path(__file__).parent.parent / "lambdas"


def names(made: Package) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(made.content)).namelist()


@pytest.mark.parametrize("name", ["failover", "probe"])
def test_neither_times_nor_modes_nor_leftovers_change_a_package(name: str, tmp_path: Path) -> None:
    copy = shutil.copytree(LAMBDAS / name, tmp_path / name)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    (copy / "__pycache__").mkdir(exist_ok=True)
    (copy / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"\0")
    (copy / ".DS_Store").write_bytes(b"\0")
    assert package(copy) == package(LAMBDAS / name)


def test_line_ends_of_a_checkout_do_not_change_a_package(tmp_path: Path) -> None:
    copy = shutil.copytree(LAMBDAS / "probe", tmp_path / "probe")
    for path in copy.glob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert package(copy).sha256 == package(LAMBDAS / "probe").sha256


def test_a_changed_file_changes_the_key(tmp_path: Path) -> None:
    copy = shutil.copytree(LAMBDAS / "probe", tmp_path / "probe")
    (copy / "rds-ca.pem").write_text("certificate\n")
    made = package(copy)
    assert "rds-ca.pem" in names(made)
    assert made.key == f"probe/{made.sha256}.zip"
    assert made.key != package(LAMBDAS / "probe").key


def test_the_entries_are_sorted_stored_and_without_a_time() -> None:
    entries = zipfile.ZipFile(io.BytesIO(package(LAMBDAS / "probe").content)).infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_the_failover_function_carries_the_recovery_package_and_nothing_else_of_drgen() -> None:
    packed = names(package(LAMBDAS / "failover"))
    assert "handler.py" in packed
    assert "drgen/recovery/resolver.py" in packed
    assert {name.split("/")[1] for name in packed if name.startswith("drgen/")} == {"__init__.py", "recovery"}


def test_the_probe_runs_from_its_package_alone(tmp_path: Path) -> None:
    """Its driver is found in the zip, not in this environment, and reads its own version there."""
    (tmp_path / "probe.zip").write_bytes(package(LAMBDAS / "probe").content)
    zipfile.ZipFile(tmp_path / "probe.zip").extractall(tmp_path / "task")
    code = "import sys; sys.path.insert(0, 'task'); import pg8000.native, logic; print(pg8000.native.__file__)"
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).name == "native.py"
    assert "site-packages" not in done.stdout


def test_a_requirement_without_a_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("")
    (tmp_path / "requirements.txt").write_text("# driver\npg8000>=1.31\n")
    with pytest.raises(UsageError, match=r"requirements.txt:2: 'pg8000>=1.31' is not pinned"):
        package(tmp_path)


def test_a_requirement_in_another_version_names_the_command_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("")
    (tmp_path / "requirements.txt").write_text("pg8000==1.0.0\n")
    with pytest.raises(DrgenError, match=r"(?s)pg8000==1.0.0 is not installed.*pip install --no-deps pg8000==1.0.0"):
        package(tmp_path)


@pytest.fixture
def tampered_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function whose one requirement lies in a site folder of its own, with a hash that does not fit its file."""
    site = tmp_path / "site"
    (site / "driver-1.0.dist-info").mkdir(parents=True)
    (site / "driver.py").write_text("changed")
    record = "driver.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\ndriver-1.0.dist-info/RECORD,,\n"
    (site / "driver-1.0.dist-info" / "RECORD").write_text(record)
    monkeypatch.syspath_prepend(site)
    folder = tmp_path / "function"
    folder.mkdir()
    (folder / "handler.py").write_text("")
    (folder / "requirements.txt").write_text("driver==1.0\n")
    return folder


def test_a_file_that_differs_from_its_wheel_is_refused(tampered_site: Path) -> None:
    with pytest.raises(DrgenError, match=r"driver.py: this file was changed after its installation"):
        package(tampered_site)
    (tampered_site.parent / "site" / "driver.py").write_text("")
    assert "driver.py" in names(package(tampered_site))


def test_machine_code_is_refused(tampered_site: Path) -> None:
    site = tampered_site.parent / "site"
    (site / "driver-1.0.dist-info" / "RECORD").write_text("driver.cpython-311-x86_64-linux-gnu.so,sha256=x,1\n")
    with pytest.raises(DrgenError, match="holds machine code"):
        package(tampered_site)
