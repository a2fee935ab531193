"""The command line: parse, call, exit code. What it does is done elsewhere."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweeper.wording import printable

_EXAMPLES = """\
examples:
  sweeper run space/finetune.yaml                 a whole sweep on embedded images, minutes on two cores
  sweeper plan finetune                           what it would cost, before it starts
  sweeper run finetune --trials 48 --seed 1 --name second
  sweeper run finetune --set finetune.lr=0.01 --set 'search.prune.percent=[0.5, 0.7]'
  sweeper resume runs/finetune                    go on after Ctrl-C, a crash or a reboot
  sweeper run finetune --address auto              on the Ray cluster that this machine belongs to
  sweeper resume runs/finetune --trials 200       more budget, also for a sweep that has ended
  sweeper status                                  all runs
  sweeper train runs/finetune/report/best.yaml    the best configuration by itself; writes the network
  sweeper store --verify --trim 5                 shared states: read them all, then keep the 5 GB used last

SPACE is a file, or the name of a shipped space (with or without space/ and .yaml).
exit codes: 0 done, 1 cannot finish, 2 bad input, 3 a damaged file, 4 another process owns the run,
130 interrupted
"""


_BUDGETS: dict[str, tuple[type, str]] = {
    "trials": (int, "number of trials"),
    "epochs": (int, "distinct student epochs to train"),
    "hours": (float, "wall time of the search, of all sessions"),
    "macs": (float, "multiply-accumulates to execute"),
    "patience": (int, "trials in a row that may bring nothing better"),
}
"""Option, and key of ``sweep`` -> its type and what it means."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors are one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        return int(options.function(options))
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (flushed into at exit)
        return 0
    except KeyboardInterrupt:
        _say_error("interrupted. Nothing that was finished is lost.")
        return 130
    except Exception as error:
        code = getattr(error, "exit_code", None)
        if options.debug or not isinstance(code, int):
            raise
        for line in str(error).splitlines():
            _say_error(printable(line))
        return code


def _parser() -> argparse.ArgumentParser:
    look: Any = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="sweeper",
        description="Searches sparsity, pruning, finetuning and distillation settings of small CNNs.\n"
        "Weak trials stop early, nothing is trained twice, and a killed sweep goes on.",
        epilog=_EXAMPLES,
        formatter_class=look,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, function: Any, help_: str, argument: str | None = None, optional: bool = False
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_, description=help_, epilog=_EXAMPLES, formatter_class=look)
        one.set_defaults(function=function)
        if argument is not None:
            one.add_argument(argument.lower(), metavar=argument, nargs="?" if optional else None)
        one.add_argument(
            "--json", action="store_true", help="end with one JSON line; the rest goes to stderr"
        )
        one.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return one

    run = command("run", _run, "run a sweep to its end", "SPACE")
    resume = command("resume", _resume, "go on with an interrupted or killed sweep", "RUN")
    plan = command("plan", _plan, "say what a sweep would cost, before it starts", "SPACE")
    train = command("train", _train, "train one configuration, without Ray, and write its network", "CONFIG")
    status = command("status", _status, "show a run, or all runs", "RUN", optional=True)
    store = command("store", _show_store, "show, verify or trim the shared states")
    store.add_argument(
        "--verify",
        action="store_true",
        help="read every file; damaged ones are named and removed (exit code 3)",
    )
    store.add_argument(
        "--trim", type=float, metavar="GB", help="delete what was not used for longest, down to this size"
    )
    for one in (run, plan, train):
        one.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the file"
        )
        one.add_argument("--seed", type=int, help="seed of the student's training and of the sampler")
        one.add_argument("--name", help="name of the run (default: the file's)")
    for one in (run, plan, resume):
        for name, (kind, help_) in _BUDGETS.items():
            one.add_argument(f"--{name}", type=kind, metavar="N", help=help_)
    for one in (run, train, status, plan):
        one.add_argument(
            "--out", type=Path, default=Path("runs"), metavar="DIR", help="where runs are (runs)"
        )
    for one in (run, resume, train, plan, store):
        one.add_argument("--store", type=Path, metavar="DIR", help="shared states (SWEEPER_STORE, or store)")
    resume.add_argument(
        "--accept-loss",
        action="store_true",
        help="go on though trials.jsonl or the ledger is damaged: what follows the damage is done again",
    )
    for one in (run, train):
        one.add_argument("--no-reuse", action="store_true", help="no store: train everything anew")
    for one in (run, resume):
        one.add_argument(
            "--address",
            metavar="HOST:PORT",
            help="a Ray cluster to run on; auto: the one of this machine; local: none (RAY_ADDRESS, or local)",
        )
        one.add_argument(
            "--private-stores",
            action="store_true",
            help="nodes of the cluster share no folder: each keeps the states for itself",
        )
    return parser


