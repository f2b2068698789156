"""The records that everything downstream works with: one frozen dataclass for each object of the schemas.

A record exists only after its file passed its schema, so no method here checks its input.
A test holds that the fields and the schemas' properties are the same. Field names carry their units;
``None`` stands for JSON ``null``: not stated, or not applicable. What people write stands in
:mod:`schemas.facts`, what emitters write in :mod:`schemas.emitted`, how a device is measured in
:mod:`schemas.reproduce`, and what runners and publications write here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.emitted import Check as Check
from schemas.emitted import EmittedIndex as EmittedIndex
from schemas.emitted import EmittedText as EmittedText
from schemas.emitted import Language as Language
from schemas.emitted import Proof as Proof
from schemas.emitted import Proofs as Proofs
from schemas.emitted import SourceText as SourceText
from schemas.facts import BYTES_PER_ELEMENT as BYTES_PER_ELEMENT
from schemas.facts import AcceleratorArgs as AcceleratorArgs
from schemas.facts import Access as Access
from schemas.facts import Bandwidth as Bandwidth
from schemas.facts import Colab as Colab
from schemas.facts import Device as Device
from schemas.facts import Dimension as Dimension
from schemas.facts import Dtype as Dtype
from schemas.facts import Kernel as Kernel
from schemas.facts import LanguageUse as LanguageUse
from schemas.facts import Ledger as Ledger
from schemas.facts import Model as Model
from schemas.facts import Price as Price
from schemas.facts import Reference as Reference
from schemas.facts import Reproduction as Reproduction
from schemas.facts import Retraction as Retraction
from schemas.facts import SkyPilot as SkyPilot
from schemas.facts import Tensor as Tensor
from schemas.facts import Term as Term
from schemas.reproduce import Beside as Beside
from schemas.reproduce import Option as Option
from schemas.reproduce import Protocol as Protocol
from schemas.reproduce import Reproduce as Reproduce
from schemas.reproduce import RunnerFacts as RunnerFacts
from schemas.reproduce import notebook_name as notebook_name
from schemas.reproduce import serving as serving
from schemas.reproduce import task_name as task_name

Provenance = Literal["reported", "measured"]
Role = Literal["contender", "baseline", "reference"]
Execution = Literal["emitted", "vendor_library", "hand_written", "host", "not_stated"]
Stated = Literal["included", "excluded", "not_stated"]


# --- result: data/results/<device>/<id>.json and data/reported/<source>/<id>.json ------------------


@dataclass(frozen=True, slots=True)
class Source:
    """Where a reported figure is published."""

    title: str
    url: str
    locator: str
    retrieved: str
    published: str | None


@dataclass(frozen=True, slots=True)
class Stack:
    """The software that ran: emitter, languages, compiler, driver."""

    name: str
    backend: str | None
    languages: tuple[str, ...]
    toolchain: str | None
    driver: str | None


@dataclass(frozen=True, slots=True)
class KernelSource:
    """The source of the emitted kernels; ``sha256`` None where a publication gives none."""

    repository: str
    path: str | None
    revision: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Package:
    """A part of the toolchain and its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine of a measured row, without host name, user name or path."""

    device_name: str
    device_count: int
    driver: str | None
    toolchain: tuple[Package, ...]
    os: str
    cpu_model: str
    cpu_count: int
    memory_bytes: float
    runner: str
    runner_version: str
    git_revision: str | None
    git_dirty: bool | None
    command: str


@dataclass(frozen=True, slots=True)
class Weights:
    """Which weights ran: synthetic (with seed) or a checkpoint (with its hash)."""

    kind: Literal["synthetic", "checkpoint", "not_stated"]
    seed: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """The token-accounting contract: what the time of one decode step contains."""

    tokenization: Stated
    prefill: Stated
    embedding_lookup: Stated
    decoder_layers: Literal["all", "not_stated"]
    lm_head: Stated
    sampling: Literal["greedy_argmax", "not_stated"]
    token_to_host: Stated
    compilation: Stated
    end_of_sequence: Literal["ignored", "stops", "not_stated"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure that a source derives itself; shown beside ours, never instead of it."""

    metric: Literal[
        "mbu_percent",
        "speedup_over_baseline",
        "speedup_over_reference",
        "kernel_speedup",
        "wall_s",
        "compile_s",
        "statement",
    ]
    statement: str
    value: float | None
    value_high: float | None
    unit: Literal["%", "x", "s", "tok/s"] | None
    against: str | None
    steps: int | None
    remark: str


@dataclass(frozen=True, slots=True)
class DecodeFigure:
    """What a publication states of a decode step."""

    tok_per_s: float
    step_us: float | None
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition: the time of each step, or of all together, what the host was doing, the energy used."""

    step_ns: tuple[int, ...] | None
    total_ns: int | None
    read_gb_per_s_before: float | None
    read_gb_per_s_after: float | None
    other_cores_busy: float | None
    energy_j: float | None = None


@dataclass(frozen=True, slots=True)
class DecodeSamples:
    """The raw samples of a decode step, in nanoseconds."""

    timing: Literal["per_step", "per_repetition"]
    steps_per_repetition: int
    warmup_repetitions: int
    compile_s: float | None
    repetitions: tuple[Repetition, ...]


@dataclass(frozen=True, slots=True)
class DecodeBlock:
    """One whole decode step: the workload, its check, and a figure (reported) or samples (measured)."""

    model: str
    dtype: Dtype
    batch_size: Literal[1]
    depth_tokens: int | None
    weights: Weights
    contract: Contract
    baseline_of: str | None
    numerics_ok: bool | None
    logits_rel_l2: float | None
    first_divergence_step: int | None
    token_ids: tuple[int, ...] | None
    figure: DecodeFigure | None
    samples: DecodeSamples | None


@dataclass(frozen=True, slots=True)
class KernelFigure:
    """What a publication states of one kernel."""

    latency_us: float
    min_us: float | None
    max_us: float | None
    values_in_source: int


@dataclass(frozen=True, slots=True)
class KernelTiming:
    """The latency of one kernel, or of several fused ones, a call or summed over a token."""

    kernels: tuple[str, ...]
    shape: dict[str, int] | None
    dtype: Dtype
    per: Literal["call", "token"]
    execution: Execution
    language: str | None
    implementation: str | None
    numerics_ok: bool | None
    rel_l2_error: float | None
    error: str | None
    emitted_sha256: str | None
    figure: KernelFigure | None
    samples_ns: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class KernelBlock:
    """Latencies of single kernels; ``step_of`` names the decode row whose step they make up."""

    model: str | None
    depth_tokens: int | None
    step_of: str | None
    timings: tuple[KernelTiming, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One run: a decode block, a kernel block, or both; ``integrity`` is :func:`schemas.integrity.seal`'s."""

    schema: str
    id: str
    provenance: Provenance
    role: Role
    quick: bool
    device: str
    device_as_stated: str | None
    submitter: str | None
    measured_at: str | None
    source: Source | None
    stack: Stack
    kernel_source: KernelSource | None
    environment: Environment | None
    decode: DecodeBlock | None
    kernels: KernelBlock | None
    notes: str
    integrity: str | None = None


Record = Device | Model | Kernel | Result | Ledger | EmittedIndex | Proofs | Reproduce
