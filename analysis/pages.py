"""The report as Markdown and as one self-contained HTML file, from templates and escaped values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.figures import COLOURS, FAINT, INK, PAPER
from analysis.tables import Table, to_markdown
from analysis.text import markdown, plain, unbroken


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A drawn figure and its words; `files` maps pdf, png and svg to bytes, `name` is the file's stem."""

    name: str
    title: str
    alt: str
    caption: str
    files: Mapping[str, bytes]

    @property
    def svg(self) -> Any:
        """The figure as markup for the page: unique ids, an alternative text, colours of the page's theme."""
        from markupsafe import Markup, escape

        svg = self.files["svg"].decode("utf-8")
        svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{self.name}-", svg)
        box = re.search(r'viewBox="[^"]*"', svg)
        assert box, "matplotlib writes a viewBox"
        head = f'<svg {box[0]} role="img" aria-label="{escape(plain(self.alt))}" xmlns:xlink="{_XLINK}">'
        svg = re.sub(r"^<svg[^>]*>", lambda _: head, svg)
        for colour, name in _THEME.items():
            svg = svg.replace(colour.lower(), name)
        return Markup(svg.strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the report under its own title: sentences, then figures, then tables by the name of their file."""

    title: str
    words: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()


_XLINK = "http://www.w3.org/1999/xlink"
_THEME = {INK: "currentColor", FAINT: "var(--faint)", PAPER: "var(--paper)"} | {
    c: f"var(--c{i})" for i, c in enumerate(COLOURS)
}


def to_html(content: Mapping[str, Any], template: str = "report") -> str:
    """The page of a template; every value is cleaned of control characters and escaped by the template engine."""
    return _render(f"{template}.html.j2", content, autoescape=True)


def to_md(content: Mapping[str, Any], template: str = "report") -> str:
    """The Markdown of a template; every value is escaped unless it is markup made here."""
    return re.sub(r"\n{3,}", "\n\n", _render(f"{template}.md.j2", content, autoescape=False))


def _render(template: str, content: Mapping[str, Any], *, autoescape: bool) -> str:
    import jinja2
    from markupsafe import Markup

    def clean(value: object) -> object:
        return (
            value
            if isinstance(value, Markup)
            else unbroken(plain(value))
            if autoescape
            else Markup(markdown(value))
        )

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis"),
        autoescape=autoescape,
        finalize=clean,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = lambda text: Markup(_indented(text))
    environment.filters["lines"] = lambda text: Markup("\n").join(map(plain_line, text.splitlines()))
    environment.filters["table"] = lambda table: Markup(to_markdown(table))
    return environment.get_template(template).render(content)


def plain_line(line: str) -> str:
    """One line of code: cleaned, its indentation kept."""
    return line[: len(line) - len(line.lstrip(" "))] + plain(line)


def _indented(text: str) -> str:
    return "".join(f"    {plain_line(line)}\n" for line in text.splitlines())
