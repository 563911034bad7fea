"""Text to decision, and the artifact that holds what was learned."""
