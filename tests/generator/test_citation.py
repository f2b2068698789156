"""How a row is cited and embedded, whatever stands in its names."""

from __future__ import annotations

from dataclasses import replace

import cmarkgfm
import pytest

from generator.citation import Citation
from tests.generator.examples import Folder, samples

SITE = "https://board.example/"


@pytest.fixture
def citation(basic: Folder) -> Citation:
    basic.measured("run-1", "gpu-a", samples([10**6]), submitter="A. Person")
    return Citation(basic.board().data.runs["run-1"].run, "GPU A: 1000 tok/s", SITE)


def test_bibtex_names_who_measured_what_when_and_where(citation: Citation) -> None:
    lines = citation.bibtex.splitlines()
    assert lines[0] == "@misc{run-1,"
    assert "  author = {{A. Person}}," in lines
    assert "  howpublished = {Decode Board, \\url{https://board.example/rows/run-1/}}," in lines
    assert f"  year = {{{citation.day[:4]}}}," in lines
    assert lines[-1] == "}"


def test_what_tex_would_run_is_written_as_text(citation: Citation) -> None:
    hostile = replace(citation, title=r"a}{\input{x} 5 % & $y_1^2$ ~ #")
    (title,) = (line for line in hostile.bibtex.splitlines() if line.startswith("  title"))
    assert title == (
        r"  title = {{a\}\{\textbackslash{}input\{x\} 5 \% \& \$y\_1\textasciicircum{}2\$ \textasciitilde{} \#}},"
    )


def test_the_markdown_badge_is_one_image_in_one_link(citation: Citation) -> None:
    hostile = replace(citation, title="a](https://elsewhere.example) <b> `c` [d")
    html = cmarkgfm.github_flavored_markdown_to_html(hostile.markdown)
    assert html.count("<a ") == html.count("<img ") == 1
    assert 'href="https://board.example/rows/run-1/"' in html
    assert "elsewhere.example)" in html


def test_the_html_badge_quotes_its_text(citation: Citation) -> None:
    assert 'alt="&quot; onload=&quot;x"' in replace(citation, title='" onload="x').html
