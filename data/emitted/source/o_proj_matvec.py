@kernel(out)
def o_proj_matvec(weight: Load = stored(out, inner), x: Load = f32(inner), y: Load = f32(out)) -> Store:
    """y = weight · x"""
    return y.set(total(weight * x, inner))
