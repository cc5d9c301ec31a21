"""Charges, refunds and statements of merchants."""
