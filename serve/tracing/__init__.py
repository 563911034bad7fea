"""OpenTelemetry traces, if the setting `tracing_endpoint` asks for them; else nothing of it is imported."""
