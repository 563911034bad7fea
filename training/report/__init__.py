"""The report on a model: what it gets right, how sure it is, and what changed against the champion.

    labelled = read_labelled(file, mapping, [challenger.catalog, champion.catalog], since=date(2018, 5, 1))
    evaluation = evaluate(challenger, labelled)             # an Evaluation; both take `on_tickets`, for a bar
    comparison = compare(evaluate(champion, labelled), evaluation, load_gates())        # a Comparison
    write_report(evaluation, folder, comparison=comparison)  # report.html, report.json, comparison.json

- `training.report.labelled`: `read_labelled(path, columns, catalogs, *, since, until, on_progress)` gives a
  `Labelled`.
  A caller that has tickets already makes `Labelled(tickets, Source(name), learned)` itself; each ticket's
  `department` is its unit's name or code.
- `training.report.evaluation`: `evaluate(dispatcher, labelled, *, on_tickets) -> Evaluation`.
- `training.report.comparison`: `compare(champion, challenger, gates, *, seed) -> Comparison`, of the same
  tickets.
- `training.report.gates`: `load_gates(path=None) -> GateSettings`; `Comparison.gates` are the outcomes.
- `training.report.writing`: `write_report(evaluation, folder, *, comparison=None, texts=True)` gives the path
  of the page.

docs/report.md documents the two JSON files.
"""
