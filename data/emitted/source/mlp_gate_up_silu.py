def silu_of(x: Expr) -> Expr:
    """x times its own sigmoid."""
    return x / (1.0 + exp(-x))


@kernel(out)
def mlp_gate_up_silu(
    gate_weight: Load = stored(out, inner),
    up_weight: Load = stored(out, inner),
    x: Load = f32(inner),
    y: Load = f32(out),
) -> Store:
    """y = silu(gate_weight · x) · (up_weight · x)"""
    return y.set(silu_of(total(gate_weight * x, inner)) * total(up_weight * x, inner))
