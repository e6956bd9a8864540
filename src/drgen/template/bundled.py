"""The AWS data that comes with cfn-lint: regions, and what RDS offers where. Read from its files, not imported.

Source: cfn-lint, data/schemas (CloudFormation registry schemas, and extensions/aws_rds_dbinstance).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any


@cache
def schemas() -> Path:
    """The folder of the bundled schemas, found without importing cfn-lint: that takes a second."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfn-lint is not installed; drgen depends on it", name="cfnlint")
    return Path(spec.origin).parent / "data" / "schemas"


@cache
def regions() -> frozenset[str]:
    """Every region CloudFormation has schemas for."""
    return frozenset(path.stem for path in (schemas() / "providers").glob("*-*-*.json"))


@cache
def resource_types(region: str) -> frozenset[str]:
    """The resource types that CloudFormation has in `region`; none if the data does not know the region."""
    path = schemas() / "providers" / f"{region}.json"
    return frozenset(json.loads(path.read_text("utf-8"))) if path.is_file() else frozenset()


@cache
def engine_versions(engine: str) -> tuple[frozenset[str], frozenset[str]]:
    """The versions of `engine` that RDS knows, and those of them that are deprecated."""
    known = _enum(json.loads(rds_data("engine_version")), engine)
    deprecated = _enum(json.loads(rds_data("engine_version_deprecated")), engine)
    return known, deprecated


def rds_data(name: str) -> str:
    """The text of the named JSON file of cfn-lint's data about AWS::RDS::DBInstance."""
    return _rds_file(name).read_text("utf-8")


def _rds_file(name: str) -> Path:
    return schemas() / "extensions" / "aws_rds_dbinstance" / f"{name}.json"


def _enum(document: Any, engine: str) -> frozenset[str]:
    found: set[str] = set()
    for rule in document["allOf"]:
        condition = rule["if"]["properties"]
        if condition.get("Engine", {}).get("const") != engine:
            continue
        for place in (rule.get("then", {}), rule["if"]):
            if isinstance(place, dict):
                versions = place.get("properties", {}).get("EngineVersion", {})
                found.update(str(version) for version in versions.get("enum", ()))
    return frozenset(found)


@cache
def instance_classes(engine: str, region: str) -> frozenset[str]:
    """The instance classes RDS offers for `engine` in `region`; empty if the data does not know the region."""
    marker = f'"{region}": '.encode()
    with _rds_file("dbinstanceclass_enum").open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        start = data.find(marker)
        if start < 0:
            return frozenset()
        # A region is some hundredths of the file; decoding only that part keeps `drgen build` fast.
        document = json.loads(data[start + len(marker) : data.find(b"\n }", start) + 3])
    found: set[str] = set()
    for rule in document["allOf"]:
        if rule["if"]["properties"].get("Engine", {}).get("const") == engine:
            found.update(rule["then"]["properties"]["DBInstanceClass"]["enum"])
    return frozenset(found)
