@kernel(out)
def q_proj_matvec(
    weight: Load = stored(out, inner), x: Load = f32(inner), bias: Load = stored(out), q: Load = f32(out)
) -> Store:
    """q = weight · x + bias"""
    return q.set(total(weight * x, inner) + bias)
