"""From the artifact in service and new labelled tickets to a candidate for the next one."""
