"""The command line: `python -m analysis report [RUN]`."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from analysis.errors import InputError, ResultsError
from analysis.files import shown

if TYPE_CHECKING:
    from analysis.report import Report

_EXAMPLES = """\
examples:
  python -m analysis report                      the newest run below runs/
  python -m analysis report finetune             runs/finetune
  python -m analysis report runs/finetune        the same, as a path; also while it runs
  python -m analysis report finetune --json      one JSON line for scripts
  python -m analysis report --out paper/results  written there, to be used in a paper
"""
_WRITES = """
writes to RUN/report/, and touches nothing else:
  report.html   one file, no network: the answer, why, everything
  report.md     the same for a repository
  best.yaml     the chosen configuration: python -m sweeper train RUN/report/best.yaml
  next.yaml     a space that follows from this one, where anything does: python -m sweeper run RUN/report/next.yaml
  tables/       LaTeX (\\usepackage{booktabs,graphicx}, then \\input) and Markdown
  figures/      PDF and PNG
  trials.csv    every trial, every digit
  confirm.csv   every run that confirms the finalists, where the space has `confirm`

chooses the cheapest network whose 95 % interval reaches the best accuracy; once the finalists are confirmed,
the cheapest of them that is not worse on fresh seeds than the best; the rule is printed with it
"""
_CODES = """
exit codes: 0 done, 1 cannot write, 2 bad input, 3 a damaged file, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors are one line on stderr."""
    from analysis.text import plain

    options = _parser().parse_args(arguments)
    try:
        return _report(options)
    except (InputError, ResultsError) as error:
        _write(sys.stderr, plain(error))
        return error.exit_code
    except OSError as error:
        place = error.filename2 or error.filename or options.run
        _write(sys.stderr, plain(f"{place}: cannot make the report: {error.strerror}. See --out."))
        return 1
    except KeyboardInterrupt:
        _write(sys.stderr, "interrupted: what is written is whole. Make the report again.")
        return 130


def _parser() -> argparse.ArgumentParser:
    look = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="analysis",
        description="Reads run folders: the best configuration, tables, figures, one report.",
        epilog=_EXAMPLES + _CODES,
        formatter_class=look,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    report = commands.add_parser(
        "report",
        help="write RUN/report: the best network, tables, figures",
        description="Write RUN/report: the best network and how sure it is, tables and figures for a paper.",
        epilog=_EXAMPLES + _WRITES + _CODES,
        formatter_class=look,
    )
    report.add_argument(
        "run", nargs="?", metavar="RUN", help="a run folder or its name; the newest without it"
    )
    report.add_argument("--runs", default="runs", metavar="DIR", help="where runs are (default: runs)")
    report.add_argument("--out", metavar="DIR", help="write there instead of RUN/report")
    report.add_argument("--json", action="store_true", help="print one JSON line with the best and the paths")
    return parser


def _report(options: argparse.Namespace) -> int:
    from analysis.report import make_report

    report = make_report(_find(options.run, Path(options.runs)), out=options.out)
    _write(sys.stdout, json.dumps(_facts(report), allow_nan=False) if options.json else _summary(report))
    return 0


def _find(run: str | None, root: Path) -> Path:
    """The folder that `run` means: a path, or a name below `root`; the newest there when not given."""
    from analysis.records import MANIFEST, newest_run

    if run is None:
        return newest_run(root)
    folders = [folder for folder in (Path(run), root / run) if folder.is_dir()]
    if folders:
        return next((folder for folder in folders if (folder / MANIFEST).exists()), folders[0])
    names = sorted(file.parent.name for file in root.glob(f"*/{MANIFEST}"))
    close = difflib.get_close_matches(run, names, n=1)
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    mend = f"Did you mean {close[0]}?" if close else f"There is: {', '.join(names[:8]) or 'nothing'}{more}."
    raise InputError(f"{run}: no such run, here or below {root}. {mend}")


def _summary(report: Report) -> str:
    """The answer and the files, for people: cleaned text, at most 100 wide."""
    from analysis.advice.words import next_line
    from analysis.export import NEXT
    from analysis.text import plain, unbroken

    said = report.answer
    settings = " · ".join(f"{name} {value}" for name, value in said.settings)
    rows = [("Best", said.headline), ("", said.saves), ("", settings), ("Rule", said.rule)]
    rows += [("Trials", said.trials), ("Epochs", said.epochs)]
    rows += [("Next", next_line(report.advice, report.folder / NEXT))] if report.advice else []
    lines = [
        textwrap.fill(unbroken(plain(text)), 100, initial_indent=f"  {name:8}", subsequent_indent=" " * 10)
        for name, text in rows
        if text
    ]
    files = [f"  {plain(shown(file))}" for file in report.files]
    head = plain(f"{report.run.name}: {said.status}")
    return "\n".join((head, "", *lines, "", *files)).replace("\u00a0", " ")


def _facts(report: Report) -> dict[str, Any]:
    """The answer and the files, for scripts; fractions and counts."""
    from analysis.advice.facts import advice_facts
    from analysis.answer import counts
    from analysis.confirmation.facts import confirmation_facts

    facts: dict[str, Any] = {
        "run": shown(report.run.path),
        "status": report.run.manifest.get("status"),
        "trials": {state.value: count for state, count in counts(report.run).items()},
        "epochs": {name: getattr(report.cost, name) for name in ("alone", "trained", "executed", "teacher")},
        "views": {
            "computed": report.cost.views,
            "again": report.cost.views_again,
            "live": report.cost.views_live,
        },
        "macs": None if report.cost.macs is None else asdict(report.cost.macs),
        "seconds": None if report.cost.seconds is None else asdict(report.cost.seconds),
        "files": [shown(file) for file in report.files],
        "unpruned": None,
        "best": None,
        "confirmation": confirmation_facts(report.confirmation) if report.confirmation else None,
        "next": advice_facts(report.advice) if report.advice else None,
    }
    if start := report.unpruned:
        facts["unpruned"] = {"trial": start.trial, "what": start.what, "accuracy": start.accuracy}
        facts["unpruned"] |= {"params": start.params, "macs": start.macs}
    if report.choice:
        chosen = report.choice.chosen
        facts["best"] = {
            "trial": chosen.trial.number,
            "twins": list(chosen.twins),
            "params": dict(chosen.trial.params),
            "metrics": {
                name: value
                for name, value in chosen.trial.metrics.items()
                if not isinstance(value, dict | list)
            },
            "interval": [chosen.interval.low, chosen.interval.high] if chosen.interval else None,
            "rule": report.choice.rule,
        }
    return facts


def _write(stream: TextIO, text: str) -> None:
    """A line; letters that the terminal's encoding lacks become question marks."""
    encoding = stream.encoding or "utf-8"
    stream.write(f"{text}\n".encode(encoding, "replace").decode(encoding))
