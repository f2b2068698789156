"""What people write: frozen dataclasses of devices, models, kernels and the retraction ledger.

The other half of :mod:`schemas.records`, which exports these names; import them from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dtype = Literal["f32", "f16", "bf16"]
Dimension = int | str

BYTES_PER_ELEMENT: dict[str, int] = {"f32": 4, "f16": 2, "bf16": 2, "i32": 4}


@dataclass(frozen=True, slots=True)
class Reference:
    """Who says so: a title and an https address."""

    title: str
    url: str


# --- device: data/devices/<id>.md -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A memory bandwidth in GB/s (1e9 bytes a second), what it is the bandwidth of, and its source."""

    gb_per_s: float
    what: str
    source: Reference


@dataclass(frozen=True, slots=True)
class LanguageUse:
    """A language that a device takes kernels in; without ``kernels``, all those that no other entry names."""

    target: str
    kernels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How the published row of a device was made, and the options by which our runner does the same."""

    machine: str
    method: str
    source: Reference
    options: str | None = None


@dataclass(frozen=True, slots=True)
class Colab:
    """A runtime of Google Colab, as its menu and as a notebook's metadata name it, and what the machine there says.

    ``install`` holds the commands that this machine takes after those of its runner.
    """

    runtime: str
    accelerator: str
    seen_as: str
    install: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceleratorArgs:
    """SkyPilot's ``accelerator_args``: of them, the software that a TPU's machine starts with."""

    runtime_version: str


@dataclass(frozen=True, slots=True)
class SkyPilot:
    """SkyPilot's ``resources`` in its own words; what is None is left to it. ``disk_size`` is in GB.

    ``first`` are the shell lines that bring the rented machine up to date, before anything is installed there.
    """

    infra: str | None = None
    accelerators: str | None = None
    instance_type: str | None = None
    accelerator_args: AcceleratorArgs | None = None
    image_id: str | None = None
    disk_size: int | None = None
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """How somebody gets at a device without owning it."""

    colab: Colab | None
    skypilot: SkyPilot | None


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in US dollars an hour: of what, on which day it was read, and where."""

    usd_per_hour: float
    what: str
    date: str
    source: Reference


@dataclass(frozen=True, slots=True)
class Device:
    """Facts about one accelerator. ``peak_bandwidth`` is what MBU is measured against."""

    schema: str
    id: str
    name: str
    vendor: str | None
    type: Literal["CPU", "GPU", "NPU", "TPU"]
    memory_gb: float | None
    tdp_w: float | None
    peak_bandwidth: Bandwidth | None
    other_bandwidths: tuple[Bandwidth, ...]
    aliases: tuple[str, ...]
    sources: tuple[Reference, ...]
    languages: tuple[LanguageUse, ...]
    reproduction: Reproduction | None
    notes: str
    access: Access | None = None
    price: Price | None = None


# --- model: data/models/<id>.yml ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Model:
    """The shape of a Qwen2-style decoder, in the published checkpoint's own terms.

    The counts below follow from the architecture: projections of Q, K and V (with biases where
    ``attention_bias``) and O, a gated MLP of three matrices, two norms a layer, a final norm, the head.
    """

    schema: str
    id: str
    name: str
    architecture: Literal["qwen2"]
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    attention_bias: bool
    tie_word_embeddings: bool
    torch_dtype: Literal["float32", "float16", "bfloat16"]
    source: Reference

    @property
    def q_size(self) -> int:
        """Width of the query projection: heads x head_dim."""
        return self.num_attention_heads * self.head_dim

    @property
    def kv_size(self) -> int:
        """Width of the key (or value) projection: KV heads x head_dim."""
        return self.num_key_value_heads * self.head_dim

    @property
    def layer_parameters(self) -> int:
        """Parameters of one decoder layer."""
        projections = self.hidden_size * (2 * self.q_size + 2 * self.kv_size)
        biases = (self.q_size + 2 * self.kv_size) if self.attention_bias else 0
        mlp = 3 * self.hidden_size * self.intermediate_size
        norms = 2 * self.hidden_size
        return projections + biases + mlp + norms

    @property
    def weights_read_per_token(self) -> int:
        """Parameters read to decode a token: all layers, final norm, head (without the embedding row)."""
        head = self.vocab_size * self.hidden_size
        return self.num_hidden_layers * self.layer_parameters + self.hidden_size + head

    @property
    def kv_elements_per_token(self) -> int:
        """Elements of K and V that one token in the cache holds over all layers."""
        return 2 * self.num_hidden_layers * self.kv_size

    def bytes_per_token(self, dtype: Dtype, mean_depth_tokens: float = 0.0) -> float:
        """Bytes a decode step must read: weights, one embedding row, and K and V of ``mean_depth_tokens``.

        K and V are counted at the storage width of the weights, as the runners store them.
        """
        elements = self.weights_read_per_token + self.hidden_size
        return BYTES_PER_ELEMENT[dtype] * (elements + mean_depth_tokens * self.kv_elements_per_token)

    def dimension(self, name: Dimension, depth_tokens: int | None = None) -> int | None:
        """An axis length: a number as it stands, or the model's dimension of that name.

        ``depth`` is the number of tokens in the KV cache, ``None`` where the row does not state it.
        """
        if isinstance(name, int):
            return name
        return depth_tokens if name == "depth" else int(getattr(self, name))


# --- kernel: data/kernels/<id>.md -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that one call reads or writes once; ``dtype`` None is the storage type of the row."""

    name: str
    axes: tuple[str, ...]
    dtype: Literal["f32", "i32"] | None


@dataclass(frozen=True, slots=True)
class Term:
    """``times`` x the product of the axes: a part of an operation count."""

    times: float
    axes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel over named axes; bytes and operations of a call follow from its tensors and a shape."""

    schema: str
    id: str
    name: str
    summary: str
    category: Literal["decode_step", "microbenchmark"]
    calls_per_layer: int
    calls_per_step: int
    axes: tuple[str, ...]
    model_shape: dict[str, Dimension]
    reads: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]
    flops: tuple[Term, ...]
    rate: Literal["gb_per_s", "gflop_per_s"]
    notes: str

    def calls_per_token(self, model: Model) -> int:
        """How often one decode step of ``model`` calls this kernel."""
        return self.calls_per_layer * model.num_hidden_layers + self.calls_per_step


# --- ledger: data/retracted.yml -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retraction:
    """A row withdrawn from ranking, with its reason."""

    result: str
    date: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """All retractions, oldest first."""

    schema: str
    retractions: tuple[Retraction, ...]
