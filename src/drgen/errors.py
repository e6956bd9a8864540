"""The errors drgen raises on purpose.

    DrgenError            exit 1   something a person can fix; says where, what and how
    |-- UsageError        exit 2   wrong use of the command line, a file or an option
    |   `-- InputErrors   exit 2   every problem of one input file at once
    |-- LinkError         exit 1   stacks that cannot be wired together (a mistake in Python code, not in a file)
    |-- Refused           exit 3   a guard said no; nothing was changed
    |-- Locked            exit 4   another run or person is changing the same stack
    |-- StillRunning      exit 75  AWS goes on without us; run the command again
    `-- Interrupted       exit 130 Ctrl-C

Outcomes that are expected (no change, not checked, not observed) are values and never errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DrgenError(Exception):
    """One sentence on what is wrong, where it is, and what to do about it."""

    exit_code = 1

    def __init__(self, problem: str, *, at: str = "", fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        fix = f"\n  fix: {self.fix}" if self.fix else ""
        return f"{where}{self.problem}{fix}"


class UsageError(DrgenError):
    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input file. `line` is 1-based; 0 when the file as a whole is meant."""

    file: str
    line: int
    at: str
    problem: str
    fix: str

    def __str__(self) -> str:
        subject = f"{self.at}: " if self.at else ""
        return f"{self.file}:{self.line}: {subject}{self.problem}\n  fix: {self.fix}"


class InputErrors(UsageError):
    """Every problem of one input file, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.at)))
        super().__init__("\n".join(str(p) for p in self.problems))


class LinkError(DrgenError):
    pass


class Refused(DrgenError):
    exit_code = 3


class Locked(DrgenError):
    exit_code = 4


class StillRunning(DrgenError):
    exit_code = 75


class Interrupted(DrgenError):
    exit_code = 130
