"""Apple: Metal through PyObjC."""
