@kernel(out)
def down_proj_residual(
    weight: Load = stored(out, inner), x: Load = f32(inner), residual: Load = f32(out), y: Load = f32(out)
) -> Store:
    """y = weight · x + residual"""
    return y.set(total(weight * x, inner) + residual)
