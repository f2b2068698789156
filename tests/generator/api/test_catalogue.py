"""What is offered is there, and says what it is."""

from __future__ import annotations

from pathlib import Path

from generator.api import SCHEMAS, downloads
from generator.api.catalogue import EMITTED, FACTS, INDEX, MANY, REPRODUCE, ROWS
from tests.generator.api.reading import strict
from tests.generator.examples import Folder

EXAMPLES = {"<id>": "top", "<run>": "top", "<device>": "gpu-a", "<lent>": "no-rows"}


def example(address: str) -> str:
    """An address that ``address`` is the form of."""
    for form, name in EXAMPLES.items():
        address = address.replace(form, name)
    return address


def test_every_download_is_there(site: Path, built: Folder) -> None:
    offered = (*downloads(built.board()), *SCHEMAS)
    assert {INDEX, *ROWS, *FACTS, *EMITTED, *REPRODUCE, *MANY} < set(offered)
    for one in offered:
        assert (site / example(one.address)).is_file(), one.address
        assert one.description


def test_every_download_of_json_names_a_schema_that_is_there(built: Folder) -> None:
    named = {one.address: one.schema for one in downloads(built.board())}
    assert {address for address, schema in named.items() if schema is None} == {
        "rows/<run>/badge.svg", "devices/<device>/badge.svg",
    }  # fmt: skip
    assert {schema for schema in named.values() if schema} <= {one.address for one in SCHEMAS}


def test_the_index_lists_all_of_them_and_changes_with_the_data(site: Path, built: Folder) -> None:
    index = strict(site / "api/v1/index.json")
    board = built.board()
    assert [one["address"] for one in index["downloads"]] == [
        one.address for one in (*downloads(board), *SCHEMAS)
    ]
    assert {one["media_type"] for one in index["downloads"]} == {
        "application/json", "text/csv", "application/vnd.apache.parquet", "image/svg+xml", "application/schema+json",
    }  # fmt: skip
    assert index["digest"] == board.data.digest != ""


def test_what_a_board_lacks_is_not_offered(basic: Folder) -> None:
    bare = set(downloads(basic.board()))
    assert not bare & {*EMITTED, *REPRODUCE}
    assert {INDEX, *ROWS, *FACTS, *MANY} == bare
    assert EMITTED[0] in downloads(basic.emitted({("norm", "lang-a"): "x\n"}).board())
    assert set(REPRODUCE) <= set(downloads(basic.instructions().board()))