def _space(options: argparse.Namespace) -> Any:
    from sweeper.space import load, read_override

    given = options.space if "space" in options else options.config
    overrides = [read_override(text) for text in options.set]
    overrides += [(key, value) for key in ("name", "seed") if (value := getattr(options, key)) is not None]
    overrides += [(f"sweep.{key}", value) for key, value in _budget(options).items()]
    space = load(given, overrides)
    if options.seed is not None and space.settings.sweep is not None:
        space = load(given, [*overrides, ("sweep.seed", options.seed)])
    return space


def _budget(options: argparse.Namespace) -> dict[str, float]:
    """Key of ``sweep`` -> what the command line gives for it."""
    return {key: value for key in _BUDGETS if (value := getattr(options, key, None)) is not None}


def _store(options: argparse.Namespace) -> Path:
    from sweeper.manifest import usual_store

    return options.store or usual_store()


def _run(options: argparse.Namespace) -> int:
    space = _space(options)
    from sweeper.closing import say_closing
    from sweeper.cluster import joined
    from sweeper.options import Options
    from sweeper.run import start

    stream = sys.stderr if options.json else sys.stdout
    store = None if options.no_reuse else _store(options)
    with joined(options.address, private=options.private_stores) as cluster:
        how = Options(store=store, stream=stream, debug=options.debug, cluster=cluster)
        folder = start(space, out=options.out, options=how, command=_command(options))
    say_closing(folder, stream, as_json=options.json)
    return 0


def _resume(options: argparse.Namespace) -> int:
    from sweeper.closing import say_closing
    from sweeper.cluster import joined
    from sweeper.manifest import kept_store
    from sweeper.options import Options
    from sweeper.run import resume

    stream = sys.stderr if options.json else sys.stdout
    folder = Path(options.run)
    store = options.store or kept_store(folder)
    with joined(options.address, private=options.private_stores) as cluster:
        how = Options(
            store=store,
            stream=stream,
            debug=options.debug,
            cluster=cluster,
            accept_loss=options.accept_loss,
        )
        resume(folder, options=how, command=_command(options), budget=_budget(options))
    say_closing(folder, stream, as_json=options.json)
    return 0


def _plan(options: argparse.Namespace) -> int:
    space = _space(options)
    from sweeper.plan import plan
    from sweeper.plan_text import say_plan

    say_plan(plan(space, _store(options)), sys.stdout, as_json=options.json)
    return 0


def _train(options: argparse.Namespace) -> int:
    space = _space(options)
    from sweeper.train import train
    from sweeper.train_text import say_trained, teller

    stream = sys.stderr if options.json else sys.stdout
    store = None if options.no_reuse else _store(options)
    for warning in space.warnings:
        stream.write(f"warning: {printable(warning)}\n")
    trained = train(space, out=options.out, store=store, say=teller(stream))
    say_trained(trained, stream, as_json=options.json)
    return 0


def _status(options: argparse.Namespace) -> int:
    from sweeper.status import say_status

    say_status(options.out, options.run, sys.stdout, as_json=options.json)
    return 0


def _show_store(options: argparse.Namespace) -> int:
    from sweeper.store import say_store

    stream = sys.stderr if options.json else sys.stdout
    return say_store(
        _store(options), stream, verify=options.verify, trim_to=options.trim, as_json=options.json
    )


def _command(options: argparse.Namespace) -> list[str]:
    return ["sweeper", *sys.argv[1:]] if len(sys.argv) > 1 else ["sweeper", shlex.quote(str(options))]


def _say_error(text: str) -> None:
    sys.stderr.write(f"{text}\n")
