"""What an operation does to vectors of two numbers, as a picture in the plane."""
