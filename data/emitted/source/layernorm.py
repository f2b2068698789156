@kernel(rows)
def layernorm(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = (x − mean) / sqrt(variance + eps), without weight and bias"""
    centred = x - mean(x, cols)
    return y.set(centred * rsqrt(mean(centred * centred, cols) + 1e-5))
