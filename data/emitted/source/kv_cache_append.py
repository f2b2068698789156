@kernel(kv_heads)
def kv_cache_append(
    k: Load = f32(kv_heads, head_dim),
    v: Load = f32(kv_heads, head_dim),
    position: Load = i32(),
    keys: Load = stored(kv_heads, tokens, head_dim),
    values: Load = stored(kv_heads, tokens, head_dim),
) -> tuple[Store, ...]:
    """The token's key and value become the cache's row at the position."""
    return keys.at(tokens, position).set(k), values.at(tokens, position).set(v)
