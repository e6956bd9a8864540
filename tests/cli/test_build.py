"""`drgen build` and `drgen init`, and what they must not load."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from drgen.cli.group import drgen
from drgen.errors import UsageError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one workload and nothing built."""
    target = tmp_path / "templates/postgres-dr"
    target.mkdir(parents=True)
    shutil.copy(ROOT / "templates/postgres-dr/workload.yaml", target)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(drgen, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.output


def test_the_first_build_writes_everything_and_the_second_nothing(project: Path) -> None:
    code, output = run("build")
    assert code == 0
    assert "wrote templates/postgres-dr/deploy.yaml" in output
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*.yaml")}
    code, output = run("build", "postgres-dr")
    assert "unchanged" in output
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*.yaml")} == before


def test_what_was_built_before_is_not_taken_for_a_changed_workload(project: Path) -> None:
    run("build")
    workload = project / "templates/postgres-dr/workload.yaml"
    workload.write_text(workload.read_text("utf-8").replace("10.1.0.0/16", "10.7.0.0/16"), "utf-8")
    _, output = run("build")
    assert "wrote templates/postgres-dr/replication/routes.yaml" in output
    assert "10.7.0.0/16" in (project / "templates/postgres-dr/replication/routes.yaml").read_text("utf-8")


def test_a_function_package_that_is_gone_is_made_again(project: Path) -> None:
    run("build")
    packages = sorted((project / "templates/postgres-dr/artifacts").glob("*.zip"))
    assert len(packages) == 2
    packages[0].unlink()
    run("build")
    assert sorted((project / "templates/postgres-dr/artifacts").glob("*.zip")) == packages


def test_the_certificates_beside_the_workload_become_part_of_the_probe(project: Path) -> None:
    _, output = run("build")
    assert "note: there is no templates/postgres-dr/rds-ca.pem" in output
    (project / "templates/postgres-dr/rds-ca.pem").write_text("certificate\n", "utf-8")
    _, output = run("build")
    assert "note:" not in output
    (probe,) = (project / "templates/postgres-dr/artifacts").glob("probe-*.zip")
    with zipfile.ZipFile(probe) as package:
        assert package.read("rds-ca.pem") == b"certificate\n"


def test_check_shows_what_differs_and_writes_nothing(project: Path) -> None:
    run("build")
    template = project / "templates/postgres-dr/replication/routes.yaml"
    edited = template.read_text("utf-8").replace("10.1.0.0/16", "10.9.0.0/16")
    template.write_text(edited, "utf-8")
    code, output = run("build", "--check")
    assert code == 1
    assert "-      DestinationCidrBlock: 10.9.0.0/16\n+      DestinationCidrBlock: 10.1.0.0/16\n" in output
    assert template.read_text("utf-8") == edited


def test_a_template_the_workload_no_longer_has_is_removed(project: Path) -> None:
    run("build")
    stale = project / "templates/postgres-dr/replication/old.yaml"
    shutil.copy(project / "templates/postgres-dr/replication/dns.yaml", stale)
    mine = project / "templates/postgres-dr/replication/mine.yaml"
    mine.write_text("# written by a person\n", "utf-8")
    run("build")
    assert not stale.exists()
    assert mine.exists()


@pytest.mark.parametrize(
    ("example", "recovery"),
    [("postgres-dr", "eu-west-1"), ("postgres-regulated", "us-east-2"), ("web-app", "us-east-2")],
)
def test_init_writes_a_workload_that_builds(project: Path, example: str, recovery: str) -> None:
    run("init", "orders", "--from", example)
    code, _ = run("build", "orders")
    assert code == 0
    assert f"orders-prod-database-{recovery}" in (project / "templates/orders/deploy.yaml").read_text("utf-8")


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["build", "--check", "postgres-dr"]])
def test_help_and_build_load_neither_cfn_lint_nor_boto3(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom drgen.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "loaded = {'cfnlint', 'boto3', 'botocore'} & set(sys.modules)\nassert not loaded, loaded"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_a_workload_without_a_failover_machine_is_told_so(project: Path) -> None:
    file = project / "templates/ledger/workload.yaml"
    file.parent.mkdir(parents=True)
    regions = "{primary: {name: us-east-1, cidr: 10.0.0.0/16}, recovery: [{name: us-east-2, cidr: 10.1.0.0/16}]}"
    objectives = "{rto: 1h, rpo: 1h}"
    file.write_text(f"name: ledger\nenvironment: prod\nobjectives: {objectives}\nregions: {regions}\n", "utf-8")
    assert run("build", "ledger")[0] == 0
    with pytest.raises(UsageError, match="ledger has nothing to fail over in us-east-2"):
        run("failover", "ledger", "--to", "us-east-2", "--dry-run")
