"""Components of other packages: what people are told when one is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drgen.assembly.components import assemble
from drgen.errors import InputErrors, LinkError
from drgen.files.workload import parse_workload
from drgen.model.deployment import Artifact
from drgen.model.stack import StackDraft

SOURCE = (Path(__file__).parents[2] / "templates/postgres-dr/workload.yaml").read_text("utf-8")
PACKAGES = {name: Artifact(name, f"artifacts/{name}.zip", f"{name}/0.zip") for name in ("failover", "probe")}
Install = Callable[..., None]

SETTINGS = """
def component(system):
    stack = system.stack(system.primary, "acme", f"Settings: {system.workload.extensions['acme']}.")
    stack.use(system.made.primary_database.fence_group)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package that declares the component `name`, with `code` as its module."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_component", raising=False)

    def package(code: str, *, name: str = "acme", package: str = "acme-one") -> None:
        facts = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[drgen.components]\n{name} = acme_component:component\n")
        (tmp_path / "acme_component.py").write_text(code)

    return package


def assembled(section: str = "{acme: {}}") -> tuple[StackDraft, ...]:
    return assemble(parse_workload(f"{SOURCE}\nextensions: {section}\n".encode(), file="w.yaml"), PACKAGES)


def complaint(section: str = "{acme: {}}") -> str:
    with pytest.raises(LinkError) as caught:
        assembled(section)
    return str(caught.value).partition("\n")[0]


def test_components_run_behind_drgens_own_and_see_what_those_made(install: Install) -> None:
    install(SETTINGS)
    (draft,) = [draft for draft in assembled("{acme: {size: [1, 2]}}") if draft.layer == "acme"]
    assert draft.description.endswith("Settings: {'size': [1, 2]}.")
    assert list(draft.parameters) == ["FenceSecurityGroupId"]


def test_a_component_that_raises_is_named_with_its_own_line(install: Install) -> None:
    install("import json\n\ndef component(system):\n    json.loads('{')\n")
    told = complaint()
    assert told.startswith("extensions.acme: the component broke off with JSONDecodeError: ")
    assert told.endswith("(acme_component.py, line 4)")


def test_a_component_that_cannot_be_loaded_is_named_with_its_entry_point(install: Install) -> None:
    install("from drgen.builders import nowhere\n")
    assert complaint().startswith("extensions.acme: acme_component:component cannot be loaded: ImportError: ")


def test_a_stage_that_does_not_exist_is_refused(install: Install) -> None:
    install("def component(system):\n    system.stack(system.primary, 'acme', stage='later')\n")
    assert complaint() == "extensions.acme: layer acme: there is no stage later"


def test_two_packages_with_one_name_are_an_error(install: Install) -> None:
    install("def component(system): ...\n")
    install("def component(system): ...\n", package="acme-two")
    with pytest.raises(InputErrors, match="acme-one and acme-two both have a component acme"):
        assembled()


def test_a_resource_without_a_required_property_is_named_with_its_stack(install: Install) -> None:
    install(
        "from troposphere import kms\n\ndef component(system):\n"
        "    system.stack(system.primary, 'acme').add(kms.Alias('Name', AliasName='alias/acme'))\n"
    )
    (draft,) = [draft for draft in assembled() if draft.layer == "acme"]
    with pytest.raises(LinkError, match=r"^postgres-dr-prod-acme-us-east-1/Name: .*TargetKeyId required"):
        draft.template()
