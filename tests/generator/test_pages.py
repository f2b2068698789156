"""Templates to pages: what strangers wrote stays text, links hold at every depth, nothing is missing."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import jinja2
import pytest

from generator.build import prepare
from generator.pages import Page, inject, render_pages
from schemas.prose import render as render_prose
from tests.generator.examples import Folder, samples, timing, timings

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too'"


@pytest.fixture
def site_src(tmp_path: Path) -> Path:
    """An empty folder of templates."""
    for name in ("pages", "fragments"):
        (tmp_path / "src" / name).mkdir(parents=True)
    return tmp_path / "src"


def page(site_src: Path, template: str, fragment: str = "", path: str = "p.md", **context: Any) -> Page:
    """The one page of ``template``, which may call the fragment ``f``."""
    (site_src / "pages" / path).parent.mkdir(parents=True, exist_ok=True)
    (site_src / "pages" / path).write_text(template)
    (site_src / "fragments" / "f.html").write_text(fragment)
    (made,) = render_pages(site_src, context, {}, None)
    return made


def html(text: str) -> str:
    """Markdown as the site renders it, before anything is cleaned away."""
    import markdown

    return markdown.markdown(text, extensions=["toc"])


def test_html_in_a_fragment_is_escaped(site_src: Path) -> None:
    made = page(
        site_src, "{{ fragment('f', name=name) }}", "<td title='{{ name }}'>{{ name }}</td>", name=HOSTILE
    )
    (fragment,) = made.fragments
    assert "<script" not in fragment
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;quoted&#34; &#39;too&#39;</td>" in fragment


def test_html_in_an_imported_part_of_a_fragment_is_escaped(site_src: Path) -> None:
    (site_src / "fragments" / "_part.html").write_text(
        "{% macro cell(name) %}<td>{{ name }}</td>{% endmacro %}"
    )
    using = '{% import "fragments/_part.html" as part %}{{ part.cell(name) }}'
    made = page(site_src, "{{ fragment('f', name=name) }}", using, name=HOSTILE)
    assert made.fragments[0].startswith("<td>&lt;script&gt;")


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE, "*a* _b_ `c` **d**", "[a](https://example.org)", "![a](x)", "# a", "a\\*b", "1. a", "- a", "+ a",
        "a | b", "<https://example.org>", "&lt;b&gt;", "{: .x }", "~~a~~", "a [b][c]", "((a))",
    ],
)  # fmt: skip
def test_a_name_never_becomes_markup(site_src: Path, name: str) -> None:
    made = page(site_src, "# {{ name | md }}\n\n{{ name | md }}\n", name=name)
    heading, paragraph = html(made.markdown).split("\n")
    assert re.fullmatch(r'<h1 id="[^"<>]*">[^<>]*</h1>', heading)
    assert re.fullmatch(r"<p>[^<>]*</p>", paragraph)
    shown = paragraph.removeprefix("<p>").removesuffix("</p>")
    assert unescape(shown) == name


def test_prose_of_a_record_is_cleaned(site_src: Path) -> None:
    made = page(site_src, "{{ fragment('f', notes=notes) }}", "{{ notes | prose }}", notes=f"**a** {HOSTILE}")
    assert made.fragments == [str(render_prose(f"**a** {HOSTILE}"))]
    assert "<strong>a</strong>" in made.fragments[0]
    assert "<script" not in made.fragments[0]


def test_a_placeholder_in_the_text_of_a_record_stays_text(site_src: Path) -> None:
    trick = '<div data-fragment="0"></div>'
    made = page(site_src, "{{ trick | md }}\n\n{{ fragment('f', trick=trick) }}", "{{ trick }}", trick=trick)
    whole = inject(html(made.markdown), made)
    assert whole.count("<div") == 0
    assert unescape(whole).count("<div") == 2


def test_fragments_come_back_in_their_places(site_src: Path) -> None:
    template = "a\n\n{{ fragment('f', n=1) }}\n\n*b*\n\n{{ fragment('f', n=2) }}\n"
    made = page(site_src, template, "<table>*{{ n }}*</table>")
    assert made.fragments == ["<table>*1*</table>", "<table>*2*</table>"]
    assert inject(html(made.markdown), made).split() == [
        "<p>a</p>", "<table>*1*</table>", "<p><em>b</em></p>", "<table>*2*</table>",
    ]  # fmt: skip


def test_a_backslash_in_a_fragment_stays_one() -> None:
    made = Page("p.md", fragments=[r"\1 \g<0> \\"])
    assert inject('<div data-fragment="0"></div>', made) == r"\1 \g<0> \\"


def test_html_without_placeholders_stays_as_it_is() -> None:
    assert inject("<p>a</p>", Page("p.md")) == "<p>a</p>"


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("index.md", "./"),
        ("decode.md", "../"),
        ("kernels/index.md", "../"),
        ("kernels/softmax.md", "../../"),
        ("a/b/c.md", "../../../"),
    ],
)
def test_an_address_leads_to_the_root_at_every_depth(site_src: Path, path: str, root: str) -> None:
    template = "{{ url('kernels/x/') }} {{ fragment('f') }}"
    made = page(site_src, template, "{{ url('kernels/x/') }}", path=path)
    assert made.root == root
    assert made.markdown.startswith(f"{root}kernels/x/ ")
    assert made.fragments == [f"{root}kernels/x/"]


@pytest.mark.parametrize("template", ["{{ nothing }}", "{{ row.nothing }}", "{{ fragment('f') }}"])
def test_a_name_that_does_not_exist_stops_the_build(site_src: Path, template: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        page(site_src, template, "{{ nothing }}", row=Page("x"))


def test_a_page_is_rendered_for_each_of_a_collection(site_src: Path) -> None:
    (site_src / "pages" / "things").mkdir()
    (site_src / "pages" / "things" / "[thing].md").write_text("{{ thing }} {{ common }}")
    (site_src / "pages" / "index.md").write_text("{{ common }}")
    made = list(render_pages(site_src, {"common": "c"}, {"thing": {"b": "B", "a": "A"}}, None))
    assert [(one.path, one.markdown) for one in made] == [
        ("index.md", "c"), ("things/a.md", "A c"), ("things/b.md", "B c"),
    ]  # fmt: skip


def test_a_page_of_an_empty_collection_is_none(site_src: Path) -> None:
    (site_src / "pages" / "[thing].md").write_text("{{ thing }}")
    assert list(render_pages(site_src, {}, {"thing": {}}, None)) == []


def test_a_changed_template_is_not_taken_from_the_cache(site_src: Path, tmp_path: Path) -> None:
    for text in ("first {{ a }}", "second {{ a }}"):
        (site_src / "pages" / "p.md").write_text(text)
        for _ in range(2):
            (made,) = render_pages(site_src, {"a": 1}, {}, tmp_path / "cache")
            assert made.markdown == text.replace("{{ a }}", "1")


def test_numbers_have_their_formats_in_templates(site_src: Path) -> None:
    shown = "{{ 1234.5 | number }} {{ none | percent }} {{ (2 | rank(3)) }} {{ 2 | plural('row') }} {{ 2.5 | times }}"
    assert page(site_src, shown).markdown == "1,234 – 2–3 2 rows 2.50×"


@pytest.mark.parametrize(("value", "missing"), [(None, True), (float("nan"), True), (0, False), ("", False)])
def test_what_is_missing_can_be_asked(site_src: Path, value: Any, missing: bool) -> None:
    assert page(site_src, "{{ value is missing }}", value=value).markdown == str(missing)


HOSTILE_NAME = 'N "q" \\ [x](y) *z* {{ 7 * 6 }} {% raw %} &amp; `c`'


def test_a_hostile_device_shows_as_it_is_called(whole: Folder) -> None:
    """No schema lets < and > through; everything else may stand in a name."""
    whole.device("gpu-a", name=HOSTILE_NAME)
    pages = prepare(whole.layout).pages
    made = pages["devices/gpu-a.md"]
    front, body = made.markdown.split("---\n", 2)[1:]
    import yaml

    title = yaml.safe_load(front)["title"]  # the theme prints it as it stands
    assert (unescape(title), '"' in title, "<" in title) == (HOSTILE_NAME, False, False)
    heading = html(body).split("</h1>")[0]
    assert unescape(heading.rpartition(">")[2]) == HOSTILE_NAME
    table = "".join(pages["decode.md"].fragments)
    assert "N &#34;q&#34; \\ [x](y) *z* {{ 7 * 6 }}" in table


def test_every_page_of_the_site_is_rendered(whole: Folder) -> None:
    assert set(prepare(whole.layout).pages) == {
        "index.md", "decode.md", "data.md", "methodology.md", "proofs.md", "contribute.md", "ledger.md",
        "compare.md", "what-if.md", "changes.md", "glossary.md", "rows/shell.md",
        "kernels/index.md", "devices/index.md",
        *(f"kernels/{name}.md" for name in ("norm", "proj", "attend", "soft", "gemm")),
        *(f"devices/{name}.md" for name in ("gpu-a", "gpu-b", "no-rows")),
    }  # fmt: skip


@pytest.mark.parametrize("others", [True, None])
def test_a_row_that_fails_its_check_says_so(basic: Folder, others: bool | None) -> None:
    """Where every row states its check, and where some do not."""
    basic.measured("wrong", "gpu-a", samples([1000]), timings(timing("norm", numerics_ok=False)),
                   decode_numerics_ok=False)  # fmt: skip
    basic.measured("right", "gpu-a", samples([1000]), timings(timing("norm", ns=[30])))
    if others is None:
        basic.reported("silent", "gpu-a", 10, timings(timing("norm", us=3)))
    pages = prepare(basic.layout).pages
    for path in ("decode.md", "kernels/norm.md"):
        assert "".join(pages[path].fragments).count("fails its check") == 1, path


def one_source(folder: Folder) -> str:
    """The paragraph under the headline that says what the rows have in common."""
    return " ".join("".join(prepare(folder.layout).pages["decode.md"].fragments).split())


def test_rows_of_one_source_are_said_to_be(basic: Folder) -> None:
    source = {"repository": "tile kernels", "path": None, "revision": "0123abc", "sha256": None}
    basic.reported("a", "gpu-a", kernel_source=source).reported("b", "gpu-b", kernel_source=source)
    said = one_source(basic)
    assert "all 2 ranked rows come from one kernel source, <code>tile kernels 0123abc</code>." in said
    assert "the emitter and its language are the only thing recorded that changes" in said


def test_rows_of_two_sources_are_not_said_to_share_one(basic: Folder) -> None:
    source = {"repository": "tile kernels", "path": None, "revision": "0123abc", "sha256": None}
    basic.reported("a", "gpu-a", kernel_source=source)
    basic.reported("b", "gpu-b", kernel_source=source | {"revision": "fffffff"})
    said = one_source(basic)
    assert "The ranked rows state 2 kernel sources." in said
    assert "all 2 ranked rows" not in said


def test_a_row_that_states_no_source_breaks_the_sentence(basic: Folder) -> None:
    source = {"repository": "tile kernels", "path": None, "revision": "0123abc", "sha256": None}
    basic.device("gpu-c").reported("a", "gpu-a", kernel_source=source).reported(
        "b", "gpu-b", kernel_source=source
    )
    basic.reported("c", "gpu-c")
    assert "ranked rows come from one kernel source" not in one_source(basic)
    assert "and some state none" in one_source(basic)


def test_rows_of_one_source_that_differ_otherwise_say_so(basic: Folder) -> None:
    source = {"repository": "tile kernels", "path": None, "revision": "0123abc", "sha256": None}
    basic.reported("a", "gpu-a", kernel_source=source)
    basic.reported("b", "gpu-b", kernel_source=source, decode_dtype="f32")
    assert "but not only these: the storage type of the weights (f16, f32)." in one_source(basic)


def test_no_stated_source_is_no_sentence(basic: Folder) -> None:
    basic.reported("a", "gpu-a").reported("b", "gpu-b")
    said = one_source(basic)
    assert "kernel source" not in said
