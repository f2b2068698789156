@kernel(out)
def lm_head_matvec(weight: Load = stored(out, inner), x: Load = f32(inner), logits: Load = f32(out)) -> Store:
    """logits = weight · x"""
    return logits.set(total(weight * x, inner))
