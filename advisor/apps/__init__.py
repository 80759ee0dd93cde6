"""Front ends: each asks the same `Advisor` and shows the same `Turn`."""
