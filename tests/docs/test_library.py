"""The code of docs/library.md, as a reader would run it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from drgen.cli.group import drgen
from drgen.errors import InputErrors, LinkError

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(\w+)\n# (\S+)\n(.*?)```", re.DOTALL)
BLOCKS = {name: text for _, name, text in BLOCK.findall((ROOT / "docs/library.md").read_text("utf-8"))}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(drgen, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workload(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's workload file, with the page's package installed."""
    site = project / "site"
    declared = tomllib.loads(BLOCKS["pyproject.toml"])["project"]
    facts = site / f"{declared['name'].replace('-', '_')}-{declared['version']}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {declared['name']}\nVersion: {declared['version']}\n"
    )
    for group, entries in declared["entry-points"].items():
        lines = "".join(f"{name} = {target}\n" for name, target in entries.items())
        (facts / "entry_points.txt").write_text(f"[{group}]\n{lines}")
    (site / "queues.py").write_text(BLOCKS["queues.py"])
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "queues", raising=False)
    folder = project / "templates/postgres-dr"
    folder.mkdir(parents=True)
    file = folder / "workload.yaml"
    shutil.copy(ROOT / "templates/postgres-dr/workload.yaml", file)
    file.write_text(file.read_text("utf-8") + BLOCKS["workload.yaml"])
    return file


def test_the_page_has_the_files_that_the_tests_run() -> None:
    assert list(BLOCKS) == ["orders/stacks.py", "orders/build.py", "queues.py", "pyproject.toml", "workload.yaml"]


def test_stacks_without_a_workload_file_are_written_in_order_and_without_findings(project: Path) -> None:
    for name in ("orders/stacks.py", "orders/build.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(BLOCKS[name])
    done = subprocess.run([sys.executable, "orders/build.py"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    assert run("check", "--fast", "orders")[1].splitlines()[-1] == "1 folder checked: nothing found"
    manifest = yaml.safe_load((project / "orders/deploy.yaml").read_text("utf-8"))
    assert [entry["template"] for entry in manifest["stacks"]] == [
        "primary/foundation.yaml",
        "recovery/foundation.yaml",
        "ties/peering.yaml",
        "ties/routes.yaml",
    ]
    assert manifest["stacks"][0]["parameters"] == {
        "RecoveryDataKeyArn": {
            "from": {"stack": "orders-prod-foundation-eu-west-1", "output": "DataKeyArn"},
            "late": True,
        }
    }


def test_a_component_of_another_package_adds_its_stacks(workload: Path) -> None:
    code, output = run("build")
    assert code == 0
    assert "wrote templates/postgres-dr/recovery-eu-west-1/queues.yaml" in output
    assert run("check", "--fast")[1].splitlines()[-1] == "1 folder checked: nothing found"
    assert "maxReceiveCount: 3\n" in (workload.parent / "primary/queues.yaml").read_text("utf-8")


def test_a_build_with_components_follows_a_change_of_their_code(workload: Path, project: Path) -> None:
    run("build")
    code = (project / "site/queues.py").read_text("utf-8")
    (project / "site/queues.py").write_text(code.replace("14 * DAY_S", "7 * DAY_S"))
    del sys.modules["queues"]
    assert run("build", "--check")[0] == 1


def test_a_name_without_a_component_is_an_error_at_its_line(workload: Path) -> None:
    workload.write_text(workload.read_text("utf-8").replace("order-queue", "order-queues"))
    line = workload.read_text("utf-8").splitlines().index("  order-queues: {attempts: 3}") + 1
    with pytest.raises(InputErrors) as caught:
        run("build")
    (problem,) = caught.value.problems
    assert (problem.line, problem.at) == (line, "extensions.order-queues")
    assert problem.problem == "no installed package has a component order-queues"
    assert problem.fix == "did you mean order-queue?"


def test_what_a_component_says_about_its_settings_is_told_with_its_name(workload: Path) -> None:
    workload.write_text(workload.read_text("utf-8").replace("attempts: 3", "attempts: often"))
    with pytest.raises(LinkError) as caught:
        run("build")
    assert str(caught.value) == ("extensions.order-queue: attempts is 'often'\n  fix: use a whole number, 1 or more")
