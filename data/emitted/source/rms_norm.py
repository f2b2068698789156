def rms_normed(x: Expr, weight: Expr, over: Axis) -> Expr:
    """x over its root mean square, times a weight."""
    return x * rsqrt(mean(x * x, over) + Setting("rms_norm_eps")) * weight


@kernel(rows)
def rms_norm(x: Load = f32(rows, cols), weight: Load = stored(cols), y: Load = f32(rows, cols)) -> Store:
    """y = x / sqrt(mean(x²) + eps) · weight"""
    return y.set(rms_normed(x, weight, cols))
