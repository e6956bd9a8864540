"""The dependency rule of docs/architecture.md, held against the imports that are really there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "drgen"

MAY_IMPORT = {
    "errors": set(),
    "model": {"errors"},
    "template": {"errors", "model"},
    "builders": {"errors", "model", "recovery"},
    "packaging": {"errors", "model"},
    "assembly": {"errors", "model", "builders", "packaging"},
    "files": {"errors", "model", "template"},
    "preflight": {"errors", "model", "template"},
    "cfnlint_rules": {"model", "template", "preflight"},
    "planning": {"errors", "model", "template"},
    "reports": {"errors", "model"},
    "aws": {"errors", "model"},
    "deploy": {"errors", "model", "planning", "aws"},
    "recovery": set(),
    "local": {"errors", "model", "template"},
}


ROW = re.compile(r"\| `(\w+)` \| .* \| (.*) \|")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add(node.module or "")
    return found


def part(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def test_each_part_imports_only_what_lies_below_it() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        here = part(path)
        if here in ("cli", "__init__", "__main__"):
            continue
        for name in imports(path):
            if name.startswith("drgen."):
                there = name.split(".")[1]
                if there != here and there not in MAY_IMPORT[here]:
                    wrong.append(f"{path.relative_to(SOURCE)} imports {name}")
    assert wrong == []


def test_the_table_of_the_documentation_says_the_same() -> None:
    page = (SOURCE.parent.parent / "docs/architecture.md").read_text("utf-8")
    table = {name: set(re.findall(r"`(\w+)`", below)) for name, below in ROW.findall(page)}
    assert table == {**MAY_IMPORT, "cli": set()}


def test_only_the_parts_that_make_templates_import_troposphere() -> None:
    allowed = {"builders", "assembly"}
    wrong = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if {"troposphere", "awacs"} & {name.split(".")[0] for name in imports(path)}
        and part(path) not in allowed
        and path.relative_to(SOURCE).as_posix() not in ("model/stack.py", "model/value.py")
    ]
    assert wrong == []


def test_only_aws_and_recovery_and_local_import_boto3() -> None:
    allowed = {"aws", "recovery", "local"}
    wrong = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if {"boto3", "botocore"} & {name.split(".")[0] for name in imports(path)} and part(path) not in allowed
    ]
    assert wrong == []


def test_no_file_is_longer_than_400_lines() -> None:
    root = SOURCE.parent.parent
    files = [*SOURCE.rglob("*.py"), *(root / "tests").rglob("*.py"), *(root / "lambdas").rglob("*.py")]
    long = {
        str(path.relative_to(root)): count
        for path in files
        if (count := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}
