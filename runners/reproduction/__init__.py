"""How each device is measured by whoever has or rents one: the catalogue, notebooks, tasks, a fleet."""
