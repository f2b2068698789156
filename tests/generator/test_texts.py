"""Emitted texts: only what the index names and its hash confirms is read, and a stale proof counts for nothing."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from generator.build import build, prepare
from generator.texts import Emitted
from tests.generator.examples import Data, Folder, check, emitted_index, samples, sha256, timing, timings

TEXTS = {("norm", "lang-a"): "int a;\n", ("norm", "lang-b"): "int b;\n"}
INDEX = "data/emitted/index.json"


@pytest.fixture
def emitted(basic: Folder) -> Folder:
    return basic.emitted(TEXTS)


def only(folder: Folder) -> str:
    (line,) = folder.problems()
    return line


def changed(path: tuple[Any, ...], value: Any) -> Data:
    """The index of :data:`TEXTS` with one value replaced."""
    index: Any = emitted_index(TEXTS)
    place = index
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return dict(index)


def test_a_kernel_is_read_in_every_language_in_the_order_of_the_index(emitted: Folder) -> None:
    data = emitted.dataset()
    assert [(one.language.id, one.text) for one in data.emitted.of("norm")] == [
        ("lang-a", "int a;\n"), ("lang-b", "int b;\n"),
    ]  # fmt: skip
    assert data.emitted.of("proj") == []


def test_without_an_index_there_is_nothing(basic: Folder) -> None:
    assert basic.dataset().emitted == Emitted()
    assert (Emitted().of("norm"), Emitted().source("norm"), Emitted().targets()) == ([], None, {})


def test_a_text_is_known_by_its_hash_for_any_storage_type(emitted: Folder) -> None:
    targets = emitted.dataset().emitted.targets()
    assert targets["norm", sha256("int a;\n")] == targets["norm", sha256("int a;\nf32")] == "lang-a"
    assert ("proj", sha256("int a;\n")) not in targets


def test_a_text_that_is_not_the_one_of_the_index_is_refused(emitted: Folder) -> None:
    (emitted.data / "emitted/lang-b/norm.c").write_text("int c;\n")
    now, wanted = sha256("int c;\n")[:12], sha256("int b;\n")[:12]
    assert only(emitted) == (
        f"{INDEX}: kernels[1].path: lang-b/norm.c is another text (got SHA-256 {now}, expected {wanted}); "
        "run `python -m runners.kernels emit --all`"
    )


def test_a_missing_source_is_refused(emitted: Folder) -> None:
    (emitted.data / "emitted/source/norm.py").unlink()
    assert only(emitted).startswith(
        f"{INDEX}: sources[0].path: source/norm.py cannot be read (got 'No such file"
    )


def test_a_link_to_elsewhere_is_refused(emitted: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("int a;\n")
    (emitted.data / "emitted/lang-a/norm.c").unlink()
    (emitted.data / "emitted/lang-a/norm.c").symlink_to(secret)
    assert "kernels[0].path: lang-a/norm.c is not a regular file (got a link, " in only(emitted)


def test_a_text_of_any_length_is_not_read(basic: Folder) -> None:
    line = only(basic.emitted({("norm", "lang-a"): "x" * 64_001}))
    assert "kernels[0].path: lang-a/norm.c is too large (got 64,001 bytes); " in line


@pytest.mark.parametrize(
    ("letter", "code"),
    [("\x00", "0000"), ("\x1b", "001B"), ("\r", "000D"), ("\u202e", "202E"), ("\u2066", "2066"),
     ("\u200b", "200B"), ("\u2028", "2028")],
)  # fmt: skip
def test_what_nobody_sees_has_no_place_in_a_text(basic: Folder, letter: str, code: str) -> None:
    line = only(basic.emitted({("norm", "lang-a"): f"int a;{letter}\n"}))
    assert f"lang-a/norm.c holds what nobody sees (got U+{code}); write plain text" in line


def test_text_that_is_no_text_is_refused(basic: Folder) -> None:
    index = emitted_index(TEXTS)
    raw = b"\xff\xfe"
    index["kernels"][0]["sha256"] = index["kernels"][0]["hashes"]["f16"] = hashlib.sha256(raw).hexdigest()
    basic.emitted(TEXTS, **index)
    (basic.data / "emitted/lang-a/norm.c").write_bytes(raw)
    assert "lang-a/norm.c is not UTF-8 (got byte 0xff at offset 0)" in only(basic)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kernels", 0, "lines"), 9, "kernels[0].path: lang-a/norm.c has another length (got 1 lines, expected 9)"),
        (("kernels", 0, "kernel"), "nrm", "kernels[0].kernel: is unknown (got 'nrm'); did you mean 'norm'?"),
        (("sources", 0, "kernel"), "nrm", "sources[0].kernel: is unknown (got 'nrm'); did you mean 'norm'?"),
        (("model",), "tinny", "model: is unknown (got 'tinny'); did you mean 'tiny'?"),
        (("kernels", 0, "target"), "lang", "kernels[0].target: is unknown (got 'lang'); did you mean 'lang-b'?"),
        (("targets", 1, "id"), "lang-a", "targets[1]: stands twice (got 'lang-a'); keep one"),
        (("targets", 0, "form_of"), "lang-b", "targets[0].form_of: is no language that stands before it (got 'la"),
        (("kernels", 1, "target"), "lang-a", "kernels[1]: stands twice (got 'norm in lang-a'); keep one"),
        (("kernels", 0, "storage"), "f32", "kernels[0].hashes: differ from sha256 at the storage type that is shown"),
        (("kernels", 0, "hashes"), {}, "kernels[0].hashes: differ from sha256 at the storage type that is shown"),
        (("kernels", 0, "path"), "../../secret", "kernels[0].path: is not written as it must be (got '../../secret')"),
        (("kernels", 0, "path"), "/etc/passwd", "kernels[0].path: is not written as it must be (got '/etc/passwd')"),
        (("kernels", 0, "path"), "a/../b", "kernels[0].path: is not written as it must be (got 'a/../b')"),
    ],
)  # fmt: skip
def test_an_index_that_does_not_agree_with_itself_or_the_record_is_refused(
    basic: Folder, path: tuple[Any, ...], value: Any, said: str
) -> None:
    basic.emitted(TEXTS)
    basic.put("emitted/index.json", changed(path, value))
    assert any(line.startswith(f"{INDEX}: {said}") for line in basic.problems()), basic.problems()


def test_a_proof_counts_for_its_text_only(emitted: Folder) -> None:
    emitted.proof("norm", "lang-a", "int a;\n", check(), check("vendor-verified"))
    found = [[one.check for one in text.checks] for text in emitted.dataset().emitted.of("norm")]
    assert found == [["simulated", "vendor-verified"], []]
    emitted.proof("norm", "lang-a", "an earlier text\n", check())
    assert [text.checks for text in emitted.dataset().emitted.of("norm")] == [(), ()]


def test_another_text_or_proof_is_other_data(emitted: Folder) -> None:
    first = emitted.dataset().digest
    assert emitted.dataset().digest == first
    second = emitted.proof("norm", "lang-a", "int a;\n", check()).dataset().digest
    third = emitted.emitted(TEXTS | {("norm", "lang-a"): "int z;\n"}).dataset().digest
    assert len({first, second, third}) == 3


def shown(folder: Folder, kernel: str = "norm") -> str:
    """A kernel's page without tags."""
    page = prepare(folder.layout).pages[f"kernels/{kernel}.md"]
    whole = page.markdown + " ".join(page.fragments)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", whole)).split())


