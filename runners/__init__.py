"""Measures one decode step on a device: ``python -m runners.<device>`` writes one result file."""
