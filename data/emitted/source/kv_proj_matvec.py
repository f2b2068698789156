@kernel(out)
def kv_proj_matvec(
    weight: Load = stored(out, inner), x: Load = f32(inner), bias: Load = stored(out), kv: Load = f32(out)
) -> Store:
    """kv = weight · x + bias"""
    return kv.set(total(weight * x, inner) + bias)
