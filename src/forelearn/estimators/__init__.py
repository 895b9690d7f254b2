"""What guesses usefulness. One method a file; arrays in, floats out."""
