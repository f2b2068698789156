"""A build replaces a site whole or not at all, and says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator import plugin
from generator.build import InvalidData, build, prepare, validate, write_docs
from generator.layout import Layout
from generator.side_files import write_side_files
from tests.generator.examples import REPOSITORY, Folder, mark_as_site, samples, timing, timings


def make(folder: Folder) -> None:
    build(folder.layout, prepare(folder.layout))


def content(site: Path) -> dict[str, bytes]:
    """Every file of a site but the sitemap, in which MkDocs writes the day."""
    files = (path for path in site.rglob("*") if path.is_file() and "sitemap" not in path.name)
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in files}


def beside(folder: Folder) -> set[str]:
    return {path.name for path in folder.root.iterdir()}


def test_a_site_has_its_pages_assets_and_downloads(built: Folder) -> None:
    site = content(built.layout.site)
    for path in ("index.html", "decode/index.html", "devices/gpu-a/index.html", "kernels/norm/index.html",
                 "assets/board.css", "api/v1/decode.json", "search/search_index.json"):  # fmt: skip
        assert path in site
    assert b"Device gpu-a" in site["decode/index.html"]
    assert b"data-fragment" not in site["decode/index.html"]
    assert site["decode/index.html"].count(b'<svg role="img"') >= 2  # the roofline and a step


@pytest.mark.parametrize(
    "script", sorted((REPOSITORY / "site_src/assets").glob("*.js")), ids=lambda path: path.name
)
def test_a_script_has_no_template_in_a_template_which_its_minifier_would_damage(script: Path) -> None:
    assert re.findall(r"`[^`]*\$\{[^}`]*`", script.read_text("utf-8")) == []


def test_links_between_pages_lead_to_pages(built: Folder) -> None:
    site = built.layout.site
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for target in re.findall(r' href="([^"#:?]+)"', page.read_text("utf-8")):
            place = page.parent / target
            assert (place / "index.html" if place.is_dir() else place).exists(), f"{target} on {page}"


def test_no_temporary_folder_is_left(built: Folder) -> None:
    assert beside(built) == {"data", "build", "site"}


def test_anyone_may_read_the_site(built: Folder) -> None:
    assert built.layout.site.stat().st_mode & 0o777 == 0o755


def test_two_builds_are_the_same_to_the_byte(built: Folder, tmp_path: Path) -> None:
    again = Layout(REPOSITORY, built.data, tmp_path / "again", tmp_path / "work")
    build(again, prepare(again))
    first, second = content(built.layout.site), content(again.site)
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


def test_a_device_that_is_gone_takes_its_page_along(whole: Folder) -> None:
    make(whole)
    gone = [path for path in content(whole.layout.site) if "no-rows" in path]
    files = ["api/v1/reproduce/no-rows.ipynb", "api/v1/reproduce/no-rows.sky.yaml"]
    assert sorted(gone) == [*files, "devices/no-rows/index.html"]
    (whole.data / "devices/no-rows.md").unlink()
    whole.instructions()
    make(whole)
    after = content(whole.layout.site)
    assert not [path for path, raw in after.items() if "no-rows" in path or b"no-rows" in raw]
    assert not (whole.layout.docs / "devices/no-rows.md").exists()


@pytest.fixture
def old_site(basic: Folder) -> Folder:
    """Valid data, and a site that is not to be lost."""
    (basic.layout.site / "deep").mkdir(parents=True)
    (basic.layout.site / "deep" / "page.html").write_bytes(b"old \x00 bytes")
    mark_as_site(basic.layout.site)
    basic.reported("r", "gpu-a")
    return basic


def unharmed(folder: Folder) -> bool:
    old = {"deep/page.html": b"old \x00 bytes", "api/v1/runs/index.json": b"[]"}
    return content(folder.layout.site) == old and not [
        name for name in beside(folder) if name.startswith(".")
    ]


def test_bad_data_leaves_the_old_site(old_site: Folder) -> None:
    old_site.reported("s", "gpu-x").device("gpu-b", type="toaster")
    with pytest.raises(InvalidData) as raised:
        make(old_site)
    assert [problem.path for problem in raised.value.problems] == [
        "data/devices/gpu-b.md", "data/reported/page/s.json",
    ]  # fmt: skip
    assert unharmed(old_site)


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("write_docs", RuntimeError("disk full")),
        ("inject", RuntimeError("disk full")),
        ("write_side_files", RuntimeError("disk full")),
        ("inject", KeyboardInterrupt()),
    ],
)
def test_an_exception_inside_mkdocs_leaves_the_old_site(
    old_site: Folder, monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(plugin, where, fail)
    with pytest.raises(type(error)):
        make(old_site)
    assert unharmed(old_site)


def test_a_warning_of_mkdocs_stops_the_build(old_site: Folder) -> None:
    prepared = prepare(old_site.layout)
    prepared.pages["data.md"].markdown += "\n[nowhere](no-such-page.md)\n"
    with pytest.raises(SystemExit):
        build(old_site.layout, prepared)
    assert unharmed(old_site)


def test_the_old_site_comes_back_where_the_new_one_cannot_move_in(
    old_site: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def stubborn(self: Path, target: Path) -> Path:
        if self.name.startswith(".site-") and not self.name.endswith("-old"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(OSError, match="no"):
        make(old_site)
    monkeypatch.undo()
    assert unharmed(old_site)


def test_an_old_site_is_replaced_whole(old_site: Folder) -> None:
    make(old_site)
    site = content(old_site.layout.site)
    assert "deep/page.html" not in site
    assert "devices/gpu-a/index.html" in site
    assert beside(old_site) == {"data", "build", "site"}


NOTHING_RANKED = pytest.mark.parametrize("why", ["reference", "withdrawn", "wrong"])


def test_no_data_at_all_is_a_site_too(folder: Folder) -> None:
    make(folder)
    assert {"index.html", "decode/index.html", "api/v1/decode.json"} <= content(folder.layout.site).keys()


@pytest.mark.parametrize("records", ["a device", "a model", "a kernel", "decode", "kernels", "measured"])
def test_little_data_has_every_page_and_download(folder: Folder, records: str) -> None:
    if records not in {"a model", "a kernel"}:
        folder.device("gpu-a")
    if records not in {"a device", "a kernel"}:
        folder.model()
    if records in {"a kernel", "kernels", "measured"}:
        folder.kernel("norm")
    if records == "decode":
        folder.reported("r", "gpu-a")
    elif records == "kernels":
        folder.reported("r", "gpu-a", None, timings(timing("norm", us=3)))
    elif records == "measured":
        folder.measured("r", "gpu-a", samples([1000]), timings(timing("norm", ns=[30])))
    prepared = prepare(folder.layout)
    assert {"index.md", "decode.md", "kernels/index.md", "devices/index.md"} <= prepared.pages.keys()
    write_side_files(prepared.board, folder.data, folder.layout.site)
    assert (folder.layout.site / "api/v1/decode.json").exists()


@NOTHING_RANKED
def test_a_model_whose_rows_have_no_rank_is_a_site_too(basic: Folder, why: str) -> None:
    if why == "reference":
        basic.reported("r", "gpu-a", role="reference")
    elif why == "withdrawn":
        basic.reported("r", "gpu-a").retract("r")
    else:
        basic.measured("r", "gpu-a", samples([1000]), decode_numerics_ok=False)
    assert "rows/r/" in "".join(prepare(basic.layout).pages["decode.md"].fragments)


def test_two_models_have_a_section_each(basic: Folder) -> None:
    basic.model("other", name="Other 2K").reported("a", "gpu-a").reported("b", "gpu-b", decode_model="other")
    markdown = prepare(basic.layout).pages["decode.md"].markdown
    assert "## Tiny 1K" in markdown
    assert "## Other 2K" in markdown


def test_only_what_changed_is_written(whole: Folder) -> None:
    layout = whole.layout
    write_docs(prepare(layout), layout)
    before = {path: path.stat().st_mtime_ns for path in layout.docs.rglob("*") if path.is_file()}
    whole.device("gpu-b", notes="Now with other notes.", name="Renamed")
    (layout.docs / "stray.md").write_text("x")
    write_docs(prepare(layout), layout)
    after = {path: path.stat().st_mtime_ns for path in layout.docs.rglob("*") if path.is_file()}
    changed = {path.relative_to(layout.docs).as_posix() for path in after if after[path] != before.get(path)}
    assert "devices/gpu-b.md" in changed
    assert not {"methodology.md", "assets/board.css", "kernels/norm.md", "devices/gpu-a.md"} & changed
    assert before.keys() == after.keys()


def test_every_problem_is_one_line_of_the_error(basic: Folder) -> None:
    basic.reported("a", "gpu-x").reported("b", "gpu-x")
    with pytest.raises(InvalidData) as raised:
        prepare(basic.layout)
    assert str(raised.value).splitlines() == basic.problems()


def test_validation_of_everything(basic: Folder) -> None:
    assert validate(basic.layout) == []
    basic.reported("a", "gpu-x").device("gpu-b", type="toaster")
    assert [problem.field for problem in validate(basic.layout)] == ["type", "device"]


def test_validation_of_one_file_is_silent_on_others(basic: Folder) -> None:
    basic.reported("a", "gpu-x").reported("b", "gpu-x").reported("fine", "gpu-a")
    asked = basic.data / "reported/page"
    assert [p.path for p in validate(basic.layout, [asked / "b.json"])] == ["data/reported/page/b.json"]
    assert validate(basic.layout, [asked / "fine.json"]) == []


def test_validation_of_a_folder(basic: Folder) -> None:
    basic.reported("a", "gpu-x").device("gpu-b", type="toaster")
    assert [p.path for p in validate(basic.layout, [basic.data / "reported"])] == [
        "data/reported/page/a.json"
    ]
    assert [p.path for p in validate(basic.layout, [basic.data / "devices"])] == ["data/devices/gpu-b.md"]


def test_a_file_from_elsewhere_is_judged_as_if_it_were_added(basic: Folder) -> None:
    basic.reported("a", "gpu-a").reported("b", "gpu-x")
    inbox = (basic.data / "reported/page").rename(basic.root / "inbox")
    assert validate(basic.layout, [inbox / "a.json"]) == []
    (problem,) = validate(basic.layout, [inbox / "b.json"])
    assert (problem.path, problem.field) == ("inbox/b.json", "device")
    assert validate(basic.layout) == []


def test_a_file_from_elsewhere_may_not_take_an_id(basic: Folder) -> None:
    basic.reported("a", "gpu-a")
    (basic.root / "a.json").write_bytes((basic.data / "reported/page/a.json").read_bytes())
    (problem,) = validate(basic.layout, [basic.root / "a.json"])
    assert problem.problem.startswith("is taken (got 'a', which data/reported/page/a.json has)")


def test_a_file_that_does_not_exist(basic: Folder) -> None:
    (problem,) = validate(basic.layout, [basic.root / "nowhere.json"])
    assert (problem.path, problem.problem) == (
        "nowhere.json",
        "cannot be read (got 'No such file or directory')",
    )


def test_a_file_that_does_not_exist_below_the_data_folder(basic: Folder) -> None:
    assert validate(basic.layout, [basic.data / "reported/page/typo.json"])


def test_a_path_may_lead_through_another_folder(basic: Folder) -> None:
    basic.reported("a", "gpu-a")
    (basic.root / "inbox").mkdir()
    assert (
        validate(basic.layout, [basic.root / "inbox" / ".." / "data" / "reported" / "page" / "a.json"]) == []
    )


def test_an_empty_folder_is_not_the_whole_data(basic: Folder) -> None:
    basic.reported("a", "gpu-x")
    (basic.root / "inbox").mkdir()
    assert [p for p in validate(basic.layout, [basic.root / "inbox"]) if "page/a.json" in p.path] == []


def test_a_folder_with_a_dot_in_its_name_is_a_folder(basic: Folder) -> None:
    basic.reported("a", "gpu-a")
    (basic.root / "inbox").mkdir()
    (basic.data / "reported/page").rename(basic.root / "inbox" / "v1.0")
    assert validate(basic.layout, [basic.root / "inbox"]) == []


def test_a_folder_that_is_no_site_is_not_replaced(basic: Folder) -> None:
    basic.layout.site.mkdir()
    (basic.layout.site / "thesis.txt").write_text("years of work")
    with pytest.raises(Exception, match="site"):
        make(basic)
    assert (basic.layout.site / "thesis.txt").exists()


def test_a_file_from_elsewhere_that_says_nothing_of_itself(basic: Folder) -> None:
    (basic.root / "x.json").write_text("{}")
    (basic.root / "x.csv").write_text("a,b")
    assert [(p.path, p.field) for p in validate(basic.layout, [basic.root / "x.json", basic.root / "x.csv"])] == [
        ("x.csv", "file"), ("x.json", "schema"),
    ]  # fmt: skip
