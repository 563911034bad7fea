"""What is wrong with past tickets before a model learns from them."""
