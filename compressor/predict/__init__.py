"""Answer the rows of a file or a stream with a bundle: order and number of rows are kept."""
