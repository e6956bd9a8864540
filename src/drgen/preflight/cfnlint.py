"""cfn-lint in this process or its children: each template in its own region, with the parameters that are known."""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.metadata
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from drgen.preflight.garbage import collecting_rarely
from drgen.preflight.linting import MANIFEST_RULES, Job, Match

SETTINGS = (".cfnlintrc", ".cfnlintrc.yaml", ".cfnlintrc.yml")
TEMPLATES_PER_COLLECTION = 32
_SEVERITIES = {"error": "error", "warning": "warning", "informational": "info"}


def rules_version() -> str:
    """cfn-lint's version and the settings files it reads; known without importing it, which takes a second."""
    settings = hashlib.sha256()
    for file in (folder / name for folder in (Path(), Path.home()) for name in SETTINGS):
        if file.is_file():
            settings.update(file.read_bytes())
    return f"cfn-lint {importlib.metadata.version('cfn-lint')} 1 {settings.hexdigest()}"


def cfn_lint(jobs: Sequence[Job]) -> Sequence[tuple[Match, ...]]:
    """The matches of every job, informational rules included, in the order of the jobs.

    Several jobs are shared out to as many processes as there are processors; templates of one region go to one process,
    because the schemas of a region are read once per process.
    """
    shares = _shares(jobs, os.cpu_count() or 1)
    if len(shares) == 1:
        return _lint_share(jobs)
    # A child made by fork while other threads run may inherit a lock that nobody will release.
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if alone else "spawn")
    if alone:
        # Read once here, the rules are there in every child: half a second of work less for each.
        _rules()
    with ProcessPoolExecutor(len(shares), mp_context=context) as pool:
        answers = list(pool.map(_lint_share, ([jobs[index] for index in share] for share in shares)))
    found = {
        index: answer
        for share, part in zip(shares, answers, strict=True)
        for index, answer in zip(share, part, strict=True)
    }
    return [found[index] for index in range(len(jobs))]


def _shares(jobs: Sequence[Job], processes: int) -> list[list[int]]:
    """Positions of the jobs in contiguous shares of about equal size, sorted by region; at most one per process."""
    order = sorted(range(len(jobs)), key=lambda index: (jobs[index].region, index))
    total = sum(len(jobs[index].source) for index in order)
    shares: list[list[int]] = [[] for _ in range(max(1, min(processes, len(jobs))))]
    done = 0
    for index in order:
        # The middle of a template decides, so that a large one does not drag its neighbours along.
        middle = done + len(jobs[index].source) / 2
        shares[min(int(middle * len(shares) / max(total, 1)), len(shares) - 1)].append(index)
        done += len(jobs[index].source)
    return [share for share in shares if share]


@functools.cache
def _rules() -> Any:
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    with collecting_rarely():
        return Runner(ConfigMixIn([], include_checks=["I"])).rules


def _lint_share(jobs: Sequence[Job]) -> list[tuple[Match, ...]]:
    answers = []
    with collecting_rarely():
        for count, job in enumerate(jobs, start=1):
            answers.append(_lint(job, _rules()))
            if count % TEMPLATES_PER_COLLECTION == 0:
                gc.collect()
    return answers


def _lint(job: Job, rules: Any) -> tuple[Match, ...]:
    from cfnlint.config import ConfigMixIn
    from cfnlint.context.parameters import ParameterSet
    from cfnlint.decode.decode import decode_str
    from cfnlint.runner import run_template_by_data

    template, problems = decode_str(job.source.decode("utf-8-sig"))
    if problems:
        return tuple(map(_match, problems))
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in job.parameters}
    known = [ParameterSet(parameters=given)] if given else []
    config = ConfigMixIn([], regions=[job.region], include_checks=["I"], parameters=known)
    matches = map(_match, run_template_by_data(template, config, rules))
    return tuple(match for match in matches if match.rule not in MANIFEST_RULES or "is not one of" in match.message)


def _match(found: Any) -> Match:
    return Match(
        rule=found.rule.id,
        severity=_SEVERITIES[found.rule.severity.lower()],
        path=tuple(str(part) for part in getattr(found, "path", None) or () if not isinstance(part, int)),
        line=found.linenumber,
        message=found.message,
        why=found.rule.description,
        source=found.rule.source_url,
    )
