"""What other toolkits make of a checkpoint, beside ours: `python -m benchmarks.peers --help`."""
