"""The one kernel source, its meaning, and its text in each language. Needs no device."""
