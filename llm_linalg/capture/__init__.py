"""Run a program by Python itself, and record the torch calls that it makes."""
