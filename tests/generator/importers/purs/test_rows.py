"""What a row's names mean: devices, kernels, decode steps and their parts, implementations, checks."""

from __future__ import annotations

import pytest

from tests.generator.importers.boards import (
    CHECKED,
    PLAIN,
    RATED,
    Board,
    checked,
    counts,
    notes,
    rated,
    records,
    refusals,
    row,
    timings,
)


@pytest.mark.parametrize(
    ("stated", "kernel", "shape", "axes"),
    [
        ("softmax", "softmax", "[64, 1024]", {"rows": 64, "cols": 1024}),
        ("rms-norm", "rms_norm", "[64, 1024]", {"rows": 64, "cols": 1024}),
        ("RMSNorm", "rms_norm", "[64, 1024]", {"rows": 64, "cols": 1024}),
        ("layernorm", "layernorm", "[64, 1024]", {"rows": 64, "cols": 1024}),
        ("tile_layernorm_1024", "layernorm", "[64, 1024]", {"rows": 64, "cols": 1024}),
        ("tile_softmax_64x1024", "softmax", "64x1024", {"rows": 64, "cols": 1024}),
        ("silu", "silu", "[1, 768]", {"rows": 1, "cols": 768}),
        ("rope", "rope", "B=32,S=64,D=128", {"batch": 32, "seq": 64, "dim": 128}),
        ("embedding", "embedding", "[32, 32000, 128]", {"tokens": 32, "vocab": 32000, "dim": 128}),
        ("causal-mask", "causal_mask", "[64]", {"batch": 1, "seq": 64}),
        ("cross-entropy", "cross_entropy", "[32, 50257]", {"rows": 32, "vocab": 50257}),
        ("exp", "exp", "[8, 1024]", {"rows": 8, "cols": 1024}),
        ("add", "add", "[8, 1024]", {"rows": 8, "cols": 1024}),
        ("vec-add", "add", "1024", {"rows": 1, "cols": 1024}),
        ("matmul", "matmul", "[256, 256]", {"m": 256, "n": 256, "k": 256}),
        ("gemm", "matmul", "M=1,N=2,K=3", {"m": 1, "n": 2, "k": 3}),
        ("attention", "attention", "B=1,H=2,S=3,D=4", {"batch": 1, "heads": 2, "seq": 3, "dim": 4}),
    ],
)
def test_every_known_kernel_becomes_a_valid_record(
    board: Board, stated: str, kernel: str, shape: str, axes: dict[str, int]
) -> None:
    found = board.read(board.csv(row(9, kernel=stated, shape=shape)))
    (timing,) = timings(found)
    assert (timing["kernels"], timing["shape"]) == ([kernel], axes)
    assert counts(found) == {"read": 1, "imported": 1}


@pytest.mark.parametrize("stated", ["conv1d-dilated", "scatter-add", "Ω", "softmax!x"])
def test_an_unknown_kernel_is_refused_with_the_file_to_write(board: Board, stated: str) -> None:
    (said,) = refusals(board.read(board.csv(row(kernel=stated))))
    assert said.startswith(f"kernel: is none that we know (got '{stated}'); write data/kernels/")


def test_a_kernel_whose_file_is_gone_is_refused(board: Board) -> None:
    (board.data / "kernels" / "exp.md").unlink()
    (said,) = refusals(board.read(board.csv(row(kernel="exp"))))
    assert said == "kernel: has no file (got 'exp'); write data/kernels/exp.md"


@pytest.mark.parametrize(
    ("toolchain", "language", "execution", "shown", "source"),
    [
        ("ascend-rs codegen", "cuda", "emitted", "CUDA", True),
        ("ascend-rs 0.1.0 (cpp_naive)", "cpp", "hand_written", "AscendC C++", False),
        ("torch.matmul (cuBLAS)", "cuda", "vendor_library", "CUDA", False),
        ("aclnnMatmul", "aclnn", "vendor_library", None, False),
        ("jnp.exp", "jax", "vendor_library", None, False),
        ("compute shader", "metal", "hand_written", "Metal", False),
        ("my own", "Zig", "not_stated", "Zig", False),
        ("", "", "not_stated", None, False),
    ],
)
def test_what_ran_follows_from_the_names(
    board: Board, toolchain: str, language: str, execution: str, shown: str | None, source: bool
) -> None:
    found = board.read(board.csv(row(toolchain=toolchain, language=language, sha="abc1234")))
    (record,) = records(found)
    (timing,) = timings(found)
    assert (timing["execution"], timing["language"], timing["implementation"]) == (
        execution,
        shown,
        toolchain or None,
    )
    assert (record["kernel_source"] or {}).get("revision") == ("abc1234" if source else None)
    assert record["stack"]["name"] == (toolchain or "not stated")


