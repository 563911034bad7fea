"""The desk lead's page: load, agreement with the model, and the switch that stops `auto`."""
