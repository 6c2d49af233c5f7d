import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.cli.output import Output
from dlmath.cli.own_images import ask_what_is_missing, patient_rules, show_summary
from dlmath.errors import RecipeError
from dlmath.recipe import Recipe


@pytest.fixture
def own(write_images, tmp_path):
    names = [
        f"{label}/{label}{p}_{i}.png" for label in ("ill", "well") for p in "123" for i in "12"
    ]
    return write_images(tmp_path / "own", [*names, "well/well4_1.png", "well/well5_1.png"])


@pytest.fixture
def terminal(monkeypatch):
    """Answers given on a terminal, in the order of the questions, which are kept."""
    asked, answers = [], []

    def ask(_, question):
        asked.append(question)
        return answers.pop(0)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(Output, "ask", ask)
    return asked, answers


def test_classes_shares_imbalance_and_patients_are_shown(own, capsys):
    show_summary([str(own)], {})
    shown = capsys.readouterr().err
    assert "ill" in shown
    assert "43%" in shown
    assert "8 patients, at most 2 images each (ill1_1.png → ill1)" in shown


def test_an_imbalance_is_said(write_images, tmp_path, capsys):
    names = [f"a/{number}.png" for number in range(8)] + ["b/1.png", "b/2.png"]
    show_summary([str(write_images(tmp_path, names))], {})
    shown = capsys.readouterr().err
    assert "4.0 times the smallest" in shown
    assert "the names do not say" in shown


def test_without_a_terminal_a_missing_class_is_refused_and_the_guess_is_taken(own):
    seen = show_summary([str(own)], {})
    with pytest.raises(RecipeError, match="--positive well"):
        ask_what_is_missing(seen, {}, [])
    assert ask_what_is_missing(seen, {"positive_class": "ill"}, []) == {"positive_class": "ill"}


def test_on_a_terminal_both_are_asked_for(own, terminal):
    asked, answers = terminal
    answers += ["ill", r"^([a-z]+\d)"]
    settings = ask_what_is_missing(show_summary([str(own)], {}), {}, [str(own)])
    assert settings == {"positive_class": "ill", "patient_rules": (r"^(?P<patient>[a-z]+\d)",)}
    assert asked[0] == "1 or 2:"


def test_a_rule_that_cannot_be_read_is_asked_for_again(own, terminal):
    terminal[1].extend(["(", "no", r"zzz(\d+)", "none"])
    given = {"positive_class": "ill"}
    settings = ask_what_is_missing(show_summary([str(own)], {}), given, [str(own)])
    assert settings == given | {"patient_rules": ()}
    assert len(terminal[0]) == 4


def test_the_advice_can_be_pasted(write_images, tmp_path):
    names = [f"{label}/{i}.png" for label in ("healthy", "pneumonia (sick)") for i in "123"]
    seen = show_summary([str(write_images(tmp_path, names))], {})
    with pytest.raises(RecipeError) as error:
        ask_what_is_missing(seen, {}, [])
    either = "Say so with: --positive healthy or --positive 'pneumonia (sick)'"
    assert str(error.value).endswith(either)


@pytest.mark.parametrize(("answer", "rules"), [("yes", {}), ("none", {"patient_rules": ()})])
def test_the_guess_may_be_taken_or_dropped(own, terminal, answer, rules):
    terminal[1].append(answer)
    seen = show_summary([str(own)], {})
    given = {"positive_class": "ill"}
    assert ask_what_is_missing(seen, given, [str(own)]) == given | rules


def test_what_was_given_is_not_asked_for(own, terminal):
    given = {"positive_class": "ill", "patient_rules": ()}
    assert ask_what_is_missing(show_summary([str(own)], given), given, [str(own)]) == given
    assert terminal[0] == []


def test_none_stands_alone():
    assert patient_rules(["None"]) == ()
    with pytest.raises(RecipeError, match="stands by itself"):
        patient_rules(["none", r"\d+"])


def test_new_writes_a_recipe_that_trains_these_images(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["new", "skin", "--data", str(own), "--positive", "ILL"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    recipe = Recipe.read(tmp_path / done.stdout.strip())
    assert recipe.name == "skin"
    assert recipe.classes == ("ill", "well")
    assert recipe.positive_class == "ill"
    assert recipe.patient_rules
    assert f"dlmath train skin/recipe.toml --data {own}" in done.stderr
    with pytest.raises(RecipeError, match="exists"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_new_leaves_patients_out_where_there_are_none(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["new", "skin", "--data", str(own), "--positive", "ill", "--patients", "none"]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert Recipe.read(tmp_path / "skin" / "recipe.toml").patient_rules == ()


@pytest.mark.parametrize("option", [[], ["--from", "runs/one"]])
def test_images_that_are_named_twice_are_refused_and_none_is_ignored(tmp_path, option):
    folder, table = tmp_path / "my images", tmp_path / "other.csv"
    folder.mkdir()
    table.touch()

    done = CliRunner().invoke(app, ["train", str(folder), "--data", str(table), *option])

    assert isinstance(done.exception, RecipeError)
    assert f"--data '{folder}' --data {table}" in str(done.exception)