def test_a_sha_that_is_none_is_no_revision(board: Board) -> None:
    (record,) = records(board.read(board.csv(row(toolchain="ascend-rs codegen", sha="bench_purs"))))
    assert record["kernel_source"] == {
        "repository": "ascend-rs",
        "path": None,
        "revision": None,
        "sha256": None,
    }


@pytest.mark.parametrize(
    ("said", "ok"), [("true", True), ("FALSE", False), ("0", False), ("", None), ("pass", True)]
)
def test_a_check_stays_what_the_file_says(board: Board, said: str, ok: bool | None) -> None:
    found = board.read(board.csv(checked(9, said), header=CHECKED))
    assert [timing["numerics_ok"] for timing in timings(found)] == [ok]


def test_a_check_that_says_neither_is_refused(board: Board) -> None:
    assert refusals(board.read(board.csv(checked(9, "maybe"), header=CHECKED))) == [
        "sums_ok: is neither yes nor no (got 'maybe'); write true or false"
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dtype": "int8"}, "dtype: is not one we store (got 'int8')"),
        ({"batch": "8"}, "batch_size: is no length of the shape [64, 1024] (got 8)"),
        ({"batch": "x"}, "batch_size: is not a number (got 'x')"),
        ({"us": "abc"}, "latency: is not a number (got 'abc')"),
        ({"us": "-1"}, "latency: is not above 0 (got '-1')"),
        ({"us": "nan"}, "latency: is not finite (got 'nan')"),
        ({"us": "1e400"}, "latency: is not finite (got '1e400')"),
        ({"us": ""}, "latency: is empty"),
        ({"us": "9 ms"}, "latency: has another unit than its column, us (got '9 ms')"),
        ({"shape": "big"}, "shape: is not understood (got 'big')"),
        ({"device": ""}, "device: is empty"),
        ({"device": "=1+1"}, "device: starts like a formula (got '=1+1')"),
        ({"toolchain": "@SUM"}, "toolchain: starts like a formula"),
        ({"toolchain": "<script>"}, "toolchain: is not a line of plain text"),
        ({"driver": "a\u202eb"}, "driver: is not a line of plain text"),
        ({"language": "cpu"}, "impl_lang: means the host"),
    ],
)
def test_a_row_that_is_not_understood_is_refused_alone(
    board: Board, changes: dict[str, str], why: str
) -> None:
    found = board.read(board.csv(row(**changes), row(7, shape="[1, 1024]")))
    (said,) = refusals(found)
    assert said.startswith(why)
    assert counts(found) == {"read": 2, "imported": 1, "refused": 1}


def test_on_a_cpu_the_host_is_the_device(board: Board) -> None:
    found = board.read(board.csv(row(device="amd-epyc-9004-2-cores", language="cpu")))
    assert counts(found) == {"read": 1, "imported": 1}


@pytest.mark.parametrize("text", ["theoretical peak 320 GB/s", "Roofline model", "speed-of-light"])
def test_what_nobody_measured_is_dropped_with_a_line(board: Board, text: str) -> None:
    found = board.read(board.csv(row(toolchain=text), row(kernel=text)))
    assert counts(found) == {"read": 2, "dropped": 2}
    assert all("is computed, not measured" in why.problem for why in found.accounts.told("dropped"))


def test_the_units_of_a_throughput_are_told_and_none_is_stored(board: Board) -> None:
    fine = rated(100, 80.0, shape="[1000, 1000]")
    flops = rated(1000, 2000.0, kernel="matmul", shape="[1000, 1000]")
    wrong = rated(1, 0.5, shape="[10, 10]")
    unread = rated(100, "n/a", shape="[100, 100]")
    found = board.read(board.csv(fine, flops, wrong, unread, header=RATED))
    assert notes(found) == [
        "throughput is GB/s in 1 row and GFLOP/s in 1 row; it is not stored",
        "throughput contradicts the latency in 2 rows (lines 4, 5); the latency is kept",
    ]
    assert [timing["figure"]["latency_us"] for timing in timings(found)] == [100, 1000, 1, 100]
    assert "throughput" not in "".join(draft.text for draft in found.drafts)


