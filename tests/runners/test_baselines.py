"""A baseline runs in a process of its own, decodes what we decode, and says why when it cannot."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from runners import baselines
from runners.baselines import Baseline, stacks, start
from runners.baselines.job import Job
from runners.baselines.stacks import available, names
from runners.baselines.worker import repetition
from runners.checkpoint import Checkpoint
from runners.device import RunnerError
from runners.kernels.sizes import Storage
from runners.measure import Plan
from runners.null import NullDevice
from runners.step import decode_step
from runners.weights import START_TOKEN, Synthetic, first_contents
from schemas.records import Model
from tests.runners.tiny import Tensors, random_tensors, save, tiny_model, untexted

DEPTH_TOKENS, STEPS = 5, 12
MODEL = tiny_model(hidden_size=128, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                   intermediate_size=96, vocab_size=160)  # fmt: skip
TIED = replace(MODEL, tie_word_embeddings=True)


def job(folder: Path, **changed: Any) -> Job:
    """A job of synthetic weights."""
    fields: dict[str, Any] = {"model": MODEL, "storage": "f32", "depth_tokens": DEPTH_TOKENS, "steps": STEPS,
                              "runner": "cpu", "settings": {"threads": 1}, "seed": 0,
                              "weights_folder": None, "cache_folder": folder}  # fmt: skip
    return Job(**{**fields, **changed})


def options(model: Model, folder: Path, depth_tokens: int = DEPTH_TOKENS, storage: Storage = "f32") -> Any:
    """A run's options on the checkpoint of ``folder``."""
    return SimpleNamespace(
        model=model,
        storage=storage,
        depth_tokens=depth_tokens,
        plan=Plan(steps=STEPS),
        weights=Checkpoint(folder, model, storage),
        weights_folder=folder,
        runner="cpu",
        settings={"threads": 2},
    )


def counting(folder: Path, **changed: Any) -> Baseline:
    return Baseline("counting", "tests.runners.counting_worker", job(folder, **changed))


# --- the process ----------------------------------------------------------------------------------


def test_a_repetition_is_timed_step_by_step_from_the_start_token(tmp_path: Path) -> None:
    with counting(tmp_path) as worker:
        assert worker.versions == {"counting": "1"}
        first, second = worker.repetition(3), worker.repetition(2)
    assert first.tokens == [START_TOKEN + 1, START_TOKEN + 2, START_TOKEN + 3]
    assert second.tokens == [START_TOKEN + 2, START_TOKEN + 4]
    assert [len(first.step_ns), len(second.step_ns)] == [3, 2]
    assert min(first.step_ns) > 0


def test_a_worker_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with counting(tmp_path, seed=START_TOKEN + 2) as worker:
        worker.repetition(1)
        for _ in range(2):
            with pytest.raises(RunnerError, match=r"counting stopped \(got exit status 1\)(?s:.*)fell over"):
                worker.repetition(5)


def test_what_a_person_can_mend_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"^threads: must be 1 or more \(got 0\); give --threads$"):
        counting(tmp_path, settings={"threads": 0})


def test_a_checkpoint_that_is_none_is_told_by_the_worker(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match=r"model\.safetensors: file: is missing"):
        Baseline("reading", "tests.runners.reading_worker", job(tmp_path, weights_folder=tmp_path))


def test_leaving_the_context_ends_the_worker(tmp_path: Path) -> None:
    with counting(tmp_path) as worker:
        process = psutil.Process(worker._worker.pid)
        assert process.is_running()
    assert not process.is_running()


def test_a_worker_does_not_inherit_settings_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("GOMP_SPINCOUNT", "infinite")
    for runner in ("cpu", "another"):
        found = baselines._environment(runner)
        assert not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(found)
        assert found["HF_HUB_OFFLINE"] == "1"


def test_beside_a_cpu_a_worker_sees_no_other_device_and_beside_a_device_what_we_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert baselines._environment("cpu")["CUDA_VISIBLE_DEVICES"] == ""
    assert baselines._environment("another")["CUDA_VISIBLE_DEVICES"] == "3"


def test_a_baseline_runs_beside_the_runners_that_it_names() -> None:
    assert names("cpu") == ("llama.cpp", "pytorch-eager")
    assert names("none") == ()


def test_a_baseline_of_a_device_that_one_process_holds_runs_in_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = stacks.Stack("tests.runners.counting_worker", ("cpu",), (), "", in_process=True)
    monkeypatch.setattr(stacks, "STACKS", {"counting": stack})
    save(tmp_path, random_tensors(MODEL))
    with start("counting", options(MODEL, tmp_path)) as beside:
        assert (beside.name, beside.versions) == ("counting", {"counting": "1"})
        ran = beside.repetition(3)
        assert len(ran.step_ns) == 3
        assert ran.tokens == [START_TOKEN + 1, START_TOKEN + 2, START_TOKEN + 3]


