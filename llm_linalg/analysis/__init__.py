"""Questions to a whole trace: parts, lineage, influence, names of axes, the block diagram."""
