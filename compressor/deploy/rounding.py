"""What quantized variants store and multiply, computed in PyTorch, so that a training can see it.

Each function rounds as the quantizer of a graph does, number by number: `tests/deploy/test_simulation.py` compares
their codes. Matrices are [outputs, inputs], codes are whole numbers in fp32, and nothing has a gradient here.
"""

from __future__ import annotations

import torch

from compressor.deploy.four_bits import HIGHEST, LOWEST, block_of

__all__ = ["by_blocks", "in_8_bits", "in_steps", "inputs_by_blocks", "rows_of_table", "symmetric"]

Dims = tuple[int, ...]


def symmetric(values: torch.Tensor, largest: int, dims: Dims) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes between `-largest` and `largest`, and scales: `values` is about `codes * scales`. One scale for all numbers
    along `dims`. The formula of `quantize_columns`, and of onnxruntime for signed weights."""
    scales = _quotient(values.abs().amax(dims, keepdim=True), largest)
    scales = torch.where(scales == 0, 1.0, scales)
    return torch.round(values / scales), scales


def in_8_bits(values: torch.Tensor, dims: Dims, largest: int = 255) -> torch.Tensor:
    """The values that unsigned codes from 0 to `largest` stand for, 0 among them; one scale and one zero point for all
    numbers along `dims`. The formula of onnxruntime for unsigned weights, and of `DynamicQuantizeLinear`."""
    low = values.amin(dims, keepdim=True).clamp(max=0).double()
    high = values.amax(dims, keepdim=True).clamp(min=0).double()
    exact = (high - low) / largest
    exact = torch.where(exact < torch.finfo(torch.float32).tiny, 1.0, exact)
    zero, scale = torch.round(-low / exact).float(), exact.float()
    codes = (torch.round(values / scale) + zero).clamp(0, 255)
    return (codes - zero) * scale


def in_steps(numbers: torch.Tensor, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes [rows, blocks, block] from -8 to 7, and whole steps [rows, blocks, 1], of int8 numbers [rows, width]: what
    `compressor.deploy.four_bits.pack` stores."""
    limit = torch.clamp(numbers.abs().amax() // 8, min=1)
    blocks = numbers.reshape(len(numbers), -1, block)
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))
    codes, steps = torch.zeros_like(blocks), torch.ones_like(largest)
    losses = torch.full_like(largest, torch.inf)
    for offset in (0, 1, -1):
        size = torch.minimum((_quotient(largest.abs(), 8).ceil() + offset).clamp(min=1), limit)
        step = -largest.sign() * size
        step = torch.where(step == 0, 1.0, step)
        code = torch.round(blocks / step).clamp(LOWEST, HIGHEST)
        loss = (blocks - code * step).square().sum(-1, keepdim=True)
        better = loss < losses
        codes, steps, losses = (torch.where(better, *pair) for pair in ((code, codes), (step, steps), (loss, losses)))
    return codes, steps


def by_blocks(matrix: torch.Tensor, bits: int, block: int, *, symmetric: bool) -> torch.Tensor:
    """The weights that the codes of `MatMulNBits` stand for: a scale, and perhaps a zero point, for each block of
    inputs of one output. Source: `BlockwiseQuantizer` in onnxruntime/core/mlas/lib/q4_dq.cpp."""
    outputs, inputs = matrix.shape
    blocks = _blocks(matrix, block)
    low, high = blocks.amin(-1, keepdim=True), blocks.amax(-1, keepdim=True)
    most, middle = 2**bits - 1, 2 ** (bits - 1)
    if symmetric:
        # The number with the greatest size gets the code 0, which is one further from the middle than the last code.
        scale = _quotient(-torch.where(high.abs() > low.abs(), high, low), middle)
        zero = torch.full_like(scale, middle)
    else:
        low, high = low.clamp(max=0), high.clamp(min=0)
        scale = _quotient(high - low, most)
        zero = _half_up(torch.where(scale == 0, low, -low / scale).clamp(0, most))
    reciprocal = torch.where(scale == 0, 0.0, 1 / scale)
    codes = _half_up((blocks * reciprocal + zero).clamp(0, most))
    return ((codes - zero) * scale).reshape(outputs, -1)[:, :inputs]


def inputs_by_blocks(values: torch.Tensor, block: int) -> torch.Tensor:
    """Activations [..., inputs] as `MatMulNBits` multiplies them with `accuracy_level: 4`: in signed 8 bits, with a
    scale for each row and block."""
    codes, scales = symmetric(_blocks(values, block), 127, (-1,))
    return (codes * scales).flatten(-2)[..., : values.shape[-1]]


def rows_of_table(rows: torch.Tensor, table: torch.Tensor, bits: int) -> torch.Tensor:
    """What a variant reads in place of the rows [..., width] of an embedding table [entries, width]: a scale a column
    of the table in 8 bits, in 4 a scale a row and a whole step for each block of it."""
    width = table.shape[1]
    block = block_of(width) if bits == 4 else None
    if block is None:
        scales = _quotient(table.abs().amax(0), 127)
        scales = torch.where(scales == 0, 1.0, scales)
        return torch.round(rows / scales) * scales
    # A row's steps don't depend on other rows: the largest number of each is 127, and so is that of all.
    numbers, scale = symmetric(rows.reshape(-1, width), 127, (-1,))
    codes, steps = in_steps(numbers, block)
    return (codes * (steps * scale.unsqueeze(-1))).reshape(rows.shape)


def _blocks(values: torch.Tensor, block: int) -> torch.Tensor:
    """[..., inputs] to [..., blocks, block]; the last is filled up with the last number, which changes no range."""
    missing = -values.shape[-1] % block
    if missing:
        values = torch.cat([values, values[..., -1:].expand(*values.shape[:-1], missing)], dim=-1)
    return values.reshape(*values.shape[:-1], -1, block)


def _half_up(values: torch.Tensor) -> torch.Tensor:
    """To the nearest whole number, halves up; `torch.round` takes them to even ones. `values` are 0 or more."""
    whole = values.floor()
    return whole + (values - whole >= 0.5)


def _quotient(values: torch.Tensor, divisor: int) -> torch.Tensor:
    """`values / divisor`; a GPU would multiply by the reciprocal of a plain number, which rounds otherwise."""
    return values / torch.full_like(values, divisor)
