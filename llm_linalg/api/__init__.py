"""The documented interface: `run`, `trace`, `explore`, and what they return."""
