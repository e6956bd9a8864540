"""Shows events while they happen: a live table at a terminal, lines elsewhere, JSON where programs read."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from drgen.model.events import Event, Note, ResourceProgress, Started, StepEnded, StepStarted, Stopping
from drgen.reports.events import event_json, event_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid


class Progress(Protocol):
    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None: ...


def progress(*, as_json: bool) -> Progress:
    """The way of showing that fits where the output goes."""
    if as_json:
        return Lines(sys.stdout, as_json=True)
    if not sys.stderr.isatty():
        return Lines(sys.stderr, as_json=False)
    from rich.console import Console

    return Table(Console(stderr=True))


class Lines:
    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._render = event_json if as_json else event_line

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        if line := self._render(event):
            click.echo(line, file=self._stream)


class Table:
    """One line per step, renewed in place: region, name, state, resources done, what happens now."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._rows: dict[str, tuple[str, str, str, str, str]] = {}
        self._console = console
        self._live = Live(console=self._console, refresh_per_second=4)

    def __enter__(self) -> Table:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        match event:
            case Started(steps=steps):
                self._rows = {step: ("", "", "waiting", "", "") for step in steps}
            case StepStarted():
                self._set(event.step, event.stage, event.region, event.change, f"0/{event.total}", "")
            case ResourceProgress():
                stage, region, state, _, _ = self._rows[event.step]
                now = f"{event.at:%H:%M:%S} {event.resource} {event.status}"
                self._set(event.step, stage, region, state, f"{event.done}/{event.total}", now)
            case StepEnded():
                _, _, _, count, _ = self._rows[event.step]
                self._set(event.step, event.stage, event.region, str(event.outcome), count, "")
            case Note() | Stopping():
                self._console.print(event_line(event), markup=False, highlight=False, soft_wrap=True)
            case _:
                pass
        self._live.update(self._table())

    def rows(self) -> tuple[tuple[str, str, str, str, str, str], ...]:
        """Stage, region, step, state, resources done and what happens now, of every step."""
        return tuple(
            (stage, region, step, state, count, now) for step, (stage, region, state, count, now) in self._rows.items()
        )

    def _set(self, step: str, stage: str, region: str, state: str, count: str, now: str) -> None:
        self._rows[step] = (stage, region, state, count, now)

    def _table(self) -> Grid:
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid.grid(padding=(0, 2))
        for _ in range(4):
            grid.add_column(no_wrap=True)
        grid.add_column()
        for _, region, step, state, count, now in self.rows():
            # On a narrow terminal only what happens now is cut: the names are what a reader looks for.
            happening = Text(now, no_wrap=True, overflow="ellipsis")
            grid.add_row(Text(region), Text(step), Text(state, style=_STYLES.get(state, "")), Text(count), happening)
        return grid


_STYLES = {
    "done": "green",
    "unchanged": "green",
    "failed": "bold red",
    "refused": "red",
    "locked": "red",
    "still running": "yellow",
    "blocked": "yellow",
    "waiting": "dim",
    "not started": "dim",
}
