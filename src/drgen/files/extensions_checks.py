"""Section `extensions`: each name must mean one installed component."""

from __future__ import annotations

from collections.abc import Iterator

from drgen.model.extensions import installed, problem
from drgen.model.workload import Workload
from drgen.template.load import Path as At


def extensions(workload: Workload) -> Iterator[tuple[At, str, str]]:
    if not workload.extensions:
        return
    known = installed()
    for name in workload.extensions:
        wrong = problem(name, known)
        if wrong is not None:
            yield ("extensions", name), *wrong
