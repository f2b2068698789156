@kernel(hidden)
def embedding_lookup(
    token: Load = i32(), table: Load = stored(vocab, hidden), x: Load = f32(hidden)
) -> Store:
    """x = the row of the table that the token id chooses."""
    return x.set(table.at(vocab, token))
