"""Run the stages of a rehearsal in order, destroy the deployment and write the report."""

import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from operations import ROOT
from operations.console import Phases, out
from operations.cost.billed_deployment import MONTH_HOURS
from operations.cost.prices import load_prices
from operations.deployment import STATES, Deployment
from operations.errors import OperationError
from operations.inventory import ESSENTIAL_KINDS, inventory, visitors_with_ratings
from operations.local import local_aws_runs, start_local_aws, stop_deployment
from operations.redaction import redact
from operations.rehearsal.report import (
    FAILED,
    PASSED,
    SKIPPED,
    STOPPED,
    CostEstimate,
    RehearsalReport,
    StageFailure,
    StageResult,
)
from operations.rehearsal.stages import STAGES, TAKE_DOWN, Rehearsal, Stage, how_to_destroy
from operations.tools import terraform_version

# Too long for an environment's name, so no deployment keeps its state here.
REPORTS = STATES / "rehearsal-reports"
LOG_LINES = 40
# Terraform writes sensitive outputs to this log in clear text.
NEVER_SHOWN = "terraform-output.log"


def rehearse(
    deployment: Deployment,
    *,
    file: Path | None = None,
    keep: bool = False,
    stages: Sequence[Stage] = STAGES,
    take_down: Sequence[Stage] = TAKE_DOWN,
) -> RehearsalReport:
    """Deploy, use, change, roll back and destroy a deployment, and write a report.

    Args:
        deployment: a deployment of which nothing exists yet.
        file: where to write the report; its suffix is replaced by `.md` and by `.json`.
        keep: after a failed stage, keep what was made so that it can be examined.
        stages: the stages to run; after a failure, the remaining ones are skipped.
        take_down: the stages that delete everything, also after a failure.

    Returns:
        The report of a rehearsal that passed.

    Raises:
        OperationError: if the deployment is not empty, before anything is done; or if a stage
            failed, after the report is written.
    """
    refuse_unless_empty(deployment)
    rehearsal = Rehearsal(deployment)
    report = RehearsalReport(
        deployment.name, deployment.region, deployment.is_local, datetime.now(UTC), _versions()
    )
    made = True
    try:
        passed = _run_all(rehearsal, report, stages)
        made = passed or _is_anything_there(deployment)
        if made and (passed or not keep):
            _run_all(rehearsal, report, take_down)
        else:
            report.stages += [StageResult(stage.name, SKIPPED) for stage in take_down]
    finally:
        # Report also after Ctrl-C: what was made still exists and still costs money.
        pages = _conclude(rehearsal, report, file, made=made)
    _show(report)
    out.print(f"Report: {pages[0]} and {pages[1].name}", markup=False)
    if not report.passed:
        raise OperationError(_sentence(report))
    return report


@contextmanager
def local_aws_for_rehearsal(deployment: Deployment, *, keep: bool) -> Iterator[None]:
    """Start the local AWS for a local rehearsal, and stop it afterwards.

    Do nothing on AWS or if the local AWS runs already. With `keep`, a failure leaves it running.
    """
    if not deployment.is_local or local_aws_runs(deployment):
        yield
        return
    with Phases() as phases:
        start_local_aws(deployment, phases)
    stopping = True
    try:
        yield
    except OperationError:
        stopping = not keep
        raise
    finally:
        if stopping:
            stop_deployment(deployment)


def refuse_unless_empty(deployment: Deployment) -> None:
    """Raise OperationError unless the deployment is known to be empty.

    Anything that exists would be destroyed at the end of the rehearsal.
    """
    there = inventory(deployment)
    if there:
        visitors = visitors_with_ratings(deployment) if "buckets" in there.found else set()
        people = f"; the ratings of {len(visitors)} visitors" if visitors else ""
        advice = "run 'make stop' first" if deployment.is_local else "choose another ENV"
        raise OperationError(
            f"Nothing was done: a rehearsal ends by destroying its deployment, and"
            f" {deployment.name!r} already exists. Found {there}{people}. To rehearse, {advice}."
        )
    if hidden := [kind for kind in ESSENTIAL_KINDS if kind in there.unchecked]:
        raise OperationError(
            f"Nothing was done: it is unknown whether {deployment.name!r} already exists,"
            f" because the caller may not list {', '.join(hidden)}: {there.unchecked[hidden[0]]}."
            " 'make deployer-policy' prints the permissions needed."
        )


def _is_anything_there(deployment: Deployment) -> bool:
    """Return whether a failed rehearsal made anything; True if AWS does not answer."""
    try:
        return bool(inventory(deployment))
    except (BotoCoreError, ClientError):
        return True


