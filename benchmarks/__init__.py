"""What the advisor costs and how good it is, measured: `python -m benchmarks`."""

from advisor.config import silence_vendors

silence_vendors()  # before any benchmark imports NumPy, as the advisor itself does
