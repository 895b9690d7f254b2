"""Encoders, tokenizers and heads. The only room that uses transformers."""
