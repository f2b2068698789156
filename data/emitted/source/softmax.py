def softmax_of(x: Expr, over: Axis) -> Expr:
    """Exponentials divided by their sum; the largest element is taken off first, so that none overflows."""
    e = exp(x - largest(x, over))
    return e / total(e, over)


@kernel(rows)
def softmax(x: Load = stored(rows, cols), y: Load = stored(rows, cols)) -> Store:
    """y = exp(x) / the row's sum of it"""
    return y.set(softmax_of(x, cols))