def _run_all(rehearsal: Rehearsal, report: RehearsalReport, stages: Sequence[Stage]) -> bool:
    """Run stages until one fails; return whether all passed."""
    for number, stage in enumerate(stages):
        out.print(f"\n[bold]{stage.name}[/]")
        if not _run_one(rehearsal, report, stage):
            report.stages += [StageResult(each.name, SKIPPED) for each in stages[number + 1 :]]
            return False
    return True


def _run_one(rehearsal: Rehearsal, report: RehearsalReport, stage: Stage) -> bool:
    started, began = time.monotonic(), time.time()
    done = StageResult(stage.name, STOPPED)
    report.stages.append(done)
    try:
        done.result = stage.run(rehearsal)
        done.outcome = PASSED
    except Exception as error:  # after any error, the take-down must still run
        done.outcome, done.result = FAILED, str(error) or type(error).__name__
        # Report the first failure; the table shows later ones.
        report.failure = report.failure or _failure(rehearsal.deployment, stage, error, began)
        out.print(f"[red]✗[/] {stage.name}: ", end="")
        out.print(done.result, markup=False)
    finally:
        done.seconds = time.monotonic() - started
    return done.outcome == PASSED


def _failure(deployment: Deployment, stage: Stage, error: Exception, began: float) -> StageFailure:
    words = str(error) if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
    log = _newest_log(deployment, began)
    if log is None:
        return StageFailure(stage.name, words)
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    return StageFailure(stage.name, words, log.name, tuple(lines))


def _newest_log(deployment: Deployment, began: float) -> Path | None:
    """Return the log that was written last since a stage began, or None."""
    written = [
        (log.stat().st_mtime, log)
        for log in (deployment.state / "logs").glob("*.log")
        # A file system's times are less precise than the clock's.
        if log.name != NEVER_SHOWN and log.stat().st_mtime >= began - 1
    ]
    return max(written)[1] if written else None


def _conclude(
    rehearsal: Rehearsal, report: RehearsalReport, file: Path | None, *, made: bool
) -> tuple[Path, Path]:
    report.ended = datetime.now(UTC)
    report.left, report.unchecked = rehearsal.left, rehearsal.unchecked
    report.notes += rehearsal.notes
    report.estimate = _estimate(rehearsal, report)
    if not made:
        report.notes.append(
            "Nothing had been created when it failed, so nothing had to be destroyed."
        )
    elif not report.passed and not _is_taken_down(report):
        report.clean_up = (
            f"What the rehearsal created may still exist, and cost money on AWS. Run"
            f" '{how_to_destroy(rehearsal.deployment)}'; if it is interrupted, run it again."
        )
    name = f"{rehearsal.deployment.name}-{report.started:%Y%m%d-%H%M%S}"
    return report.write(file or REPORTS / name)


def _is_taken_down(report: RehearsalReport) -> bool:
    """Return whether the last take-down stage, which finds anything that is left, passed."""
    last = report.stages[-1] if report.stages else None
    return last is not None and last.name == TAKE_DOWN[-1].name and last.outcome == PASSED


def _estimate(rehearsal: Rehearsal, report: RehearsalReport) -> CostEstimate | None:
    if rehearsal.bill is None:
        return None
    prices, hours = load_prices(), report.seconds / 3600
    hour = rehearsal.bill.idle / MONTH_HOURS
    return CostEstimate(
        hour,
        hour * hours,  # its one visitor gets no text and costs less than a tenth of a cent
        hours,
        prices.region,
        prices.dated.isoformat(),
        rehearsal.bill.idle,
    )


def _versions() -> dict[str, str]:
    """Return the versions that are needed to reproduce the rehearsal."""
    commit = _words("git", "rev-parse", "--short=10", "HEAD")
    changed = ", changed" if _words("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {
        "Marquee": f"{commit or 'without a commit'}{changed}",
        "Terraform": terraform_version() or "missing",
        "Python": platform.python_version(),
        "on": f"{platform.system()} {platform.machine()}",
    }


def _words(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _show(report: RehearsalReport) -> None:
    out.print()
    colours = {PASSED: "green", FAILED: "red"}
    for stage in report.stages:
        colour = colours.get(stage.outcome, "yellow")
        out.print(f"[{colour}]{stage.outcome:<8}[/] {stage.name:<30} {stage.seconds:7.1f} s")
    if report.estimate:
        out.print(f"Estimated cost on AWS: {report.estimate.rehearsal:.2f} dollars.")


def _sentence(report: RehearsalReport) -> str:
    failed = report.failure
    words = f"The rehearsal failed at {failed.stage!r}: {failed.error}" if failed else "Stopped."
    # Users may paste this message into bug reports, too.
    return redact(" ".join(filter(None, (words, report.clean_up))))