# --- decode steps ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "value", "tok_per_s", "step_us"),
    [
        ("deepseek_decode_step", 50_000, 20, 50_000),
        ("deepseek-decode", 50_000, 20, 50_000),
        ("decode_step", 50_000, 20, 50_000),
        ("decode", 50_000, 20, 50_000),
        ("decode", "20 tok/s", 20, None),
        ("decode_tok_s", 20, 20, None),
        ("deepseek_decode_tok_s", 20, 20, None),
        ("deepseek_tok/s", 20, 20, None),
        ("tok_s", "20 tok/s", 20, None),
    ],
)
def test_a_decode_step_among_the_kernels_becomes_a_decode_row(
    board: Board, kernel: str, value: object, tok_per_s: float, step_us: float | None
) -> None:
    found = board.read(
        board.csv(row(value, kernel=kernel, shape="[1, 1536]", dtype="f16", toolchain="mlir_to_gpu x"))
    )
    (record,) = records(found)
    assert record["kernels"] is None
    assert record["decode"]["model"] == "deepseek-r1-distill-qwen-1.5b"
    assert record["decode"]["figure"] == {"tok_per_s": tok_per_s, "step_us": step_us, "claims": []}
    assert (record["role"], record["kernel_source"]["repository"]) == ("contender", "ascend-rs")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"kernel": "llama_decode_step"},
            "is a decode step of a model that is not on file (got 'llama_decode_step')",
        ),
        ({"kernel": "decode_step", "shape": "[1, 4096]"}, "is a decode step of a model that is not on file"),
        ({"kernel": "decode_tok_s", "us": "9 us"}, "is a time where the kernel's name says tok/s"),
        ({"kernel": "decode_tok_s", "us": "0"}, "is not above 0"),
        ({"kernel": "decode_tok_s", "us": "5921.8"}, "is impossible (got 5921.8 tok/s"),
        ({"kernel": "decode_step", "us": "168.9"}, "is impossible (got 5920.7 tok/s"),
        ({"kernel": "q_proj_matvec"}, "is a part of a decode step (got 'q_proj_matvec')"),
        ({"kernel": "rms_norm_1536"}, "is a part of a decode step (got 'rms_norm or residual_add_rms_norm')"),
        ({"kernel": "decode_step", "toolchain": "vendor baseline"}, "calls itself a baseline"),
    ],
)
def test_a_decode_row_that_cannot_be_is_refused(board: Board, changes: dict[str, str], why: str) -> None:
    cells = {"us": "50000", "shape": "[1, 1536]", "dtype": "f16"} | changes
    found = board.read(board.csv(row(**cells)))
    (said,) = refusals(found)
    assert why in said
    assert not found.drafts


def test_a_baseline_belongs_to_the_row_beside_it(board: Board) -> None:
    step = {"kernel": "deepseek_decode_step", "shape": "[1, 1536]", "dtype": "f16"}
    path = board.csv(
        row(60_000, toolchain="native baseline", **step), row(50_000, toolchain="emitted", **step)
    )
    found = {record["id"]: record for record in records(board.read(path))}
    assert {name: (one["role"], one["decode"]["baseline_of"]) for name, one in found.items()} == {
        "pu-rs-a-native-baseline": ("baseline", "pu-rs-a-emitted"),
        "pu-rs-a-emitted": ("contender", None),
    }


def test_a_baseline_belongs_to_the_contender_on_file_and_to_no_other_baseline(board: Board) -> None:
    model = "deepseek-r1-distill-qwen-1.5b"
    board.folder.reported("z-step", "nvidia-t4", 20.0, decode_model=model)
    board.folder.reported(
        "a-base", "nvidia-t4", 10.0, decode_model=model, role="baseline", decode_baseline_of="z-step"
    )
    found = board.read(
        board.csv(row(60_000, kernel="decode", shape="[1, 1536]", dtype="f16", toolchain="a baseline"))
    )
    assert [record["decode"]["baseline_of"] for record in records(found)] == ["z-step"]


def test_the_header_has_no_row(board: Board) -> None:
    assert counts(board.read(board.csv())) == {}
    assert counts(board.read(board.csv(PLAIN))) == {"read": 1, "refused": 1}
