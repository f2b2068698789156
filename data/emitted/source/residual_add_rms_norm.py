def rms_normed(x: Expr, weight: Expr, over: Axis) -> Expr:
    """x over its root mean square, times a weight."""
    return x * rsqrt(mean(x * x, over) + Setting("rms_norm_eps")) * weight


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
