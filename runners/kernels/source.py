"""The kernels: thirteen that make a decode step, and four row-wise microbenchmarks.

A function says what its kernel computes and which axis is parallel. How it is computed is each emitter's
affair. Parameters are in the order in which every emitted kernel takes them; what is written comes last.
"""

from __future__ import annotations

from runners.kernels.expr import (
    Axis,
    Expr,
    Kernel,
    Length,
    Load,
    Setting,
    Store,
    argmax,
    exp,
    f32,
    i32,
    kernel,
    largest,
    mean,
    rsqrt,
    stored,
    total,
)

rows, cols = Axis("rows"), Axis("cols")
out, inner = Axis("out"), Axis("in")
hidden, vocab = Axis("hidden"), Axis("vocab")
q_heads, kv_heads, group = Axis("q_heads"), Axis("kv_heads"), Axis("group")
head_dim, half, pair = Axis("head_dim"), Axis("half"), Axis("pair")
tokens = Axis("tokens", dynamic=True)


def softmax_of(x: Expr, over: Axis) -> Expr:
    """Exponentials divided by their sum; the largest element is taken off first, so that none overflows."""
    e = exp(x - largest(x, over))
    return e / total(e, over)


def silu_of(x: Expr) -> Expr:
    """x times its own sigmoid."""
    return x / (1.0 + exp(-x))


def rms_normed(x: Expr, weight: Expr, over: Axis) -> Expr:
    """x over its root mean square, times a weight."""
    return x * rsqrt(mean(x * x, over) + Setting("rms_norm_eps")) * weight


# --- the decode step, in its order ----------------------------------------------------------------


@kernel(hidden)
def embedding_lookup(
    token: Load = i32(), table: Load = stored(vocab, hidden), x: Load = f32(hidden)
) -> Store:
    """x = the row of the table that the token id chooses."""
    return x.set(table.at(vocab, token))


@kernel(rows)
def rms_norm(x: Load = f32(rows, cols), weight: Load = stored(cols), y: Load = f32(rows, cols)) -> Store:
    """y = x / sqrt(mean(x²) + eps) · weight"""
    return y.set(rms_normed(x, weight, cols))


@kernel(out)
def q_proj_matvec(
    weight: Load = stored(out, inner), x: Load = f32(inner), bias: Load = stored(out), q: Load = f32(out)
) -> Store:
    """q = weight · x + bias"""
    return q.set(total(weight * x, inner) + bias)


@kernel(out)
def kv_proj_matvec(
    weight: Load = stored(out, inner), x: Load = f32(inner), bias: Load = stored(out), kv: Load = f32(out)
) -> Store:
    """kv = weight · x + bias"""
    return kv.set(total(weight * x, inner) + bias)


@kernel(pair)
def rope_qk(
    q: Load = f32(q_heads, half, pair),
    k: Load = f32(kv_heads, half, pair),
    position: Load = i32(),
    cosines: Load = f32(tokens, pair),
    sines: Load = f32(tokens, pair),
    q_rotated: Load = f32(q_heads, half, pair),
    k_rotated: Load = f32(kv_heads, half, pair),
) -> tuple[Store, ...]:
    """Each head's first half rotated against its second half, by the angles of the position."""
    c, s = cosines.at(tokens, position), sines.at(tokens, position)
    q0, q1, k0, k1 = q.at(half, 0), q.at(half, 1), k.at(half, 0), k.at(half, 1)
    return (
        q_rotated.at(half, 0).set(q0 * c - q1 * s),
        q_rotated.at(half, 1).set(q1 * c + q0 * s),
        k_rotated.at(half, 0).set(k0 * c - k1 * s),
        k_rotated.at(half, 1).set(k1 * c + k0 * s),
    )


@kernel(kv_heads)
def kv_cache_append(
    k: Load = f32(kv_heads, head_dim),
    v: Load = f32(kv_heads, head_dim),
    position: Load = i32(),
    keys: Load = stored(kv_heads, tokens, head_dim),
    values: Load = stored(kv_heads, tokens, head_dim),
) -> tuple[Store, ...]:
    """The token's key and value become the cache's row at the position."""
    return keys.at(tokens, position).set(k), values.at(tokens, position).set(v)


