"""Stands in for the Neuron compiler's package: ``neuronxcc.nki`` only."""
