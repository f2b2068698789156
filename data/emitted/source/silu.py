def silu_of(x: Expr) -> Expr:
    """x times its own sigmoid."""
    return x / (1.0 + exp(-x))


@kernel(rows)
def silu(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = x · sigmoid(x)"""
    return y.set(silu_of(x))
