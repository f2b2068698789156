"""A worker that reads its weights and no more."""

from __future__ import annotations

from runners.baselines.worker import serve

if __name__ == "__main__":
    serve(lambda job: job.weights)  # type: ignore[arg-type, return-value]
