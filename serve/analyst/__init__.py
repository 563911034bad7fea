"""The analyst's page: models, reports, comparisons, and a policy to try before it is saved."""
