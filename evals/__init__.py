"""Evaluation suites: cases as data, metrics as plain functions, one pipeline."""
