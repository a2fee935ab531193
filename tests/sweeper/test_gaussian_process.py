"""The regression behind the mfbo sampler."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from sweeper.gaussian_process import JITTER, _energy, condition, log_expected_improvement, most_probable


def sample(size=20, sides=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((size, sides))
    return x, np.sin(5 * x[:, 0]) + 0.1 * rng.standard_normal(size)


def test_the_posterior_is_that_of_scikit_learn():
    x, y = sample()
    theta = np.log([0.3, 0.8, 2.0, 1.7, 0.05])
    mine = condition(x, y, theta)
    kernel = ConstantKernel(1.7) * Matern([0.3, 0.8, 2.0], nu=2.5) + WhiteKernel(0.05 + JITTER)
    theirs = GaussianProcessRegressor(kernel, optimizer=None, alpha=1e-12).fit(x, (y - y.mean()) / y.std())
    new = np.random.default_rng(1).random((50, 3))
    mean, sd = theirs.predict(new, return_std=True)
    without_noise = np.sqrt(sd**2 - 0.05 - JITTER)
    got_mean, got_sd = mine.predict(new)
    np.testing.assert_allclose(got_mean, mean * y.std() + y.mean(), atol=1e-9)
    np.testing.assert_allclose(got_sd, without_noise * y.std(), rtol=1e-6)


def test_the_energy_is_the_negative_log_density_and_its_gradient_is_right():
    x, y = sample()
    y = (y - y.mean()) / y.std()
    squares = (x[:, None] - x[None]) ** 2
    theta = np.log([0.3, 0.8, 2.0, 1.7, 0.05])
    value, slope = _energy(theta, squares, y)
    root = np.sqrt(5 * (squares / np.exp(2 * theta[:3])).sum(axis=-1))
    covariance = 1.7 * (1 + root + root**2 / 3) * np.exp(-root) + (0.05 + JITTER) * np.eye(20)
    expected = -multivariate_normal(np.zeros(20), covariance).logpdf(y) - 10 * np.log(2 * np.pi)
    assert value == pytest.approx(expected)
    numeric = approx_fprime(theta, lambda at: _energy(at, squares, y)[0], 1e-6)
    np.testing.assert_allclose(slope, numeric, atol=1e-4)


def test_it_finds_out_which_side_matters():
    x, y = sample(60)
    scales = np.exp(most_probable(x, y)[:3])
    assert scales[0] < min(scales[1:]) / 2


def test_equal_targets_and_equal_points_are_no_trouble():
    x = np.zeros((5, 2))
    process = condition(x, np.ones(5), most_probable(x, np.ones(5)))
    mean, sd = process.predict(np.ones((1, 2)))
    assert mean == pytest.approx(1)
    assert np.isfinite(sd).all()


@settings(deadline=None, max_examples=40)
@given(st.floats(-5, 5), st.floats(0.05, 3))
def test_expected_improvement_is_the_integral(mean, sd):
    whole, _ = quad(
        lambda f: max(f - 0.5, 0) * norm.pdf(f, mean, sd), 0.5, max(0.5, mean) + 12 * sd, limit=200
    )
    got = log_expected_improvement(np.array([mean]), np.array([sd]), 0.5)[0]
    if whole > 1e-8:
        assert got == pytest.approx(np.log(whole), abs=0.01)
    assert np.isfinite(got)


def test_of_two_hopeless_points_the_less_hopeless_is_still_told():
    gains = log_expected_improvement(np.array([-40.0, -60.0]), np.array([1.0, 1.0]), 0.0)
    assert gains[0] > gains[1] > -np.inf
