"""What the app is about, as values: the view and its words, the frame, errors."""
