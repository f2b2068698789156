@kernel()
def argmax_greedy(logits: Load = f32(vocab), token: Load = i32()) -> Store:
    """token = the first index of the largest logit"""
    return token.set(argmax(logits, vocab))
