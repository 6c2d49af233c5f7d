from dlmath._checkout import hand_on

hand_on(__name__)