def test_a_job_is_the_same_on_the_other_side(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        told = job(tmp_path, weights_folder=folder)
        assert Job.from_json(json.loads(json.dumps(told.to_json()))) == told


def test_a_jobs_weights_are_the_runs_own(tmp_path: Path) -> None:
    save(tmp_path, random_tensors(MODEL))
    assert job(tmp_path, seed=3).weights == Synthetic(3, "f32")
    assert isinstance(job(tmp_path, seed=None, weights_folder=tmp_path).weights, Checkpoint)


# --- what is installed ----------------------------------------------------------------------------


def test_a_baseline_whose_packages_lack_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stacks, "find_spec", lambda name: None if name == "gguf" else object())
    install = "pip install --constraint constraints.txt llama-cpp-python gguf"
    assert available("cpu") == {"llama.cpp": f"gguf not installed; {install}", "pytorch-eager": None}
    save(tmp_path, random_tensors(MODEL))
    with pytest.raises(
        RunnerError, match=rf"llama\.cpp cannot run here \(got: gguf not installed\); {install}"
    ):
        start("llama.cpp", options(MODEL, tmp_path))


# --- the stacks -----------------------------------------------------------------------------------


@pytest.fixture(params=names("cpu"))
def name(request: pytest.FixtureRequest) -> str:
    lacking = available("cpu")[request.param]
    if lacking:
        pytest.skip(lacking)
    return str(request.param)


def tame_tensors(model: Model) -> Tensors:
    """Weights small enough that attention is no switch, as llama.cpp's cache is in 16 bits."""
    return {name: np.float32(0.5) * numbers for name, numbers in random_tensors(model).items()}


def our_tokens(model: Model, folder: Path, depth_tokens: int) -> list[int]:
    """The null device's, after the same prompt."""
    step = decode_step(model, "f32", depth_tokens + STEPS)
    device = NullDevice()
    device.load(step, untexted(step), first_contents(model, step, Checkpoint(folder, model, "f32"), 0, 0))
    for token in job(folder, model=model, depth_tokens=depth_tokens).prompt:
        device.write("token", np.array(token, np.int32))
        device.run(1)
    device.write("token", np.array(START_TOKEN, np.int32))
    return device.run(STEPS).tokens


@pytest.mark.parametrize(
    ("model", "depth_tokens"), [(MODEL, DEPTH_TOKENS), (TIED, 0)], ids=["untied", "tied, empty cache"]
)
def test_a_baseline_decodes_our_tokens_again_and_again_and_rests(
    tmp_path: Path, name: str, model: Model, depth_tokens: int
) -> None:
    save(tmp_path, tame_tensors(model))
    expected = our_tokens(model, tmp_path, depth_tokens)
    assert len(set(expected)) > STEPS // 2
    with start(name, options(model, tmp_path, depth_tokens), tmp_path / "cache") as worker:
        assert worker.name == name
        assert all(worker.versions.values())
        assert [worker.repetition(STEPS).tokens for _ in range(2)] == [expected, expected]
        time.sleep(0.25)
        assert busy_s(worker, 0.5) < 0.1


def busy_s(worker: Any, while_s: float) -> float:
    """Processor seconds that an idle worker uses."""
    process = psutil.Process(worker._worker.pid)
    before = process.cpu_times()
    time.sleep(while_s)
    after = process.cpu_times()
    return (after.user - before.user) + (after.system - before.system)


def test_a_baseline_decodes_in_16_bits(tmp_path: Path, name: str) -> None:
    save(tmp_path, tame_tensors(MODEL))
    run = options(MODEL, tmp_path, storage="bf16")
    with start(name, run, tmp_path / "cache") as worker:
        first = worker.repetition(STEPS)
        assert worker.repetition(STEPS).tokens == first.tokens
    assert first.tokens[:3] == our_tokens(MODEL, tmp_path, DEPTH_TOKENS)[:3]


# --- beside a GPU ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "depth_tokens"), [(MODEL, DEPTH_TOKENS), (TIED, 0)], ids=["untied", "tied, empty cache"]
)
def test_the_compiled_step_decodes_our_tokens_again_and_again(
    tmp_path: Path, model: Model, depth_tokens: int
) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
    from runners.baselines.pytorch_compiled import Compiled

    save(tmp_path, tame_tensors(model))
    told = job(tmp_path, model=model, depth_tokens=depth_tokens, seed=None, weights_folder=tmp_path)
    decoder = Compiled(told, backend="eager")
    expected = our_tokens(model, tmp_path, depth_tokens)
    assert [repetition(decoder, STEPS).tokens for _ in range(2)] == [expected, expected]
    assert all(decoder.versions.values())


