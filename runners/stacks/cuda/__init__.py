"""NVIDIA: NVRTC and the driver through cuda.core, and NVML."""
