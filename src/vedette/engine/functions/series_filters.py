"""Filters of series, and Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.series import Values, read, write
from vedette.engine.several import several
from vedette.kql.types import Type

if TYPE_CHECKING:
    import numpy as np
else:
    np = deferred("numpy")


@scalar(
    "series_fir(series: array, filter: array, normalize?: bool, center?: bool): dynamic", names="first", kind="row",
    about="A finite impulse response filter: each value is a weighted sum of the values up to it.",
    page="series-fir-function",
)  # fmt: skip
def series_fir(series: object, filter_: object, normalize: bool | None = None, center: bool = False) -> object:
    values, weights = read(series), read(filter_)
    if values is None or weights is None or not len(values) or not len(weights):
        return None
    # weights that are all positive make a mean unless told otherwise
    mean = bool((weights >= 0).all()) if normalize is None else normalize
    total = float(weights.sum())
    if mean and total != 0:
        weights = weights / total
    shift = len(weights) // 2 if center else 0
    padded = np.concatenate([values, np.zeros(shift)])
    return write(np.convolve(padded, weights)[shift : shift + len(values)])


@scalar(
    "series_iir(series: array, numerators: array, denominators: array): dynamic", names="first", kind="row",
    about="An infinite impulse response filter: each value depends on the values and the results before it.",
    page="series-iir-function",
)  # fmt: skip
def series_iir(series: object, numerators: object, denominators: object) -> object:
    values, over, under = read(series), read(numerators), read(denominators)
    if (
        values is None
        or over is None
        or under is None
        or not (len(values) and len(over) and len(under))
        or under[0] == 0
    ):
        return None
    weighted = np.convolve(values, over)[: len(values)]
    result: Values = np.zeros(len(values))
    for place in range(len(values)):
        back = min(place, len(under) - 1)
        before = sum(under[step] * result[place - step] for step in range(1, back + 1))
        result[place] = (weighted[place] - before) / under[0]
    return write(result)


def _complex(real: object, imaginary: object) -> np.ndarray[tuple[int], np.dtype[np.complex128]] | None:
    first = read(real)
    second = np.zeros(len(first)) if first is not None and imaginary is None else read(imaginary)
    if first is None or second is None or len(first) != len(second) or not len(first):
        return None
    return np.asarray(first + 1j * second, dtype=np.complex128)


_PARTS = {"real": Type.DYNAMIC, "imag": Type.DYNAMIC}


@several(
    "series_fft(series: array, series_imaginary?: array): dynamic", outputs=_PARTS, page="series-fft-function",
    about="The Fourier transform of a series: its real and its imaginary part.",
)  # fmt: skip
def series_fft(real: object, imaginary: object = None) -> object:
    values = _complex(real, imaginary)
    if values is None:
        return None
    made = np.fft.fft(values)
    return {"real": write(made.real), "imag": write(made.imag)}


@several(
    "series_ifft(series: array, series_imaginary?: array): dynamic", outputs=_PARTS, page="series-ifft-function",
    about="The inverse Fourier transform of a series: its real and its imaginary part.",
)  # fmt: skip
def series_ifft(real: object, imaginary: object = None) -> object:
    values = _complex(real, imaginary)
    if values is None:
        return None
    made = np.fft.ifft(values)
    return {"real": write(made.real), "imag": write(made.imag)}