def test_a_compiled_step_is_tuned_and_makes_no_graph_behind_our_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
    from runners.baselines.pytorch_compiled import Compiled

    asked: dict[str, Any] = {}
    monkeypatch.setattr(torch, "compile", lambda step, **options: (asked.update(options), step)[1])
    told = Compiled(job(tmp_path)).versions["torch.compile"]
    assert told == f"inductor, {asked['mode']}"
    chosen = torch._inductor.list_mode_options()[asked["mode"]]
    assert chosen == {"max_autotune": True, "coordinate_descent_tuning": True}


def test_a_step_that_is_not_compiled_whole_is_an_error_and_not_a_slower_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
    from runners.baselines.pytorch_compiled import Compiled

    whole = Compiled._one_step

    def broken(self: Any) -> None:
        torch._dynamo.graph_break()
        whole(self)

    monkeypatch.setattr(Compiled, "_one_step", broken)
    decoder = Compiled(job(tmp_path), backend="eager")
    with pytest.raises(torch._dynamo.exc.Unsupported):
        repetition(decoder, 1)


@pytest.mark.parametrize(
    ("cuda", "remedy"),
    [
        (None, "pip install --force-reinstall torch --index-url "),
        ("13.0", "renew the driver, or take the build "),
    ],
)
def test_a_pytorch_without_a_gpu_is_refused_with_what_gives_it_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuda: str | None, remedy: str
) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
    from runners.baselines.pytorch import device_of

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    with pytest.raises(RunnerError, match=rf"^--baseline: PyTorch finds no GPU \(got torch .*\); {remedy}"):
        device_of(job(tmp_path, runner="cuda", settings={"gpu": 0}))
    assert device_of(job(tmp_path)).type == "cpu"


def test_pytorch_takes_the_gpu_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[test]'")
    from runners.baselines.pytorch import device_of

    chosen: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    found = device_of(job(tmp_path, runner="cuda", settings={"gpu": 2}))
    assert [found] == chosen == [torch.device("cuda", 2)]


def test_a_llama_cpp_without_a_gpu_is_refused_with_what_builds_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    from runners.baselines.llama_cpp import Llama, _refuse_a_build_without

    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: False)
    told = r"^--baseline: llama\.cpp is built for the CPU alone \(got no cuda\); CMAKE_ARGS=-DGGML_CUDA=on pip inst"
    told += "all --constraint constraints.txt "
    with pytest.raises(RunnerError, match=told):
        Llama(job(tmp_path, runner="cuda", settings={"gpu": 0}))
    assert not list(tmp_path.iterdir())
    _refuse_a_build_without(job(tmp_path))


def test_beside_a_gpu_all_layers_are_on_it(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    from runners.baselines.llama_cpp import _placed

    placed = _placed(job(tmp_path, runner="cuda", settings={"gpu": 2}))
    assert (placed.n_gpu_layers, placed.main_gpu, placed.split_mode) == (MODEL.num_hidden_layers + 1, 2, 0)


# --- llama.cpp's file -----------------------------------------------------------------------------

needs_gguf = pytest.mark.skipif(find_spec("gguf") is None, reason="gguf is not installed: pip install gguf")


@needs_gguf
def test_a_gguf_file_is_kept_and_an_older_one_is_not(tmp_path: Path) -> None:
    from runners.baselines.gguf_file import kept_file

    first = kept_file(job(tmp_path))
    written_ns = first.stat().st_mtime_ns
    assert kept_file(job(tmp_path)) == first
    assert first.stat().st_mtime_ns == written_ns
    for changed in ({"seed": 1}, {"storage": "bf16"}, {"model": replace(MODEL, rope_theta=5.0)}):
        other = kept_file(job(tmp_path, **changed))
        assert other != first
        assert list(tmp_path.iterdir()) == [other]


@needs_gguf
def test_a_gguf_file_holds_the_weights_bit_by_bit(tmp_path: Path) -> None:
    import gguf

    from runners.baselines.gguf_file import kept_file

    reader = gguf.GGUFReader(kept_file(job(tmp_path, storage="bf16")))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    source = Synthetic(0, "bf16")
    up = source.rows("model.layers.2.mlp.up_proj.weight", (96, 128), 0, 96)
    bias = source.rows("model.layers.2.self_attn.k_proj.bias", (64,), 0, 64)
    assert tensors["blk.2.ffn_up.weight"].data.tobytes() == up.tobytes()
    assert tensors["blk.2.attn_k.bias"].data.tobytes() == bias.astype(np.float32).tobytes()
    assert len(tensors) == 3 + 12 * MODEL.num_hidden_layers


@needs_gguf
def test_too_little_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runners.baselines.gguf_file import kept_file

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(RunnerError, match=r"free: too little .* \(got 0\.0 GB\); free 0\.2 GB, or leave out"):
        kept_file(job(tmp_path))
    assert not list(tmp_path.iterdir())
