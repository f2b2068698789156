def softmax_of(x: Expr, over: Axis) -> Expr:
    """Exponentials divided by their sum; the largest element is taken off first, so that none overflows."""
    e = exp(x - largest(x, over))
    return e / total(e, over)


@kernel(kv_heads, group)
def attention_decode_gqa(
    q: Load = f32(kv_heads, group, head_dim),
    keys: Load = stored(kv_heads, tokens, head_dim),
    values: Load = stored(kv_heads, tokens, head_dim),
    position: Load = i32(),
    y: Load = f32(kv_heads, group, head_dim),
) -> Store:
    """y = softmax(q · keysᵀ / sqrt(head_dim)) · values; a group of query heads shares each KV head."""
    del position  # the tokens' axis ends there
    score = total(q * keys, head_dim) * rsqrt(Length(head_dim))
    return y.set(total(softmax_of(score, tokens) * values, tokens))
