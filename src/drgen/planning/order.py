"""Which stack comes before which, from the manifest alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from drgen.errors import UsageError
from drgen.model.deployment import Deployment, FromOutput, StackEntry
from drgen.model.plan import Pass, Step, Work


def deploy_steps(deployment: Deployment, *, regions: Collection[str] = ()) -> tuple[Step, ...]:
    """The steps of a deployment, each after all it needs; where nothing decides, in the manifest's order.

    A stack with late values from stacks of this run gets two steps. `regions` limits the run to stacks there; values of
    other stacks are then looked up and not waited for. Raises UsageError with the path if stacks need each other.
    """
    entries = [entry for entry in deployment.stacks if not regions or entry.region in regions]
    steps = _Wiring(entries).steps()
    return _sorted(steps)


def destroy_steps(deployment: Deployment) -> tuple[Step, ...]:
    """One deletion per stack, consumers before producers: a replica before its source. Late values bind nothing."""
    listed = [entry for entry in deployment.stacks if entry.action != "delete"]
    entries = tuple({entry.stack: entry for entry in reversed(listed)}.values())[::-1]
    forward = _sorted([Step(entry.stack, entry, needs=_producers(entry, entries)) for entry in entries])
    needs = {step.id: tuple(other.id for other in forward if step.id in other.needs) for step in forward}
    backward = [replace(step, work=Work.DELETE, needs=needs[step.id]) for step in reversed(forward)]
    return _sorted(backward)


def waves(steps: Iterable[Step]) -> tuple[tuple[Step, ...], ...]:
    """The steps in groups: every step's needs lie in earlier groups. For showing; a run does not wait for groups."""
    level: dict[str, int] = {}
    for step in steps:
        level[step.id] = 1 + max((level[need] for need in step.needs), default=-1)
    groups: dict[int, list[Step]] = {}
    for step in steps:
        groups.setdefault(level[step.id], []).append(step)
    return tuple(tuple(groups[number]) for number in sorted(groups))


def _producers(entry: StackEntry, entries: Sequence[StackEntry]) -> tuple[str, ...]:
    listed = {other.stack for other in entries}
    return tuple(stack for stack in entry.upstream() if stack in listed and stack != entry.stack)


class _Wiring:
    """Gives the entries of one run their steps. A stack may be listed more than once in hand-written manifests."""

    def __init__(self, entries: Sequence[StackEntry]) -> None:
        self._entries = entries
        self._listed = {entry.stack for entry in entries}
        times: dict[str, int] = {}
        self._names: list[str] = []
        for entry in entries:
            times[entry.stack] = times.get(entry.stack, 0) + 1
            again = times[entry.stack]
            self._names.append(entry.stack if again == 1 else f"{entry.stack} ({entry.action} {again})")

    def steps(self) -> list[Step]:
        first = [step for index in range(len(self._entries)) for step in self._first(index)]
        return first + [step for index in range(len(self._entries)) for step in self._final(index)]

    def _deferred(self, entry: StackEntry) -> dict[str, str]:
        return {
            name: source.stack
            for name, source in entry.parameters.items()
            if isinstance(source, FromOutput) and source.late and source.stack in self._listed
        }

    def _first(self, index: int) -> tuple[Step, ...]:
        entry, name = self._entries[index], self._names[index]
        if entry.action == "delete":
            return (Step(name, entry, work=Work.DELETE, needs=self._before(index)),)
        deferred = tuple(self._deferred(entry))
        needs = (*self._before(index), *(self._step_of(stack, index) for stack in _producers(entry, self._entries)))
        passes = Pass.FIRST if deferred else Pass.ONLY
        return (Step(name, entry, passes=passes, needs=tuple(dict.fromkeys(needs)), deferred=deferred),)

    def _final(self, index: int) -> tuple[Step, ...]:
        entry, name = self._entries[index], self._names[index]
        deferred = self._deferred(entry)
        if not deferred or entry.action == "delete":
            return ()
        producers = [self._step_of(stack, index) for stack in deferred.values()]
        needs = tuple(dict.fromkeys([name, *producers]))
        return (Step(f"{name} (second pass)", entry, passes=Pass.FINAL, needs=needs),)

    def _before(self, index: int) -> tuple[str, ...]:
        """What the written order alone decides: a stack listed again, and whatever stands around such an entry."""
        earlier = range(index)
        if self._entries[index].action != "create" or self._names[index] != self._entries[index].stack:
            return tuple(self._names[other] for other in earlier)
        return tuple(self._names[other] for other in earlier if self._entries[other].action != "create")

    def _step_of(self, stack: str, index: int) -> str:
        """The step that makes the outputs entry `index` reads: the nearest one before it, else the first after it."""
        made = [at for at, entry in enumerate(self._entries) if entry.stack == stack and entry.action != "delete"]
        before = [at for at in made if at < index]
        return self._names[(before or made or [index])[-1 if before else 0]]


def _sorted(steps: Sequence[Step]) -> tuple[Step, ...]:
    known = {step.id: step for step in steps}
    waiting = {step.id: [need for need in step.needs if need in known] for step in steps}
    done: list[Step] = []
    ended: set[str] = set()
    while len(done) < len(steps):
        ready = next((s for s in steps if s.id not in ended and all(need in ended for need in waiting[s.id])), None)
        if ready is None:
            raise _cycle(known, waiting, ended)
        ended.add(ready.id)
        done.append(ready)
    return tuple(done)


def _cycle(known: Mapping[str, Step], waiting: Mapping[str, Sequence[str]], ended: set[str]) -> UsageError:
    name = next(step for step in waiting if step not in ended)
    path: list[str] = []
    while name not in path:
        path.append(name)
        name = next(need for need in waiting[name] if need not in ended)
    circle = [*path[path.index(name) :], name]
    shown = " -> ".join(f"{step} ({known[step].entry.region})" for step in circle)
    return UsageError(
        f"these stacks need each other's outputs: {shown}",
        fix="make one of the values late (`late: true`), with an empty default and a condition in its template",
    )
