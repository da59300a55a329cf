"""What each task is at run time, a file each: its spec, texts to model inputs, outputs to answers, and its metrics."""
