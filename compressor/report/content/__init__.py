"""What reports say, as blocks: built once from what was measured, written by `report/printers/`."""
