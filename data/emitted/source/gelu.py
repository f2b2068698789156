@kernel(rows)
def gelu(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = x · sigmoid(2u) with u = sqrt(2/π) (x + 0.044715 x³), which is the tanh form of GELU"""
    u = 0.7978845608028654 * (x + 0.044715 * (x * x * x))
    return y.set(x / (1.0 + exp(-2.0 * u)))
