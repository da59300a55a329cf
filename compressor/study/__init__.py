"""One recipe as several runs: seeds and variants through one store, compared in one table."""
