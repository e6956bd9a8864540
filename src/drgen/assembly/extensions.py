"""Components of other packages. They run behind drgen's own, so that they find what those have made."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drgen.assembly.system import System
from drgen.errors import DrgenError, LinkError
from drgen.model.extensions import installed, problem


def extensions(system: System) -> None:
    """Runs each component that section `extensions` names, in the order of the section.

    Raises LinkError, with the component's name, for one that is not there, cannot be loaded, or raises.
    """
    if not system.workload.extensions:
        return
    known = installed()
    for name in system.workload.extensions:
        at, wrong = f"extensions.{name}", problem(name, known)
        if wrong is not None:
            raise LinkError(wrong[0], at=at, fix=wrong[1])
        (entry,) = known[name]
        try:
            component = entry.load()
        except Exception as error:
            text = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
            raise LinkError(text, at=at, fix="install the package again, or correct its entry point") from error
        _run(component, system, at=at)


def _run(component: Callable[[System], Any], system: System, *, at: str) -> None:
    try:
        component(system)
    except DrgenError as error:
        problem = f"{error.at}: {error.problem}" if error.at else error.problem
        raise LinkError(problem, at=at, fix=error.fix) from error
    except Exception as error:
        text = f"the component broke off with {type(error).__name__}: {error} ({_where(component, error)})"
        raise LinkError(text, at=at, fix="correct the component, or its settings") from error


def _where(component: Any, error: Exception) -> str:
    """The last line of the component's own file on the way to the error; a library's line would help nobody."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(component, "__code__", None), "co_filename", "")
    own = [frame for frame in frames if frame.filename == file] or frames
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
