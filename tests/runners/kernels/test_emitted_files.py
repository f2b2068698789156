"""What is committed under data/emitted is what the emitters write, and its command says what it does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runners.kernels.__main__ import DATA, MODEL, main, model_sizes, published, source_text, write
from runners.kernels.emit import TARGETS, emit
from runners.kernels.source import KERNELS

REMEDY = "run `python -m runners.kernels emit --all` and commit data/emitted"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the model and no text yet."""
    (tmp_path / "models").mkdir()
    shutil.copyfile(DATA / "models" / f"{MODEL}.yml", tmp_path / "models" / f"{MODEL}.yml")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "proof.json"
    }


def test_what_is_committed_is_what_the_emitters_write(data: Path) -> None:
    assert run("emit", "--all", "--data-dir", str(data)).exit_code == 0
    fresh, committed = files(data / "emitted"), files(DATA / "emitted")
    differ = sorted(
        name for name in fresh.keys() | committed.keys() if fresh.get(name) != committed.get(name)
    )
    assert differ == [], REMEDY


def test_every_kernel_stands_in_every_language_with_its_hash() -> None:
    content = published(model_sizes(DATA, MODEL), MODEL)
    entries = {(entry["kernel"], entry["target"]): entry for entry in content.index["kernels"]}
    assert entries.keys() == {(kernel, target) for kernel in KERNELS for target in TARGETS}
    for entry in entries.values():
        text = content.texts[entry["path"]]
        assert (
            hashlib.sha256(text.encode()).hexdigest() == entry["sha256"] == entry["hashes"][entry["storage"]]
        )
        assert entry["lines"] == len(text.splitlines())


def test_a_run_records_the_published_hash() -> None:
    content = published(model_sizes(DATA, MODEL), MODEL)
    (entry,) = (e for e in content.index["kernels"] if (e["kernel"], e["target"]) == ("o_proj_matvec", "c"))
    for storage in TARGETS["c"].storages:
        one = emit(KERNELS["o_proj_matvec"], "c", model_sizes(DATA, MODEL)["o_proj_matvec"], storage)
        assert one.sha256 == entry["hashes"][storage]


def test_a_source_stands_below_the_functions_it_calls() -> None:
    assert source_text(KERNELS["rms_norm"]).startswith("def rms_normed(")
    assert source_text(KERNELS["rms_norm"]).count("def ") == 2
    assert source_text(KERNELS["o_proj_matvec"]) == KERNELS["o_proj_matvec"].text


def test_a_second_writing_changes_nothing(data: Path) -> None:
    content = published(model_sizes(data, MODEL), MODEL)
    assert "files changed" in write(data / "emitted", content)
    assert f" 0 of {len(content.texts) + 1} files changed" in write(data / "emitted", content)


def test_a_stale_file_goes_and_the_proofs_stay(data: Path) -> None:
    content = published(model_sizes(data, MODEL), MODEL)
    write(data / "emitted", content)
    (data / "emitted/old").mkdir()
    for name in ("old/rms_norm.x", "proof.json"):
        (data / "emitted" / name).write_text("{}")
    assert write(data / "emitted", content).endswith(", 1 removed: old/rms_norm.x")
    assert (data / "emitted/proof.json").exists()
    assert set(files(data / "emitted")) == {*content.texts, "index.json"}


def test_a_link_is_replaced_and_never_written_through(data: Path, tmp_path: Path) -> None:
    content = published(model_sizes(data, MODEL), MODEL)
    write(data / "emitted", content)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (data / "emitted/c/gelu.c").unlink()
    (data / "emitted/c/gelu.c").symlink_to(elsewhere)
    write(data / "emitted", content)
    assert elsewhere.read_text() == "mine"
    assert not (data / "emitted/c/gelu.c").is_symlink()


def test_one_text_is_printed_as_it_is() -> None:
    shown = run("emit", "--target", "c", "--kernel", "rms_norm", "--storage", "f16")
    sizes = model_sizes(DATA, MODEL)["rms_norm"]
    assert shown.stdout == emit(KERNELS["rms_norm"], "c", sizes, "f16").text


@pytest.mark.parametrize(
    ("device", "kernel", "target"),
    [("nvidia-t4", "rms_norm", "cuda"), ("huawei-ascend-910b2", "q_proj_matvec", "pto"),
     ("huawei-ascend-910b2", "rms_norm", "ascendc")],
)  # fmt: skip
def test_a_device_gets_each_kernel_in_the_language_that_its_file_says(
    device: str, kernel: str, target: str
) -> None:
    shown = run("emit", "--device", device, "--kernel", kernel)
    assert shown.stdout == emit(KERNELS[kernel], target, model_sizes(DATA, MODEL)[kernel]).text


def test_any_language_can_be_asked_for_whatever_the_device_takes() -> None:
    shown = run("emit", "--device", "huawei-ascend-910b2", "--target", "ascendc", "--kernel", "q_proj_matvec")
    sizes = model_sizes(DATA, MODEL)["q_proj_matvec"]
    assert shown.stdout == emit(KERNELS["q_proj_matvec"], "ascendc", sizes).text


def test_the_table_has_a_line_for_each_kernel_and_a_column_for_each_language() -> None:
    head, *lines = run("list").stdout.splitlines()
    assert head.split() == ["kernel", "source", *TARGETS]
    assert [line.split()[0] for line in lines] == list(KERNELS)
    assert max(map(len, [head, *lines])) < 100


def test_the_table_of_one_language_has_the_hash_of_each_storage_type() -> None:
    lines = [line.split() for line in run("list", "--target", "pallas").stdout.splitlines()]
    text = emit(KERNELS["gelu"], "pallas", model_sizes(DATA, MODEL)["gelu"], "f32")
    assert ["gelu", "f32", str(len(text.text.splitlines())), text.sha256] in lines
    assert len(lines) == len(KERNELS) * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "cc", "--kernel", "gelu"), "--target: is unknown (got 'cc'); did you mean 'c'? known: c"),
        (("--target", "c", "--kernel", "rmsnorm"), "(got 'rmsnorm'); did you mean 'rms_norm'? known: "),
        (("--target", "c", "--kernel", "gelu", "--storage", "f8"), "--storage: is unknown (got 'f8'); "),
        (("--model", "deepseek"), f"--model: is unknown (got 'deepseek'); known: {MODEL}"),
        (("--device", "t4", "--kernel", "gelu"), "--device: is unknown (got 't4'); "),
        (("--device", "cpu-reference", "--kernel", "gelu"), "--device: cpu-reference names no language for gelu"),
        (("--target", "c"), "--kernel: is unknown (got ''); known: embedding_lookup"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_closest_known(arguments: tuple[str, ...], said: str) -> None:
    result = run("emit", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
