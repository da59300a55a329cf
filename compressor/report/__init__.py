"""What people read: the console of a run, closing tables, report.md, the model card. Knows results, nothing else."""
