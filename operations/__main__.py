"""Operate Marquee. ENV chooses the deployment (default: local), PORT the local AWS's port."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from marquee.recommender.scorers import EVALUATED, MLLIB
from operations import addresses, local, logs, status, texts
from operations.append_ratings import append_ratings, check_append
from operations.bootstrap import bootstrap
from operations.cluster_steps import cancel_steps, show_step_logs
from operations.console import Phases, on_stderr, out
from operations.cost.report import cost_as_json, show_cost
from operations.deploy import cluster_replacement, deploy, fetch_node_wheels
from operations.deployer_policy import deployer_policy
from operations.deployment import Deployment, choose_deployment
from operations.destroy import destroy
from operations.drift import detect_drift, expect_no_changes
from operations.errors import OperationError, exit_with_one_sentence
from operations.evaluate import evaluate_models
from operations.evaluation_chart import draw_chart
from operations.evaluation_tables import show_report
from operations.export_ratings import export_ratings
from operations.flow import follow_flow, read_form
from operations.import_ratings import check_ratings, import_ratings
from operations.incoming import add_drops
from operations.posters import KEY_VARIABLE, Tmdb, fetch_posters, key_from, remove_posters
from operations.preflight.run import as_json, pass_preflight, preflight, raise_stops, show_results
from operations.redrive import redrive
from operations.rehearsal.run import local_aws_for_rehearsal, rehearse
from operations.releases import roll_back, show_rollback
from operations.renew import renew
from operations.rollback_data import rollback_data
from operations.rollback_model import rollback_model
from operations.terraform import Terraform
from operations.tools import require
from operations.train import retrain
from operations.unlock import unlock
from operations.waiting_times import waiting_time
from operations.watching.page import write_report
from operations.waterfall.report import show_waterfall

type Run = Callable[[Deployment, argparse.Namespace], None]
type Option = tuple[tuple[str, ...], dict[str, Any]]

FLOW_SECONDS = 900.0
LOG_MINUTES = 15
FLAG = {"action": "store_true"}


@dataclass(frozen=True)
class Command:
    """A command: what it does, in words and in code, and its options."""

    words: str
    run: Run
    options: tuple[Option, ...]


COMMANDS: dict[str, Command] = {}


def command(name: str, words: str, *options: Option) -> Callable[[Run], Run]:
    """Return a decorator that makes a function the command `name` of `python -m operations`.

    Args:
        name: the command's name on the command line.
        words: what the command does, as the help prints it.
        options: the command's options and arguments, each made with `option`.
    """

    def declare(run: Run) -> Run:
        COMMANDS[name] = Command(words, run, options)
        return run

    return declare


def option(*names: str, **settings: Any) -> Option:
    """Return an option or argument of a command, with the arguments of `add_argument`."""
    return names, settings


@command("local", "start everything on this machine")
def _local(deployment: Deployment, _: argparse.Namespace) -> None:
    local.start_deployment(deployment)


@command("stop", "stop the local AWS and leave nothing behind")
def _stop(deployment: Deployment, _: argparse.Namespace) -> None:
    out.print(local.stop_deployment(deployment))


@command("bootstrap", "create the bucket for Terraform's state")
def _bootstrap(deployment: Deployment, _: argparse.Namespace) -> None:
    bucket = bootstrap(deployment)
    out.print(f"Terraform keeps the state of {deployment.name!r} in the bucket {bucket}.")


@command(
    "plan",
    "show what Terraform would change",
    option("--expect-none", **FLAG, help="fail if anything would change"),
)
def _plan(deployment: Deployment, options: argparse.Namespace) -> None:
    require("terraform")
    with Phases() as phases:
        pass_preflight(deployment, phases, making=False)
        fetch_node_wheels(deployment, phases)
    terraform = Terraform(deployment)
    terraform.init()
    plan = terraform.plan(with_text=True)
    out.print(plan.text, markup=False, end="")
    if sentence := cluster_replacement(deployment, plan):
        out.print(sentence)
    if options.expect_none:
        expect_no_changes(plan)


@command("renew", "replace the cluster while visitors are served")
def _renew(deployment: Deployment, _: argparse.Namespace) -> None:
    require("terraform")
    with Phases() as phases:
        renewed = renew(deployment, phases)
    out.print(renewed)


@command(
    "preflight",
    "list what would stop a deployment; changes nothing",
    option("--json", **FLAG, help="print JSON"),
)
def _preflight(deployment: Deployment, options: argparse.Namespace) -> None:
    quiet = on_stderr() if options.json else nullcontext()
    with quiet, Phases() as phases, phases.phase("check the account") as phase:
        results = preflight(deployment, progress=phase.detail)
    if options.json:
        print(json.dumps(as_json(deployment, results), ensure_ascii=False))
    else:
        show_results(results)
    raise_stops(deployment, results)


@command(
    "cost",
    "estimate the deployment's monthly cost; needs no account",
    option("--json", **FLAG, help="print JSON"),
    option(
        "--plan", type=Path, help="use this output of `terraform show -json` instead of planning"
    ),
)
def _cost(deployment: Deployment, options: argparse.Namespace) -> None:
    require("terraform")
    if options.json:
        print(json.dumps(cost_as_json(deployment, options.plan), ensure_ascii=False))
    else:
        show_cost(deployment, options.plan)


@command("deploy", "make the account match the work tree")
def _deploy(deployment: Deployment, _: argparse.Namespace) -> None:
    deploy(deployment)


@command(
    "unlock",
    "remove the lock that a killed Terraform left on its state",
    option("--force", **FLAG, help="also a lock that another machine or process may still hold"),
)
def _unlock(deployment: Deployment, options: argparse.Namespace) -> None:
    require("terraform")
    out.print(unlock(deployment, force=options.force), markup=False)


@command("drift", "list differences between the account and the work tree; changes nothing")
def _drift(deployment: Deployment, _: argparse.Namespace) -> None:
    require("terraform")
    with Phases() as phases:
        detect_drift(deployment, phases)
    out.print(f"The deployment {deployment.name!r} matches the work tree.")


@command(
    "deployer-policy",
    "print the permissions that deploying needs, as JSON",
    option("--part", help="print only this document, without white space, ready for IAM"),
    option("--boundary", **FLAG, help="require the permissions boundary for every role"),
    option("--read-only", **FLAG, help="print only what plan and drift need"),
)
def _deployer_policy(deployment: Deployment, options: argparse.Namespace) -> None:
    print(
        deployer_policy(
            deployment, options.part, bounded=options.boundary, read_only=options.read_only
        )
    )


@command("destroy", "destroy everything; asks first unless YES=1")
def _destroy(deployment: Deployment, _: argparse.Namespace) -> None:
    require("terraform")
    with Phases() as phases:
        destroy(deployment, phases)


@command("rollback", "return the functions to their previous release")
def _rollback(deployment: Deployment, _: argparse.Namespace) -> None:
    show_rollback(roll_back(deployment))


@command(
    "rollback-model",
    "publish a kept model again",
    option("--model", help="the model's id (default: the one before the active one)"),
)
def _rollback_model(deployment: Deployment, options: argparse.Namespace) -> None:
    with Phases() as phases:
        rollback_model(deployment, phases, options.model)


@command("rollback-data", "make the former ratings and their model active again")
def _rollback_data(deployment: Deployment, _: argparse.Namespace) -> None:
    with Phases() as phases:
        rollback_data(deployment, phases)


@command(
    "rehearse",
    "deploy, use, change, roll back and destroy an empty deployment",
    option(
        "--report", type=Path, help="report to write (default: a file in .local/rehearsal-reports)"
    ),
    option("--keep", **FLAG, help="if a stage fails, keep what was created"),
)
def _rehearse(deployment: Deployment, options: argparse.Namespace) -> None:
    require("terraform")
    with local_aws_for_rehearsal(deployment, keep=options.keep):
        rehearse(deployment, file=options.report, keep=options.keep)


@command(
    "import",
    "import ratings as the active data set, and train",
    option("path", type=Path, help="folder, archive or file of ratings"),
    option("--name", help="the data set's name (default: the folder's)"),
    option("--append", **FLAG, help="add them to the active data set instead of replacing it"),
    option("--scale", help="the ratings' scale, such as '1 to 10' (default: recognised)"),
    option("--check", **FLAG, help="only read the ratings, and print what would be imported"),
    option("--force", **FLAG, help="go on where the ratings seem misread, too few or unmeasurable"),
)
def _import(deployment: Deployment, options: argparse.Namespace) -> None:
    run: Callable[..., object]
    if options.append:
        run = check_append if options.check else append_ratings
    else:
        run = check_ratings if options.check else import_ratings
    with Phases() as phases:
        run(
            deployment,
            phases,
            options.path,
            name=options.name,
            scale=options.scale,
            force=options.force,
        )


@command("drops", "add the drops below incoming/ in the ratings bucket to the active data set")
def _drops(deployment: Deployment, _: argparse.Namespace) -> None:
    with Phases() as phases:
        add_drops(deployment, phases)


@command(
    "export",
    "download the active ratings and movies as MovieLens csv",
    option("into", type=Path, help="folder to write into, which is new or empty"),
)
def _export(deployment: Deployment, options: argparse.Namespace) -> None:
    with Phases() as phases:
        export_ratings(deployment, phases, options.into)


@command(
    "evaluate",
    "measure models on held-out ratings; publishes nothing",
    option("path", type=Path, help="folder, archive or file of ratings"),
    option("--name", help="the data set's name (default: the folder's)"),
    option("--models", help=f"a list of {','.join(EVALUATED)} (default: all but {MLLIB})"),
    option("--split", help="random, official or u1 to u5 (default: official if there is one)"),
    option("--seed", type=int, default=1, help="seed of the split and of the training"),
    option("--json", **FLAG, help="print JSON on stdout, and everything else on stderr"),
)
def _evaluate(deployment: Deployment, options: argparse.Namespace) -> None:
    with on_stderr() if options.json else nullcontext(), Phases() as phases:
        report = evaluate_models(
            deployment,
            phases,
            options.path,
            name=options.name,
            models=options.models,
            split=options.split,
            seed=options.seed,
        )
        if not options.json:
            show_report(report)
        out.print(draw_chart(report, deployment.state), markup=False)
    if options.json:
        print(json.dumps(report, ensure_ascii=False))


@command(
    "train",
    "train on the active data set",
    option(
        "--all-visitors", **FLAG, help="include the visitors who were left out of the active model"
    ),
)
def _train(deployment: Deployment, options: argparse.Namespace) -> None:
    with Phases() as phases:
        retrain(deployment, phases, all_visitors=options.all_visitors)


@command(
    "posters",
    "fetch the movies' posters from TMDB, for the site to show",
    option(
        "--key-file",
        type=Path,
        help=f"file with your TMDB key (default: the key in ${KEY_VARIABLE})",
    ),
    option("--remove", **FLAG, help="remove all posters"),
)
def _posters(deployment: Deployment, options: argparse.Namespace) -> None:
    with Phases() as phases:
        if options.remove:
            remove_posters(deployment, phases)
        else:
            fetch_posters(deployment, phases, Tmdb(key_from(options.key_file)))


@command(
    "flow",
    "submit a questionnaire and follow it to the text",
    option("--file", type=Path, help="a form as JSON (default: one that rates the questionnaire)"),
    option("--seed", type=int, default=1, help="seed of the invented visitor's taste"),
    option("--phone", help="a phone number to text (default on AWS: none)"),
    option("--deadline", type=float, default=FLOW_SECONDS, help="seconds to wait"),
    option("--times", **FLAG, help="then show where the seconds between form and text went"),
)
def _flow(deployment: Deployment, options: argparse.Namespace) -> None:
    flow = follow_flow(
        deployment,
        read_form(options.file) if options.file else None,
        seed=options.seed,
        phone=options.phone,
        deadline=options.deadline,
    )
    if options.times:
        show_waterfall(deployment, flow)


@command("texts", "show the texts that the local AWS was asked to send")
def _texts(deployment: Deployment, _: argparse.Namespace) -> None:
    texts.show_texts(deployment)


@command("redrive", "move dead letters back to their queues")
def _redrive(deployment: Deployment, _: argparse.Namespace) -> None:
    redrive(deployment)


@command(
    "logs",
    "show what the functions logged, or a step's log",
    option("--function", help=f"one of {', '.join(logs.FUNCTIONS)} (default: all)"),
    option("--minutes", type=int, default=LOG_MINUTES, help="minutes to look back"),
    option("--step", help="a step's id or name: show why it ended, and the end of its log"),
)
def _logs(deployment: Deployment, options: argparse.Namespace) -> None:
    if options.step:
        show_step_logs(deployment, options.step)
    else:
        logs.show_logs(deployment, options.function, options.minutes)


@command(
    "cancel",
    "cancel the cluster's steps, except those that serve visitors",
    option("--step", help="cancel only this step: its id or name"),
)
def _cancel(deployment: Deployment, options: argparse.Namespace) -> None:
    cancel_steps(deployment, options.step)


@command("status", "show model, cluster, steps, queues and dead letters")
def _status(deployment: Deployment, _: argparse.Namespace) -> None:
    status.show_status(deployment)


@command(
    "report",
    "write a page with the visitors' story in numbers, plots, models and alarms",
    option("--file", type=Path, help="file to write (default: report.html in .local/<ENV>)"),
    option("--days", type=int, help="days to cover (default: 14; on the local AWS: 1)"),
)
def _report(deployment: Deployment, options: argparse.Namespace) -> None:
    with Phases() as phases:
        write_report(deployment, phases, options.file, options.days)


@command("api-url", "print the API's address")
def _api_url(deployment: Deployment, _: argparse.Namespace) -> None:
    out.print(addresses.api_url(deployment))


@command("site-url", "print the site's address")
def _site_url(deployment: Deployment, _: argparse.Namespace) -> None:
    out.print(addresses.site_url(deployment))


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(prog="python -m operations", description=__doc__)
    whole.add_argument("--env", help="deployment (default: $ENV, else local)")
    whole.add_argument(
        "--port",
        type=int,
        help="the local AWS's port (default: $PORT, else that of the running one, else 4566)",
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, each in COMMANDS.items():
        own = commands.add_parser(name, help=each.words, description=each.words)
        for names, settings in each.options:
            own.add_argument(*names, **settings)
    return whole


@exit_with_one_sentence
def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; report an AWS error in one sentence (with $DEBUG set, as a traceback)."""
    options = parser().parse_args(arguments)
    try:
        COMMANDS[options.command].run(choose_deployment(options.env, options.port), options)
    except (BotoCoreError, ClientError) as error:
        if os.environ.get("DEBUG"):
            raise
        raise OperationError(
            f"A call to AWS failed in 'make {options.command}': {error}{waiting_time([str(error)])}"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