def test_a_page_says_what_is_proven_of_each_text_and_what_is_not(emitted: Folder) -> None:
    emitted.proof("norm", "lang-a", "int a;\n", check(), check("vendor-compiled", tool="X", this_text=False))
    ran = timing("norm", ns=[900], emitted_sha256=sha256("int a;\n"))
    said = shown(emitted.measured("r", "gpu-b", None, timings(ran)))
    assert "Language lang-a ran on device" in said
    assert "simulated a simulator; 3 cases, this text among them" in said
    assert "vendor-compiled X; 3 cases, at other sizes than this text's" in said
    assert "ran on device Device gpu-b; right there before it was timed" in said
    assert "f16, written for cols 8; also for f32" in said
    assert "Language lang-b nothing proven yet" in said
    assert "source/norm.py 2 lines SHA-256" in said


def test_another_form_of_a_language_stands_below_it(basic: Folder) -> None:
    texts = {**TEXTS, ("norm", "lang-a-body"): "body;\n"}
    index = emitted_index(texts)
    index["targets"][2]["form_of"] = "lang-a"
    basic.emitted(texts, **index)
    page = " ".join(prepare(basic.layout).pages["kernels/norm.md"].fragments)
    assert page.count('<details class="text"') == 2
    places = [page.index(f'id="emitted-{name}"') for name in ("lang-a", "lang-a-body", "lang-b")]
    assert places == sorted(places)


def test_one_table_says_what_is_proven_of_every_text(emitted: Folder) -> None:
    emitted.proof("norm", "lang-a", "int a;\n", check(), check("vendor-compiled"))
    page = prepare(emitted.layout).pages["proofs.md"]
    (table,) = page.fragments
    links = re.findall(
        r'href="../kernels/norm/#emitted-(\S+)" aria-label="norm in Language \S+ ([^"]*)"', table
    )
    assert links == [("lang-a", "simulated and vendor-compiled"), ("lang-b", "nothing proven yet")]


def test_without_emitted_kernels_the_table_is_not_there(basic: Folder) -> None:
    page = prepare(basic.layout).pages["proofs.md"]
    assert (page.fragments, "No kernel has been emitted yet." in page.markdown) == ([], True)


def test_a_kernel_that_is_not_emitted_has_no_such_section(emitted: Folder) -> None:
    assert "Source and emitted text" in shown(emitted)
    assert "Source and emitted text" not in shown(emitted, "gemm")


def test_a_row_leads_to_the_text_that_ran(emitted: Folder) -> None:
    known = timing("norm", ns=[900], emitted_sha256=sha256("int b;\n"))
    other = timing("proj", ns=[900], emitted_sha256="0" * 64)
    emitted.measured("r", "gpu-b", samples([30_000]), timings(known, other))
    pages = prepare(emitted.layout).pages
    for name in ("devices/gpu-b.md", "kernels/norm.md"):
        html = " ".join(pages[name].fragments)
        assert '<a href="../../kernels/norm/#emitted-lang-b"' in html, name
    assert 'id="emitted-lang-b"' in " ".join(pages["kernels/norm.md"].fragments)
    assert "check passes" in shown(emitted, "proj")
    assert "text 00000000" in shown(emitted, "proj")
    assert 'href="../../kernels/proj/#emitted' not in " ".join(pages["kernels/proj.md"].fragments)


def test_a_hostile_text_is_shown_and_does_nothing(basic: Folder) -> None:
    hostile = (
        "</code></pre></div></details><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 6 }}\n"
    )
    basic.emitted({("norm", "lang-a"): hostile})
    build(basic.layout, prepare(basic.layout))
    page = (basic.layout.site / "kernels/norm/index.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert hostile.strip() in unescape(re.sub(r'<i class="h[a-z]">|</i>', "", page))
    assert (basic.layout.site / "api/v1/emitted/lang-a/norm.c").read_text() == hostile
