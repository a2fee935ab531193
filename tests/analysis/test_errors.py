from analysis.errors import InputError, ResultsError


def test_bad_input_and_damage_have_their_own_exit_codes() -> None:
    assert (InputError("x").exit_code, ResultsError("x").exit_code) == (2, 3)
