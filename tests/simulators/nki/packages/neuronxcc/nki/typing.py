"""``neuronxcc.nki.typing``: what a parameter may be marked as."""


class mutable_tensor:
    """A parameter that the kernel changes in place, and returns."""
