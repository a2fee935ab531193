"""A small Gaussian process regression, quick enough to be fitted anew for every point that is asked for.

Matern 5/2 with a length scale a dimension (Rasmussen & Williams 2006, eq. 4.17 and 5.9); length scales, scale and
noise are the most probable ones under wide log-normal priors, whose length scales grow with the number of
dimensions (the idea of Hvarfner et al. 2024, arXiv 2402.02229; weaker here). Optuna's does the same 10 to 30 times
slower.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtr

Array = NDArray[np.float64]

JITTER = 1e-6
"""Added to the diagonal, in units of the targets' variance."""
_ROOT = np.sqrt(5.0)
_SCALE_SD, _AMPLITUDE_SD, _NOISE_MEAN, _NOISE_SD = 1.0, 1.0, -5.0, 2.0
_LOG_BOUNDS = {"scale": (-4.0, 4.0), "amplitude": (-3.0, 3.0), "noise": (-10.0, 1.0)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A posterior."""

    x: Array
    """(n, d): where targets are known."""
    theta: Array
    """(d + 2): logarithms of the length scales, of the variance and of the noise's variance."""
    mean: float
    spread: float
    """Targets are (value - mean) / spread inside."""
    root: Array
    """(n, n): lower Cholesky factor of the covariance."""
    weights: Array
    """(n): covariance^-1 targets."""

    def predict(self, x: Array) -> tuple[Array, Array]:
        """(m) means and (m) standard deviations of the function, without noise, at ``x``, (m, d)."""
        size = self.x.shape[1]
        scales, amplitude = np.exp(self.theta[:size]), np.exp(self.theta[size])
        covariance = amplitude * _matern(_distance(x / scales, self.x / scales))
        inner = solve_triangular(self.root, covariance.T, lower=True)
        variance = np.maximum(amplitude - (inner * inner).sum(axis=0), 1e-9)
        return covariance @ self.weights * self.spread + self.mean, np.sqrt(variance) * self.spread


def condition(x: Array, y: Array, theta: Array) -> Process:
    """The posterior of given ``theta``, of targets ``y``, (n), at ``x``, (n, d)."""
    size = x.shape[1]
    mean, spread = float(y.mean()), float(y.std()) or 1.0
    scales, amplitude, noise = np.exp(theta[:size]), np.exp(theta[size]), np.exp(theta[size + 1])
    covariance = amplitude * _matern(_distance(x / scales, x / scales))
    covariance[np.diag_indices(len(y))] += noise + JITTER
    root = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    inner = solve_triangular(root, (y - mean) / spread, lower=True)
    weights = solve_triangular(root.T, inner, lower=False)
    return Process(x=x, theta=theta, mean=mean, spread=spread, root=root, weights=weights)


def most_probable(x: Array, y: Array) -> Array:
    """``theta`` of ``Process`` at the maximum of its posterior density, found by L-BFGS-B from one start."""
    size = x.shape[1]
    targets = (y - y.mean()) / (y.std() or 1.0)
    squares = (x[:, None, :] - x[None]) ** 2
    expected = np.r_[np.full(size, np.log(0.5) + np.log(size) / 3), 0.0, _NOISE_MEAN]
    widths = np.r_[np.full(size, _SCALE_SD), _AMPLITUDE_SD, _NOISE_SD]
    start = np.r_[np.full(size, np.log(0.8)), 0.0, -4.0]
    bounds = [_LOG_BOUNDS["scale"]] * size + [_LOG_BOUNDS["amplitude"], _LOG_BOUNDS["noise"]]

    def energy(theta: Array) -> tuple[float, Array]:
        """Negative log posterior density and its gradient."""
        value, slope = _energy(theta, squares, targets)
        off = (theta - expected) / widths
        return value + 0.5 * float(off @ off), slope + off / widths

    found: Any = minimize(energy, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40})
    return np.asarray(found.x, dtype=np.float64)


def _energy(theta: Array, squares: Array, targets: Array) -> tuple[float, Array]:
    """Negative log marginal likelihood without its constant, and its gradient (eq. 5.8 and 5.9)."""
    size = squares.shape[2]
    precision, amplitude, noise = np.exp(-2 * theta[:size]), np.exp(theta[size]), np.exp(theta[size + 1])
    distance = np.sqrt(squares @ precision)
    decay = np.exp(-_ROOT * distance)
    kernel = (1 + _ROOT * distance + 5 / 3 * distance**2) * decay
    covariance = amplitude * kernel
    covariance[np.diag_indices(len(targets))] += noise + JITTER
    root = np.linalg.cholesky(covariance)
    inner = solve_triangular(root, np.eye(len(targets)), lower=True)
    inverse = inner.T @ inner
    weights = inverse @ targets
    pull = np.outer(weights, weights) - inverse
    slope = np.empty(size + 2)
    bend = pull * amplitude * (5 / 6 * (1 + _ROOT * distance) * decay)
    slope[:size] = -np.tensordot(bend, squares, 2) * precision
    slope[size] = -0.5 * amplitude * (pull * kernel).sum()
    slope[size + 1] = -0.5 * noise * np.trace(pull)
    return 0.5 * float(targets @ weights) + float(np.log(np.diag(root)).sum()), slope


def log_expected_improvement(mean: Array, sd: Array, best: float) -> Array:
    """Logarithm of E max(f - best, 0), f normal; finite however far below ``best`` the mean lies."""
    z = (mean - best) / sd
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    near = np.log(np.maximum(density + z * ndtr(z), 1e-300))
    far = log_ndtr(z) - np.log(np.maximum(-z, 1.0))  # phi(z) / z**2, about, in the tail
    return np.asarray(np.log(sd) + np.where(z > -6, near, far), dtype=np.float64)


def _distance(a: Array, b: Array) -> Array:
    """Squared distances of the rows of two matrices."""
    return np.asarray(
        np.maximum((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T, 0),
        dtype=np.float64,
    )


def _matern(squared: Array) -> Array:
    distance = np.sqrt(squared)
    return np.asarray((1 + _ROOT * distance + 5 / 3 * squared) * np.exp(-_ROOT * distance), dtype=np.float64)
