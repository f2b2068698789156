"""AWS Neuron: graphs of NKI kernels by PyTorch."""
