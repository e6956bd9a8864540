"""What the two template linters are asked, what they answer, and how answers become findings of the world."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from drgen.model.finding import Finding, Severity
from drgen.preflight.cache import Cache
from drgen.preflight.run import Selection
from drgen.preflight.stack import Stack, written_by_macro
from drgen.preflight.values import known_text
from drgen.preflight.world import World

MANIFEST_RULES = ("E2900",)
"""Rules about which parameters are given: DR102 and DR103 know more, because they see where values come from."""

UNKNOWN_PROPERTY = ("E3002", "F3002")
"""The rule that properties exist, by the names of both linters."""


@dataclass(frozen=True)
class Job:
    """One template as one region deploys it. `parameters` are those whose values are known before the deployment."""

    source: bytes
    region: str
    parameters: tuple[tuple[str, str | tuple[str, ...]], ...]

    def key(self, rules: str) -> str:
        """Differs whenever the answer may: for other bytes, region, parameters or `rules` (linter, version,
        settings)."""
        content = hashlib.sha256(self.source).hexdigest()
        return hashlib.sha256(json.dumps([rules, content, self.region, self.parameters]).encode()).hexdigest()


@dataclass(frozen=True)
class Match:
    """A linter's answer: one thing wrong at `path` (names from the template's top, `Resources` first)."""

    rule: str
    severity: str
    path: tuple[str, ...]
    line: int
    message: str
    why: str
    source: str


Linter = Callable[[Sequence[Job]], Sequence[tuple[Match, ...]]]


def jobs(world: World, sources: Mapping[str, bytes]) -> Iterator[tuple[Stack, Job]]:
    """Every step of the world with what to ask about its template; nested templates with their parents' region.

    A template with loops is judged as it is deployed: linters unroll them without the values of this deployment.
    """
    for stack in world.steps:
        path = stack.entry.template
        if stack.key != stack.entry.stack:
            path = stack.entry.nested[stack.key.rsplit(".", 1)[-1]]
        source = json.dumps(stack.template.body).encode() if stack.unrolled else sources[path]
        yield stack, Job(source, stack.region, tuple(_known_parameters(stack)))


def _known_parameters(stack: Stack) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for name in stack.template.section("Parameters"):
        value = stack.parameter(name) if name in stack.given else None
        items = value if isinstance(value, list) else [value]
        known = [text for item in items if item is not None and (text := known_text(item)) is not None]
        if known and len(known) == len(items):
            yield name, tuple(known) if isinstance(value, list) else known[0]


def lint_world(
    world: World, sources: Mapping[str, bytes], selection: Selection, *, linter: Linter, rules: str, cache: Cache
) -> tuple[Finding, ...]:
    """What `linter` finds in the templates of `world`. Answers are cached; each question is asked once.

    `rules` names everything but the job that decides the answer.
    """
    asked = list(jobs(world, sources))
    answers: dict[Job, tuple[Match, ...]] = {}
    for job in dict.fromkeys(job for _, job in asked):
        cached = cache.read(job.key(rules))
        if cached is not None:
            answers[job] = tuple(_match(entry) for entry in cached)
    missing = [job for job in dict.fromkeys(job for _, job in asked) if job not in answers]
    for job, matches in zip(missing, linter(missing) if missing else (), strict=True):
        answers[job] = matches
        cache.write(job.key(rules), [asdict(match) for match in matches])
    found = (
        _finding(stack, match)
        for stack, job in asked
        for match in answers[job]
        if selection.has(match.rule) and not _suppressed(stack, match)
    )
    return tuple(dict.fromkeys(found))


def _suppressed(stack: Stack, match: Match) -> bool:
    """True if cfn-lint's own directive, at the template or at the resource, names the rule. Both linters obey it.

    The native validator takes a macro among the properties for a property that does not exist.
    """
    bodies: list[object] = [stack.template.body]
    if match.path[:1] == ("Resources",) and len(match.path) > 1:
        body = stack.template.resources.get(match.path[1])
        if match.rule in UNKNOWN_PROPERTY and body is not None and written_by_macro(body):
            return True
        bodies.append(body)
    return any(match.rule.startswith(tuple(_ignored(body))) for body in bodies)


def _ignored(body: object) -> Iterator[str]:
    for key in ("Metadata", "cfn-lint", "config", "ignore_checks"):
        body = body.get(key) if isinstance(body, Mapping) else None
    yield from (str(rule) for rule in body) if isinstance(body, list) else ()


def _match(entry: Mapping[str, object]) -> Match:
    path, line = entry["path"], entry["line"]
    texts = {name: str(entry[name]) for name in ("rule", "severity", "message", "why", "source")}
    assert isinstance(path, list)
    assert isinstance(line, int)
    return Match(path=tuple(map(str, path)), line=line, **texts)


def _finding(stack: Stack, match: Match) -> Finding:
    section, *rest = match.path or ("",)
    named = (
        rest[:1]
        if section in ("Resources", "Parameters", "Outputs", "Conditions", "Mappings")
        else list(match.path[:1])
    )
    inside = [part for part in rest[1:] if not part.startswith("Fn::") and part not in ("Properties", "Ref")]
    address = "/".join([stack.key, *named, *([".".join(inside)] if inside else [])])
    return Finding(
        rule=match.rule,
        severity=Severity(match.severity),
        address=address,
        file=stack.template.file,
        line=stack.template.line(match.path) if stack.unrolled else match.line,
        message=match.message,
        fix=f"see {match.source}" if match.source else "correct the template",
        why=match.why,
        source=match.source,
    )
