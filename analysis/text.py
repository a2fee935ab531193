"""Text and numbers as people read them, safe in each place where they are shown.

Names come from files that anyone may have written: they are cleaned of control characters everywhere, and
escaped for LaTeX, Markdown and spreadsheets here (HTML is escaped by its template).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\rightarrow$",
    "↓": r"$\downarrow$",
    "†": r"\dag{}",
    "Δ": r"$\Delta$",
    "…": r"\ldots{}",
}


def plain(value: object) -> str:
    """`value` on one line, without terminal sequences, control or direction-changing characters."""
    return _CONTROL.sub(" ", _ANSI.sub("", show(value))).strip()


def show(value: object) -> str:
    """A setting as it would be typed, fractions in four digits: none, dist, 64, 0.01, 1e-5, 0.003107.

    Lists and mappings are shown as Python does. Every digit is in trials.csv and best.yaml.
    """
    if value is None:
        return "none"
    if not isinstance(value, float):
        return str(value)
    whole = value.is_integer() and abs(value) < 1e9
    return f"{value:.0f}" if whole else re.sub(r"e([+-])0", r"e\1", f"{value:.4g}")


def short(value: object, most: int) -> str:
    """`plain` text of at most `most` characters, what is cut off marked by an ellipsis."""
    text = plain(value)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def unbroken(text: str) -> str:
    """`text` with no-break spaces between numbers and their units: "95 %", "1.21 M"."""
    return re.sub(r"(?<=\d) (?=(?:%|[kMG]\b))", "\u00a0", text)


def latex(value: object) -> str:
    """`plain` text in which LaTeX finds nothing to execute."""
    return "".join(_LATEX.get(char, char) for char in plain(value))


def markdown(value: object) -> str:
    """`plain` text in which Markdown and HTML find nothing to interpret."""
    return re.sub(r"([\\`*_\[\]<>|#~$&])", r"\\\1", plain(value))


def cell(value: object) -> object:
    """`value` for a CSV file: text is `plain`, and none that a spreadsheet would take for a formula."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def decimals(images: float | None) -> int:
    """Decimals of an accuracy in %: two where one of `images` weighs 0.05 points or less, else one."""
    return 2 if images is not None and images >= 2000 else 1


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in %, without the sign: 0.9861 -> "98.6"; a dash for None."""
    return "–" if fraction is None else f"{100 * fraction:.{digits}f}"


def signed(fraction: float, digits: int = 1) -> str:
    """A difference of fractions in points with its sign (a true minus): -0.0035 -> "−0.3"."""
    text = f"{100 * fraction:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]


def human(count: float | None) -> str:
    """A count in three digits: 1232644 -> "1.23 M"; a dash for None."""
    if count is None:
        return "–"
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * size:
            scaled = count / size
            return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f} {unit}"
    return f"{count:.0f}"


def counted(done: int, of: int | None) -> str:
    """How many are done: "3 of 12", or "3" where no one knows how many there will be."""
    return f"{done} of {of}" if of is not None else str(done)


def column(counts: Sequence[float | None], *, units: str = "MG") -> tuple[str, list[str]]:
    """A column of counts in one unit and with equal decimals: ("M", ["1.23", "0.62"]); dashes for None.

    Args:
        counts: the numbers, at least 0.
        units: "M", or "MG" where giga may be chosen (from 10⁹ on).
    """
    known = [count for count in counts if count is not None]
    unit = "G" if "G" in units and max(known, default=0) >= 1e9 else "M"
    scaled = [None if count is None else count / (1e9 if unit == "G" else 1e6) for count in counts]
    small = min((value for value in scaled if value), default=1.0)
    digits = 2 if small >= 0.1 else 3 if small >= 0.01 else 4
    return unit, ["–" if value is None else f"{value:.{digits}f}" for value in scaled]
