"""Show the progress of long operations: one line per phase, with its progress and time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
# Without a terminal, a long phase prints its progress at this interval.
HEARTBEAT_SECONDS = 15.0
TABLE_WIDTH = 140


@contextmanager
def on_stderr() -> Iterator[None]:
    """Print everything to stderr, because stdout is for one machine-readable document."""
    before = out.stderr
    out.stderr = True
    try:
        yield
    finally:
        out.stderr = before


def show_table(table: Table) -> None:
    """Print a table; without a terminal, wide enough to have one line for each row."""
    if out.is_terminal:
        out.print(table)
    else:
        Console(file=out.file, width=TABLE_WIDTH, highlight=False).print(table)


@dataclass
class RunningPhase:
    """A running phase; set `result` to the words to print at its end."""

    progress: Progress
    task: TaskID
    title: str
    result: str = ""
    started: float = field(default_factory=time.monotonic)
    reported_at: float = field(default_factory=time.monotonic)

    def detail(self, words: str) -> None:
        """Show what the phase is doing now."""
        self.progress.update(self.task, detail=words)
        self._beat(words)

    def bar(self, completed: float, total: float) -> None:
        """Show the progress as a bar; both numbers have the same unit."""
        self.progress.update(self.task, completed=completed, total=total)
        if total:
            self._beat(f"{completed / total:.0%}")

    def _beat(self, words: str) -> None:
        now = time.monotonic()
        if not out.is_terminal and now - self.reported_at >= HEARTBEAT_SECONDS:
            self.reported_at = now
            out.print(f"… {self.title:<34} {now - self.started:6.1f} s  {words}", markup=False)


class Phases:
    """Shows the progress of phases, several of which may run at the same time.

    A terminal shows running phases at the bottom. Elsewhere, each phase prints one line at its end.
    """

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=out,
            transient=True,
        )
        self._lock = Lock()

    def __enter__(self) -> Self:
        if out.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if out.is_terminal:
            self._progress.stop()

    @contextmanager
    def phase(self, title: str) -> Iterator[RunningPhase]:
        """Time a phase; if it fails, print that and let the exception propagate."""
        started = time.monotonic()
        task = self._progress.add_task(title, total=None, detail="")
        phase = RunningPhase(self._progress, task, title)
        try:
            yield phase
        except BaseException:
            self._line("[red]✗[/]", title, started, "failed")
            raise
        else:
            self._line("[green]✓[/]", title, started, phase.result)
        finally:
            self._progress.remove_task(task)

    def _line(self, mark: str, title: str, started: float, result: str) -> None:
        seconds = time.monotonic() - started
        with self._lock:
            out.print(f"{mark} {title:<34} {seconds:6.1f} s  [dim]{result}[/]")
