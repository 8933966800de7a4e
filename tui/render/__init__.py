"""Pictures without a terminal: frames as text or JSON, screens as SVG."""
