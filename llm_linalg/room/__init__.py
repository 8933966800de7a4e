"""The process in which foreign programs run: it computes, and reaches nothing."""
