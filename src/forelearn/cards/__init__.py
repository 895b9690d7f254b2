"""Cards: what a source needs to be ranked without its encoder; and libraries of them."""
