"""The review desk: operators settle what the model is unsure of."""
