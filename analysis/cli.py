"""The command line: `python -m analysis report [RUN]`, `python -m analysis compare RUN RUN …`."""

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
    from analysis.comparison.page import Written
    from analysis.report import Report

_EXAMPLES = """\
examples:
  python -m analysis report                      the newest run below runs/
  python -m analysis report finetune             runs/finetune
  python -m analysis report runs/finetune        the same, as a path; also while it runs
  python -m analysis report finetune --json      one JSON line for scripts
  python -m analysis report --out paper/results  written there, to be used in a paper
"""
_COMPARE_EXAMPLES = """\
examples:
  python -m analysis compare tpe-0 tpe-1 random-0 random-1   two methods, two seeds each
  python -m analysis compare runs/a runs/b                   as paths; runs that still run, too
  python -m analysis compare a b --out paper/compare         written there, to be used in a paper
  python -m analysis compare a b --json                      one JSON line for scripts

runs to compare, made with one store (it makes them quick, and neither of them look cheaper):
  python -m sweeper run finetune --name tpe-0 --seed 0
  python -m sweeper run finetune --name tpe-1 --seed 1
  python -m sweeper run finetune --name random-0 --seed 0 --set sweep.sampler=random
"""
_COMPARE_SAYS = """
at equal epochs: every run is judged at the unique student epochs that the shortest one has. An epoch counts once a
  run, whoever trained it; only complete trials count as found
methods: runs whose spaces are equal but for `seed` and `sweep.seed` are one, drawn as a mean with its band (95 % t
  interval from three runs on); methods are paired by seed: t interval, Holm over all comparisons, and the smallest
  difference that could have been seen. Give every method the same seeds, five or more
several objectives: the hypervolume too, 0 to 1, from a stated reference: accuracy 0, the unpruned network's MACs
refused: runs that differ in objective, constraints, data set or split

writes to compare/ (or --out), and touches no run:
  compare.html, compare.md   the figures, the tables, what is decided and what is not
  compare.csv, curves.csv    every run; every step of every run
  tables/, figures/          LaTeX and Markdown; PDF and PNG
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
        return COMMANDS[options.command](options)
    except (InputError, ResultsError) as error:
        _write(sys.stderr, plain(error))
        return error.exit_code
    except OSError as error:
        place = error.filename2 or error.filename or options.out
        made = "report" if options.command == "report" else "comparison"
        _write(sys.stderr, plain(f"{place}: cannot make the {made}: {error.strerror}. See --out."))
        return 1
    except KeyboardInterrupt:
        _write(sys.stderr, "interrupted: what is written is whole. Run it again.")
        return 130


def _parser() -> argparse.ArgumentParser:
    look = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="analysis",
        description="Reads run folders: the best configuration, tables, figures, one report; runs against each other.",
        epilog=_EXAMPLES
        + "  python -m analysis compare tpe-0 random-0       two runs at equal epochs\n"
        + _CODES,
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
    compare = commands.add_parser(
        "compare",
        help="several runs at equal epochs: best, hypervolume, curves, by seed",
        description="Compare runs at equal cost: what each had found when, and whether methods differ.",
        epilog=_COMPARE_EXAMPLES + _COMPARE_SAYS + _CODES,
        formatter_class=look,
    )
    compare.add_argument("run", nargs="+", metavar="RUN", help="run folders or their names, two or more")
    compare.add_argument("--runs", default="runs", metavar="DIR", help="where runs are (default: runs)")
    compare.add_argument("--out", default="compare", metavar="DIR", help="where to write (default: compare)")
    compare.add_argument("--json", action="store_true", help="print one JSON line with all numbers and paths")
    return parser


def _compare(options: argparse.Namespace) -> int:
    from analysis.comparison.facts import comparison_facts
    from analysis.comparison.page import make_comparison

    written = make_comparison([_find(run, Path(options.runs)) for run in options.run], options.out)
    files = [shown(file) for file in written.files]
    facts = comparison_facts(written.found) | {"files": files} if options.json else None
    _write(sys.stdout, json.dumps(facts, allow_nan=False) if facts else _compared(written))
    return 0


def _compared(written: Written) -> str:
    """The table, the sentences and the files, for people."""
    from analysis.comparison.page import headline
    from analysis.comparison.tables import runs_table
    from analysis.comparison.words import sentences
    from analysis.tables import to_text
    from analysis.text import plain, unbroken

    found = written.found
    table = textwrap.indent(to_text(runs_table(found)), "  ")
    said = [
        textwrap.fill(unbroken(plain(text)), 100, initial_indent="  ", subsequent_indent="  ")
        for text in sentences(found)
    ]
    files = [f"  {plain(shown(file))}" for file in written.files]
    return "\n".join((headline(found), "", table, "", *said, "", *files)).replace("\u00a0", " ")


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


COMMANDS = {"report": _report, "compare": _compare}


def _write(stream: TextIO, text: str) -> None:
    """A line; letters that the terminal's encoding lacks become question marks."""
    encoding = stream.encoding or "utf-8"
    stream.write(f"{text}\n".encode(encoding, "replace").decode(encoding))
