"""Questions to a learner: what an author asks, what the program answers, how an answer is judged."""
