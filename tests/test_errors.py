import pytest

from dlmath import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UserError("x"), 2),
        (errors.RecipeError("x"), 2),
        (errors.DataError("x"), 2),
        (errors.RunError("x"), 2),
        (errors.DeviceError("x"), 2),
        (errors.WeightsError("x"), 2),
        (errors.VerificationError("x"), 1),
        (errors.CheckFailedError("x"), 4),
        (errors.DivergedError("x"), 3),
        (errors.Stopped("x", 2), 130),
        (errors.Stopped("x", 15), 143),
    ],
)
def test_exit_codes_are_those_of_the_contract(error, code):
    assert isinstance(error, errors.DlmathError)
    assert error.exit_code == code


def test_the_nearest_name_is_suggested_and_a_far_one_is_not():
    tasks = ["malaria", "pneumonia"]
    assert errors.did_you_mean("pnuemonia", tasks) == " Did you mean 'pneumonia'?"
    assert errors.did_you_mean("zebra", tasks) == ""
