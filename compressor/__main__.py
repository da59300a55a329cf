"""`python -m compressor` is `compressor`."""

from compressor.cli import main

if __name__ == "__main__":
    main()
