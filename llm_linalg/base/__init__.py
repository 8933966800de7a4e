"""What everybody uses: cells, axes, text, numbers, errors."""
