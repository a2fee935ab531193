import re

from analysis.pages import Picture, plain_line


def test_a_figure_becomes_markup_with_its_own_ids_words_and_colours() -> None:
    svg = (
        '<?xml version="1.0"?><!DOCTYPE svg><svg width="9pt" viewBox="0 0 9 9" xmlns="x">'
        "<metadata>m</metadata>"
        '<defs><clipPath id="p1"/></defs><g clip-path="url(#p1)"><!-- words --><use xlink:href="#p1"/>'
        '<path style="fill: #0072b2; stroke: #222222"/></g></svg>'
    )
    picture = Picture(name="bars", title="", alt='a "quoted" <b>', caption="", files={"svg": svg.encode()})
    markup = str(picture.svg)
    assert markup.startswith('<svg viewBox="0 0 9 9" role="img" aria-label="a &#34;quoted&#34; &lt;b&gt;"')
    assert re.findall(r'id="([^"]*)"|#(p1)|#(bars-p1)', markup) == [
        ("bars-p1", "", ""),
        ("", "", "bars-p1"),
        ("", "", "bars-p1"),
    ]
    assert "fill: var(--c0); stroke: currentColor" in markup
    assert "metadata" not in markup
    assert "words" not in markup


def test_code_keeps_its_indentation_and_loses_control_characters() -> None:
    assert plain_line("    - \x1b[31mred") == "    - red"
