"""The lists of components and checks name what exists: a misspelt one would show only in a workload that uses it."""

from drgen.assembly.components import COMPONENTS
from drgen.files.workload_checks import OF_SECTIONS
from drgen.model.workload import Workload


def test_every_component_can_be_loaded_and_serves_a_section() -> None:
    assert all(callable(component.load()) for component in COMPONENTS)
    assert {component.section for component in COMPONENTS} - {""} <= set(Workload.model_fields) | {
        "aurora",
        "postgres",
        "fails_over",
    }


def test_every_check_can_be_loaded_and_serves_a_section() -> None:
    assert all(callable(check.load()) for check in OF_SECTIONS)
    assert {check.section for check in OF_SECTIONS} <= set(Workload.model_fields)
