"""Values: the view and the words that name it, the frame, usage errors."""
