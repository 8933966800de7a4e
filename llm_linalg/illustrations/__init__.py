"""Pictures beyond tables of numbers, as values: arrows in a plane, the weave of one tensor into another."""
