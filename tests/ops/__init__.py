"""The table of operations, held against torch: samples of each entry, and the laws that each keeps."""
