@kernel(pair)
def rope_qk(
    q: Load = f32(q_heads, half, pair),
    k: Load = f32(kv_heads, half, pair),
    position: Load = i32(),
    cosines: Load = f32(tokens, pair),
    sines: Load = f32(tokens, pair),
    q_rotated: Load = f32(q_heads, half, pair),
    k_rotated: Load = f32(kv_heads, half, pair),
) -> tuple[Store, ...]:
    """Each head's first half rotated against its second half, by the angles of the position."""
    c, s = cosines.at(tokens, position), sines.at(tokens, position)
    q0, q1, k0, k1 = q.at(half, 0), q.at(half, 1), k.at(half, 0), k.at(half, 1)
    return (
        q_rotated.at(half, 0).set(q0 * c - q1 * s),
        q_rotated.at(half, 1).set(q1 * c + q0 * s),
        k_rotated.at(half, 0).set(k0 * c - k1 * s),
        k_rotated.at(half, 1).set(k1 * c + k0 * s),
    )
