"""Packages of the Neuron SDK that the simulator stands in for, where they are not installed."""