@kernel(kv_heads, group)
def attention_decode_gqa(
    q: Load = f32(kv_heads, group, head_dim),
    keys: Load = stored(kv_heads, tokens, head_dim),
    values: Load = stored(kv_heads, tokens, head_dim),
    position: Load = i32(),
    y: Load = f32(kv_heads, group, head_dim),
) -> Store:
    """y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head."""
    del position  # the tokens' axis ends there
    score = total(q * keys, head_dim) * rsqrt(Length(head_dim))
    return y.set(total(softmax_of(score, tokens) * values, tokens))


@kernel(out)
def o_proj_matvec(weight: Load = stored(out, inner), x: Load = f32(inner), y: Load = f32(out)) -> Store:
    """y = weight · x"""
    return y.set(total(weight * x, inner))


@kernel(rows)
def residual_add_rms_norm(
    x: Load = f32(rows, cols),
    residual: Load = f32(rows, cols),
    weight: Load = stored(cols),
    sum: Load = f32(rows, cols),
    y: Load = f32(rows, cols),
) -> tuple[Store, ...]:
    """sum = x + residual; y = sum / sqrt(mean(sum²) + eps) · weight"""
    added = x + residual
    return sum.set(added), y.set(rms_normed(added, weight, cols))


@kernel(out)
def mlp_gate_up_silu(
    gate_weight: Load = stored(out, inner),
    up_weight: Load = stored(out, inner),
    x: Load = f32(inner),
    y: Load = f32(out),
) -> Store:
    """y = silu(gate_weight · x) · (up_weight · x)"""
    return y.set(silu_of(total(gate_weight * x, inner)) * total(up_weight * x, inner))


@kernel(out)
def down_proj_residual(
    weight: Load = stored(out, inner), x: Load = f32(inner), residual: Load = f32(out), y: Load = f32(out)
) -> Store:
    """y = weight · x + residual"""
    return y.set(total(weight * x, inner) + residual)


@kernel(out)
def lm_head_matvec(weight: Load = stored(out, inner), x: Load = f32(inner), logits: Load = f32(out)) -> Store:
    """logits = weight · x"""
    return logits.set(total(weight * x, inner))


@kernel()
def argmax_greedy(logits: Load = f32(vocab), token: Load = i32()) -> Store:
    """token = the first index of the largest logit"""
    return token.set(argmax(logits, vocab))


# --- microbenchmarks ------------------------------------------------------------------------------


@kernel(rows)
def softmax(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = exp(x) / the row's sum of it"""
    return y.set(softmax_of(x, cols))


@kernel(rows)
def layernorm(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = (x − mean) / sqrt(variance + eps), without weight and bias"""
    centred = x - mean(x, cols)
    return y.set(centred * rsqrt(mean(centred * centred, cols) + 1e-5))


@kernel(rows)
def gelu(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = x · sigmoid(2u) with u = sqrt(2/π) (x + 0.044715 x³), which is the tanh form of GELU"""
    u = 0.7978845608028654 * (x + 0.044715 * (x * x * x))
    return y.set(x / (1.0 + exp(-2.0 * u)))


@kernel(rows)
def silu(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = x · sigmoid(x)"""
    return y.set(silu_of(x))


DECODE_STEP: tuple[Kernel, ...] = (
    embedding_lookup,
    rms_norm,
    q_proj_matvec,
    kv_proj_matvec,
    rope_qk,
    kv_cache_append,
    attention_decode_gqa,
    o_proj_matvec,
    residual_add_rms_norm,
    mlp_gate_up_silu,
    down_proj_residual,
    lm_head_matvec,
    argmax_greedy,
)
MICROBENCHMARKS: tuple[Kernel, ...] = (softmax, layernorm, gelu, silu)
KERNELS: dict[str, Kernel] = {kernel.name: kernel for kernel in DECODE_STEP + MICROBENCHMARKS}
