"""TPUs: JAX programs of Pallas kernels."""
